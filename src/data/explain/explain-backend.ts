import { causeInWords, shownCause } from '../../model/cause.ts';
import type { ListenerConfig, RuleConfig } from '../../model/config.ts';
import type { ExplainedBackend, ExplainedOutcome } from '../../model/explanation.ts';
import { FAILURES, type Failure } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Pick, PickContext, Picker, Wait } from '../pick/contract.ts';
import { describeOrdinal } from '../pick/ordinal.ts';
import { pickerFor } from '../pick/registry.ts';
import { holdOf } from '../pick/stale.ts';
import { fanOutRefusal } from '../placement/decide.ts';
import { detailWithCauses } from '../placement/why.ts';
import { type Choice, withRoom } from '../placement/with-room.ts';
import type { RequestView } from '../request-view.ts';
import type { Present } from './present.ts';

/** A request on its way: what was decided of it, and where it came in. */
export interface Routed {
  /** `contentLength` -1: not told. */
  readonly request: RequestView & { readonly contentLength: number };
  readonly rule: RuleConfig;
  readonly listener: ListenerConfig;
}

/** What would happen to it at one of its rule's backends, and why not at the other Pods. */
export function explainBackend(
  present: Present,
  routed: Routed,
  { name, weight }: RuleConfig['backendRefs'][number],
): ExplainedBackend {
  const { rule, listener } = routed;
  const total = rule.backendRefs.reduce((sum, ref) => sum + ref.weight, 0);
  const share = total === 0 ? 0 : weight / total;
  const backend = present.snapshot.backends.get(name);
  if (backend === undefined) {
    const outcome = failed(listener, 'no_endpoint', `backend ${name} is not known yet`);
    return { name, weight, share, leadership: null, candidates: [], excluded: [], causes: [], outcome };
  }
  const picker = pickerFor(rule.selection);
  const context = contextOf(present, routed);
  const candidates: string[] = [];
  const excluded: { pod: string; reason: string }[] = [];
  for (const pod of backend.pods) {
    const reason = picker.exclusion(pod, backend, context) ?? fullness(present, backend, pod);
    if (reason === null) candidates.push(pod.name);
    else excluded.push({ pod: pod.name, reason: withAge(present, name, pod, reason) });
  }
  const causes = present.causesOf(name).map((cause) => shownCause(cause, present.nowMs()));
  const outcome = outcomeAt(present, routed, backend, candidates.length);
  return { name, weight, share, leadership: leadershipOf(backend), candidates, excluded, causes, outcome };
}

/** What is said of a Pod that is not ready, with its age and what its probe said. */
function withAge(present: Present, backend: string, { id, name, state }: PodView, reason: string): string {
  const cause = state === 'ready' ? null : present.causeOfPod(backend, id);
  return cause === null ? reason : causeInWords(cause, present.nowMs()).slice(name.length + 1);
}

/** As its client is told, by the same code. */
function why(
  present: Present,
  { config }: BackendSnapshot,
  failure: Failure,
  detail: string,
  podId: number | undefined,
): string {
  const pod = podId === undefined ? null : present.causeOfPod(config.name, podId);
  return detailWithCauses(failure, detail, present.causesOf(config.name), pod, present.nowMs());
}

/** A failure as its client meets it: a connection of a TCP listener can only be closed. */
export function failed(
  { protocol }: ListenerConfig,
  failure: Failure,
  detail: string,
  status: number = FAILURES[failure].status,
): ExplainedOutcome {
  return protocol === 'TCP' ? { type: 'closed', failure, detail } : { type: 'fail', failure, status, detail };
}

/** Takes turns as the next request would, without taking them from it. */
function contextOf(present: Present, { request, rule }: Routed, tried = new Set<number>()): PickContext {
  let turn = present.peekTurn(rule);
  return {
    request,
    selfPodName: present.selfPodName,
    random: () => present.random(),
    inFlight: (podId) => present.inFlight(podId),
    nextTurn: () => turn++,
    tried: (podId) => tried.has(podId),
    minLeaderRevision: 0,
    barred: () => null,
  };
}

function fullness(present: Present, { config }: BackendSnapshot, { id }: PodView): string | null {
  const inFlight = present.inFlight(id);
  return inFlight < config.connection.maxPerPod
    ? null
    : `has ${inFlight} requests in flight (connection.maxPerPod)`;
}

