import type { Cause } from '../../model/cause.ts';
import type { HoldConfig, RuleConfig } from '../../model/config.ts';
import type { RoutingSnapshot } from '../../model/snapshot.ts';
import { systemRandom } from '../../platform/random.ts';
import type { Surroundings } from '../placement/decide.ts';

/** What explaining looks at beside the snapshot: a data plane as it is now. Looking moves nothing of it (case P4). */
export interface Present extends Surroundings {
  readonly snapshot: RoutingSnapshot;
  readonly selfPodName: string;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** What is wrong with a backend now, the likeliest first. */
  causesOf(backend: string): readonly Cause[];
  /** Why a Pod is not ready; null: it is. */
  causeOfPod(backend: string, podId: number): Cause | null;
  /** Where the listeners are bound. */
  readonly addresses: readonly { readonly name: string; readonly host: string; readonly port: number }[];
  /** Requests in flight to a Pod. */
  inFlight(podId: number): number;
  /** The number that the next request of a rule gets in its round-robin sequence. */
  peekTurn(rule: RuleConfig): number;
  /** Whether one request more may be held. */
  canHold(backend: string, rule: string, limits: HoldConfig): boolean;
  /** Whether one fan-out more fits into `limits.fanOutBytes`. */
  hasFanOutRoom(listener: string): boolean;
  /** Whether one connection more fits into `limits.connections`. */
  mayConnect(listener: string): boolean;
}

const NOTHING_WRONG = { nowMs: () => 0, causesOf: () => [], causeOfPod: () => null };

/** A sidecar that has just started with this snapshot, and served nobody yet. */
export function justStarted(
  snapshot: RoutingSnapshot,
  random: () => number = systemRandom,
  causes: Pick<Present, 'nowMs' | 'causesOf' | 'causeOfPod'> = NOTHING_WRONG,
): Present {
  return {
    ...causes,
    snapshot,
    selfPodName: snapshot.config.selfPodName,
    addresses: snapshot.listeners.map(({ config }) => ({ name: config.name, ...config.address })),
    hopName: '',
    draining: () => false,
    random,
    inFlight: () => 0,
    peekTurn: () => 0,
    canHold: (_backend, _rule, { maxRequests }) => maxRequests > 0,
    hasFanOutRoom: () => true,
    mayConnect: () => true,
  };
}
