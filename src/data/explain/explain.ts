import type { RuleConfig } from '../../model/config.ts';
import type { ExplainedOutcome, Explanation } from '../../model/explanation.ts';
import { FAILURES } from '../../model/failure.ts';
import type { ListenerSnapshot } from '../../model/snapshot.ts';
import { toText } from '../byte-string.ts';
import { RequestHead } from '../http1/request-head.ts';
import { matcherFor } from '../match/matcher.ts';
import type { Refusal } from '../placement/admit.ts';
import { type Decision, decide, decideConnection, NO_REQUEST } from '../placement/decide.ts';
import type { RequestView } from '../request-view.ts';
import { isSafeMethod } from '../safe-methods.ts';
import type { DescribedRequest } from './described-request.ts';
import { explainBackend, failed } from './explain-backend.ts';
import { findListener } from './find-listener.ts';
import type { Present } from './present.ts';

/** For what a request is shown as where no listener's own limits are in force. */
const NO_LIMITS = { headBytes: Number.POSITIVE_INFINITY, headers: 1000 };

/**
 * Says which rule and Pod a request would take now, by the very code that decides and picks on the data path. No Pod sees a
 * byte of it, and no counter moves.
 */
export function explainRequest(present: Present, described: DescribedRequest): Explanation {
  const listener = findListener(present, described);
  const head = new RequestHead();
  const limits = typeof listener === 'string' ? NO_LIMITS : listener.config.limits;
  head.begin();
  const isRead = head.parse(described.head, 0, described.head.length, limits) > 0;
  const plain: Explanation = {
    snapshot: present.snapshot.version,
    request: shown(head),
    listener: typeof listener === 'string' ? null : listener.config.name,
    rulesTried: [],
    alsoMatch: [],
    leavesLeaderRule: null,
    rule: null,
    selection: null,
    backend: null,
    outcome: { type: 'unreachable', detail: '' },
    backends: [],
  };
  if (typeof listener === 'string') return { ...plain, outcome: { type: 'unreachable', detail: listener } };
  const { config } = listener;
  if (config.protocol === 'TCP') {
    const outcome = notAccepted(present, listener);
    if (outcome !== null) return { ...plain, outcome };
    return {
      ...plain,
      ...explainDecision(present, listener, NO_CONTENT, decideConnection(present, listener)),
    };
  }
  if (!isRead) {
    const { failure, detail, status } = head.error ?? NO_END;
    return { ...plain, outcome: failed(config, failure, detail, status) };
  }
  return { ...plain, ...explainDecision(present, listener, head, decide(present, head, listener)) };
}

const NO_CONTENT = { ...NO_REQUEST, contentLength: -1 };
const NO_MATCHING = { tried: [], alsoMatch: [] };
const NO_END = { failure: 'bad_request', detail: 'the head has no end', status: undefined } as const;

function shown(head: RequestHead): Explanation['request'] {
  const { method, path, query, host } = head;
  return { method, path: toText(path), query: toText(query), host: toText(host) };
}

/** Why a TCP connection does not come about, or ends as soon as it does. */
function notAccepted(present: Present, { config }: ListenerSnapshot): ExplainedOutcome | null {
  if (present.draining())
    return {
      type: 'unreachable',
      detail: `the sidecar drains: listener ${config.name} takes no connections`,
    };
  if (present.mayConnect(config.name)) return null;
  const detail = `${config.limits.connections} connections are open (limits.connections)`;
  return failed(config, 'overloaded', detail);
}

function explainDecision(
  present: Present,
  listener: ListenerSnapshot,
  request: RequestView & { readonly contentLength: number },
  decision: Decision | Refusal,
): Partial<Explanation> {
  const matcher = matcherFor(listener);
  // What is refused before any rule is asked says nothing of the rules.
  const isRouted = 'backend' in decision || decision.failure === 'no_route' || 'rule' in decision;
  const rule = isRouted ? matcher.match(request) : null;
  const { tried, alsoMatch } = isRouted ? matcher.explain(request) : NO_MATCHING;
  const backends =
    rule === null
      ? []
      : rule.backendRefs.map((ref) =>
          explainBackend(present, { request, rule, listener: listener.config }, ref),
        );
  return {
    rulesTried: tried,
    alsoMatch,
    leavesLeaderRule: leavesLeader(rule, alsoMatch, request, listener),
    rule: rule?.name ?? null,
    selection: rule?.selection.type ?? null,
    backend: 'backend' in decision ? decision.backend : null,
    outcome:
      'backend' in decision
        ? backends.find(({ name }) => name === decision.backend)!.outcome
        : refused(listener, decision),
    backends,
  };
}

/** A write that a more specific rule takes from a Leader rule may go to a Pod that does not lead: that is often not meant. */
function leavesLeader(
  taken: RuleConfig | null,
  alsoMatch: Explanation['alsoMatch'],
  { method }: RequestView,
  { config }: ListenerSnapshot,
): string | null {
  if (taken === null || taken.selection.type === 'Leader' || config.protocol === 'TCP') return null;
  if (isSafeMethod(method)) return null;
  const leads = ({ rule }: { readonly rule: string }): boolean =>
    config.rules.some(({ name, selection }) => name === rule && selection.type === 'Leader');
  return alsoMatch.find(leads)?.rule ?? null;
}

function refused({ config }: ListenerSnapshot, refusal: Refusal): ExplainedOutcome {
  if (refusal.failure === null)
    return { type: 'answered', status: 200, detail: 'Max-Forwards is 0: this hop answers OPTIONS itself' };
  const { failure, detail } = refusal;
  return failed(config, failure, detail, FAILURES[failure].status);
}