function leadershipOf({ leadership }: BackendSnapshot): ExplainedBackend['leadership'] {
  const { state, leader, term, claimants, reason } = leadership;
  return state === 'unconfigured' ? null : { state, leader: leader?.name ?? null, term, claimants, reason };
}

function outcomeAt(
  present: Present,
  routed: Routed,
  backend: BackendSnapshot,
  candidates: number,
): ExplainedOutcome {
  const { rule, listener, request } = routed;
  const { selection } = rule;
  if (selection.type === 'FanOut') {
    const refusal = fanOutRefusal(selection, request);
    if (refusal !== null) return failed(listener, refusal.failure, refusal.detail, refusal.status);
  }
  const pick = pickWithRoom(present, routed, backend, pickerFor(selection));
  switch (pick.type) {
    case 'pods': {
      const detail = howPicked(present, routed, backend, candidates);
      if (selection.type === 'FanOut') return fannedOut(present, routed, pick.pods, detail);
      return {
        type: 'pod',
        pod: pick.pods[0]!.name,
        address: addressOf(pick.pods[0]!),
        certain: candidates === 1 || (selection.type === 'Balance' && selection.algorithm === 'RoundRobin'),
        detail,
      };
    }
    case 'wait':
      return waiting(present, routed, backend, pick);
    case 'fail':
      return failed(listener, pick.failure, why(present, backend, pick.failure, pick.detail, pick.podId));
  }
}

function fannedOut(
  { hasFanOutRoom }: Present,
  { listener }: Routed,
  pods: readonly PodView[],
  detail: string,
): ExplainedOutcome {
  if (hasFanOutRoom(listener.name)) return { type: 'pods', pods: pods.map(({ name }) => name), detail };
  const full = 'the fan-outs of this listener hold all that limits.fanOutBytes allows';
  return failed(listener, 'overloaded', full);
}

/** As a placement does it: a Pod that has as many requests in flight as it may is passed over. */
function pickWithRoom(
  present: Present,
  routed: Routed,
  backend: BackendSnapshot,
  picker: Picker,
): Wait | Choice {
  const tried = new Set<number>();
  const context = contextOf(present, routed, tried);
  const again = (): Pick => picker.pick(backend, context);
  const pick = again();
  if (pick.type !== 'pod') return pick;
  return withRoom(pick.pod, backend, { ...context, avoid: (podId) => void tried.add(podId) }, again);
}

/** How long it would be held, and what its client gets if nothing comes of it. */
function waiting(
  present: Present,
  { rule, listener }: Routed,
  backend: BackendSnapshot,
  pick: Wait,
): ExplainedOutcome {
  const hold = holdOf(rule, backend);
  const detail = why(present, backend, pick.failure, pick.detail, pick.podId);
  if (hold === null || hold.timeoutMs === 0) return failed(listener, pick.failure, detail);
  if (!present.canHold(backend.config.name, rule.name, hold))
    return failed(
      listener,
      'hold_full',
      `as many requests are held as hold.maxRequests or hold.maxBytes allow; ${detail}`,
    );
  const { requestMs } = rule.timeouts;
  const isCut = listener.protocol === 'HTTP' && requestMs > 0 && requestMs < hold.timeoutMs;
  const end = isCut ? 'request_timeout' : 'hold_timeout';
  return {
    type: 'held',
    failure: pick.failure,
    timeoutMs: isCut ? requestMs : hold.timeoutMs,
    end,
    status: listener.protocol === 'HTTP' ? FAILURES[end].status : null,
    detail,
  };
}

function howPicked(present: Present, routed: Routed, backend: BackendSnapshot, candidates: number): string {
  const { selection } = routed.rule;
  switch (selection.type) {
    case 'Leader':
      return 'it leads';
    case 'Ordinal':
      return describeOrdinal(selection, backend, contextOf(present, routed));
    case 'FanOut':
      return `${selection.respond} of ${candidates}`;
    case 'Balance':
      return candidates === 1
        ? 'it is the only candidate'
        : `${selection.algorithm} among ${candidates} candidates`;
  }
}

function addressOf({ addresses, port }: PodView): string {
  const address = addresses[0]!;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
