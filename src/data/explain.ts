import type { RuleConfig } from '../model/config.ts';
import type { ExplainedBackend, ExplainedOutcome, Explanation } from '../model/explanation.ts';
import { FAILURES, type Failure } from '../model/failure.ts';
import type { PodView } from '../model/pod.ts';
import type { BackendSnapshot, ListenerSnapshot, RoutingSnapshot } from '../model/snapshot.ts';
import { systemRandom } from '../platform/random.ts';
import { toText } from './byte-string.ts';
import { matcherFor } from './match/matcher.ts';
import { chooseBackend } from './pick/choose-backend.ts';
import type { Pick, PickContext } from './pick/contract.ts';
import { describeOrdinal } from './pick/ordinal.ts';
import { pickerFor } from './pick/registry.ts';
import { holdOf } from './pick/stale.ts';
import type { RequestView } from './request-view.ts';
import { isSafeMethod } from './safe-methods.ts';

/** What explaining may read; nothing is moved by it (case P4). */
export interface ExplainOptions {
  readonly selfPodName: string;
  /** Requests in flight to a Pod now; 0 where there is no data plane. */
  inFlight?(podId: number): number;
  /** The number that a rule's next turn would have, without taking it. */
  peekTurn?(rule: RuleConfig): number;
  random?(): number;
}

/**
 * Says which rule and Pod a request would take now, by the very matcher and pickers that the data path uses. Pure: no
 * Pod sees a byte and no counter moves.
 *
 * @param listenerName null: the first HTTP listener
 */
export function explainRequest(
  snapshot: RoutingSnapshot,
  listenerName: string | null,
  request: RequestView,
  options: ExplainOptions,
): Explanation {
  const listener = findListener(snapshot, listenerName);
  const matcher = listener === undefined ? null : matcherFor(listener);
  const rule = matcher?.match(request) ?? null;
  const random = options.random ?? systemRandom;
  const backends =
    rule === null ? [] : rule.backendRefs.map((ref) => explainBackend(snapshot, rule, ref, request, options));
  const backend = rule === null ? null : chooseBackend(rule.backendRefs, random);
  return {
    snapshot: snapshot.version,
    request: {
      method: request.method,
      path: toText(request.path),
      query: toText(request.query),
      host: toText(request.host),
    },
    listener: listener?.config.name ?? null,
    rulesTried: matcher?.explain(request) ?? [],
    rule: rule?.name ?? null,
    selection: rule?.selection.type ?? null,
    backend,
    outcome: backends.find(({ name }) => name === backend)?.outcome ?? nowhere(listener, listenerName, rule),
    backends,
  };
}

/**
 * The listener that a URL's port belongs to, or null.
 * @param url as a person writes it; a bare path has no port
 */
export function listenerOfUrl(snapshot: RoutingSnapshot, url: string): string | null {
  const authority = /^https?:\/\/([^/?#]+)/i.exec(url)?.[1];
  const port = authority === undefined ? null : Number(/:([0-9]+)$/.exec(authority)?.[1] ?? 80);
  return snapshot.listeners.find(({ config }) => config.address.port === port)?.config.name ?? null;
}

function findListener(snapshot: RoutingSnapshot, name: string | null): ListenerSnapshot | undefined {
  if (name !== null) return snapshot.listeners.find(({ config }) => config.name === name);
  return snapshot.listeners.find(({ config }) => config.protocol === 'HTTP') ?? snapshot.listeners[0];
}

function nowhere(
  listener: ListenerSnapshot | undefined,
  listenerName: string | null,
  rule: RuleConfig | null,
): ExplainedOutcome {
  if (listener === undefined)
    return failed(
      'no_route',
      listenerName === null ? 'there is no listener' : `there is no listener ${listenerName}`,
    );
  if (rule === null) return failed('no_route', `no rule of listener ${listener.config.name} matches`);
  return failed('no_endpoint', `every backend of rule ${rule.name} has weight 0`);
}

function explainBackend(
  snapshot: RoutingSnapshot,
  rule: RuleConfig,
  { name, weight }: RuleConfig['backendRefs'][number],
  request: RequestView,
  options: ExplainOptions,
): ExplainedBackend {
  const total = rule.backendRefs.reduce((sum, ref) => sum + ref.weight, 0);
  const share = total === 0 ? 0 : weight / total;
  const backend = snapshot.backends.get(name);
  if (backend === undefined) {
    const outcome = failed('no_endpoint', `backend ${name} is not known yet`);
    return { name, weight, share, leadership: null, candidates: [], excluded: [], outcome };
  }
  const context: PickContext = {
    request,
    selfPodName: options.selfPodName,
    random: options.random ?? systemRandom,
    inFlight: (podId) => options.inFlight?.(podId) ?? 0,
    nextTurn: () => options.peekTurn?.(rule) ?? 0,
    tried: () => false,
    minLeaderRevision: 0,
    barred: () => null,
  };
  const picker = pickerFor(rule.selection);
  const candidates: string[] = [];
  const excluded: { pod: string; reason: string }[] = [];
  for (const pod of backend.pods) {
    const reason = picker.exclusion(pod, backend, context);
    if (reason === null) candidates.push(pod.name);
    else excluded.push({ pod: pod.name, reason });
  }
  const outcome = outcomeOf(rule, picker.pick(backend, context), candidates.length, backend, context);
  return { name, weight, share, leadership: leadershipOf(backend), candidates, excluded, outcome };
}

function leadershipOf({ leadership }: BackendSnapshot): ExplainedBackend['leadership'] {
  const { state, leader, term, claimants, reason } = leadership;
  return state === 'unconfigured' ? null : { state, leader: leader?.name ?? null, term, claimants, reason };
}

function outcomeOf(
  rule: RuleConfig,
  pick: Pick,
  candidates: number,
  backend: BackendSnapshot,
  context: PickContext,
): ExplainedOutcome {
  const { selection } = rule;
  if (selection.type === 'FanOut' && !selection.allowUnsafe && !isSafeMethod(context.request.method))
    return failed('method_not_allowed', `a fan-out takes safe methods only, unless allowUnsafe is set`);
  switch (pick.type) {
    case 'pod':
      return {
        type: 'pod',
        pod: pick.pod.name,
        address: addressOf(pick.pod),
        certain: candidates === 1,
        detail: howPicked(rule, candidates, backend, context),
      };
    case 'pods':
      return {
        type: 'pods',
        pods: pick.pods.map(({ name }) => name),
        detail: howPicked(rule, candidates, backend, context),
      };
    case 'wait': {
      const hold = holdOf(rule, backend);
      if (hold === null || hold.timeoutMs === 0) return failed(pick.failure, pick.detail);
      return { type: 'held', failure: pick.failure, timeoutMs: hold.timeoutMs, detail: pick.detail };
    }
    case 'fail':
      return failed(pick.failure, pick.detail);
  }
}

function howPicked(
  { selection }: RuleConfig,
  candidates: number,
  backend: BackendSnapshot,
  context: PickContext,
): string {
  switch (selection.type) {
    case 'Leader':
      return 'it leads';
    case 'Ordinal':
      return describeOrdinal(selection, backend, context);
    case 'FanOut':
      return `${selection.respond} of ${candidates}`;
    case 'Balance':
      return candidates === 1
        ? 'it is the only candidate'
        : `${selection.algorithm} among ${candidates} candidates`;
  }
}

function failed(failure: Failure, detail: string): ExplainedOutcome {
  return { type: 'fail', failure, status: FAILURES[failure].status, detail };
}

function addressOf({ addresses, port }: PodView): string {
  const address = addresses[0]!;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
