import type { BackendConfig, Config } from '../model/config.ts';
import type { PodView } from '../model/pod.ts';
import type { BackendSnapshot, Leadership, ListenerSnapshot, RoutingSnapshot } from '../model/snapshot.ts';
import { orderRoutes } from './routes.ts';

/** Leadership by Pod id, before the views are made. */
export interface LeadershipInput extends Omit<Leadership, 'leader'> {
  readonly leaderId: number | null;
}

export interface BackendInput {
  readonly config: BackendConfig;
  /** In any order. */
  readonly pods: readonly PodView[];
  readonly leadership: LeadershipInput;
}

/**
 * The snapshot of these inputs. Pure. Every part that equals its predecessor is that very object, and if all do the
 * previous snapshot itself comes back. Configuration parts are compared by identity: the caller keeps what is equal.
 */
export function buildSnapshot(
  previous: RoutingSnapshot,
  config: Config,
  configHash: string,
  inputs: readonly BackendInput[],
): RoutingSnapshot {
  const backends = new Map<string, BackendSnapshot>();
  let same = inputs.length === previous.backends.size;
  for (const input of inputs) {
    const before = previous.backends.get(input.config.name);
    const backend = buildBackend(before, input);
    same &&= backend === before;
    backends.set(input.config.name, backend);
  }
  const listeners = buildListeners(previous.listeners, config);
  same &&=
    listeners === previous.listeners && config === previous.config && configHash === previous.configHash;
  return same ? previous : { version: previous.version + 1, config, configHash, backends, listeners };
}

function buildListeners(previous: readonly ListenerSnapshot[], config: Config): readonly ListenerSnapshot[] {
  const known = new Map(previous.map((listener) => [listener.config, listener]));
  const listeners = config.listeners.map(
    (listener) => known.get(listener) ?? { config: listener, routes: orderRoutes(listener.rules) },
  );
  return sameList(previous, listeners) ? previous : listeners;
}

/** One backend's part of it; the very object of `before` where all is equal. */
export function buildBackend(before: BackendSnapshot | undefined, input: BackendInput): BackendSnapshot {
  const known = new Map(before?.pods.map((pod) => [pod.id, pod]));
  const pods = keep(
    before?.pods,
    input.pods
      .map((pod) => {
        const old = known.get(pod.id);
        return old !== undefined && samePod(old, pod) ? old : pod;
      })
      .sort(byOrdinalThenName),
  );
  const { leaderId, ...rest } = input.leadership;
  const leader = leaderId === null ? null : (pods.find(({ id }) => id === leaderId) ?? null);
  const leadership: Leadership = { ...rest, leader };
  const kept = before !== undefined && sameLeadership(before.leadership, leadership);
  if (kept && pods === before.pods && input.config === before.config) return before;

  const ready = keep(
    before?.ready,
    pods.filter(({ state }) => state === 'ready'),
  );
  const followers = leader === null ? ready : ready.filter((pod) => pod !== leader);
  return {
    config: input.config,
    pods,
    ...(pods.some((pod) => pod.stale) ? { stale: true } : {}),
    ready,
    followers: keep(before?.followers, followers),
    byOrdinal: pods === before?.pods ? before.byOrdinal : ordinals(pods),
    leadership: kept ? before.leadership : leadership,
  };
}

/** A ready Pod wins over an unready one, a newer one over its predecessor. Draining ones have no ordinal any more. */
function ordinals(pods: readonly PodView[]): Map<number, PodView> {
  const map = new Map<number, PodView>();
  for (const pod of pods) {
    if (pod.ordinal < 0 || pod.state === 'draining') continue;
    const other = map.get(pod.ordinal);
    if (other === undefined || pod.state === 'ready' || other.state !== 'ready') map.set(pod.ordinal, pod);
  }
  return map;
}

function byOrdinalThenName(a: PodView, b: PodView): number {
  if (a.ordinal !== b.ordinal) return a.ordinal - b.ordinal;
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  return a.id - b.id;
}

function samePod(a: PodView, b: PodView): boolean {
  return (
    a.state === b.state &&
    a.lost === b.lost &&
    a.stale === b.stale &&
    a.reason === b.reason &&
    a.name === b.name &&
    a.label === b.label &&
    a.dnsName === b.dnsName &&
    a.ordinal === b.ordinal &&
    a.port === b.port &&
    sameList(a.addresses, b.addresses)
  );
}

function sameLeadership(a: Leadership, b: Leadership): boolean {
  return (
    a.revision === b.revision &&
    a.reign === b.reign &&
    a.state === b.state &&
    a.leader === b.leader &&
    a.term === b.term &&
    a.reason === b.reason &&
    a.yielding === b.yielding &&
    sameList(a.silent ?? [], b.silent ?? []) &&
    sameList(a.claimants, b.claimants)
  );
}

function keep<T>(before: readonly T[] | undefined, after: readonly T[]): readonly T[] {
  return before !== undefined && sameList(before, after) ? before : after;
}

function sameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
