import type { PodState, PodView } from '../model/pod.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../model/snapshot.ts';
import { gauge } from './gauge.ts';
import type { FamilyLike } from './render.ts';

const POD_STATES: readonly PodState[] = ['ready', 'unready', 'ejected', 'draining'];
const LEADER_STATES = ['known', 'none', 'conflict'] as const;

/** What a scrape shows of the present snapshot: worked out when asked for, so that nothing has to be removed (case M1). */
export function snapshotFamilies(
  current: () => RoutingSnapshot,
  version: string,
  podLabel = (label: string): string => label,
): readonly FamilyLike[] {
  /** Pods with the same label are summed: those without a stable name, and a Pod that drains beside its successor. */
  const byLabel = ({ pods }: BackendSnapshot, holds: (pod: PodView) => boolean): Iterable<Value> => {
    const sums = new Map<string, number>();
    for (const pod of pods) {
      const label = podLabel(pod.label);
      sums.set(label, (sums.get(label) ?? 0) + (holds(pod) ? 1 : 0));
    }
    return sums;
  };
  return [
    gauge(
      'headroute_build_info',
      'Version of headroute and of Node.js; always 1.',
      ['version', 'node_version'],
      () => [{ labels: [version, process.version], value: 1 }],
    ),
    gauge('headroute_config_info', 'The configuration in force; always 1.', ['hash'], () => [
      { labels: [current().configHash], value: 1 },
    ]),
    perBackend(current, 'headroute_pods', 'Pods known, by state.', ['backend', 'state'], countStates),
    perBackend(current, 'headroute_pod_ready', 'Whether a Pod is ready.', ['backend', 'pod'], (backend) =>
      byLabel(backend, (pod) => pod.state === 'ready'),
    ),
    perBackend(
      current,
      'headroute_pod_leader',
      'Whether a Pod is the one leader.',
      ['backend', 'pod'],
      ({ pods, ...backend }) => {
        const { leadership } = backend;
        if (leadership.state === 'unconfigured') return [];
        return byLabel({ pods, ...backend }, (pod) => pod.id === leadership.leader?.id);
      },
    ),
    perBackend(
      current,
      'headroute_leader_state',
      'Whether one leader is known, none or several: 1 for the present state.',
      ['backend', 'state'],
      ({ leadership }) =>
        leadership.state === 'unconfigured'
          ? []
          : LEADER_STATES.map((state) => [state, leadership.state === state ? 1 : 0] as const),
    ),
  ];
}

type Value = readonly [label: string, value: number];

function countStates({ pods }: BackendSnapshot): readonly Value[] {
  return POD_STATES.map((state) => [state, pods.filter((pod) => pod.state === state).length] as const);
}

function perBackend(
  current: () => RoutingSnapshot,
  name: string,
  help: string,
  labelNames: readonly string[],
  values: (backend: BackendSnapshot) => Iterable<Value>,
): FamilyLike {
  return gauge(name, help, labelNames, function* () {
    for (const [backend, snapshot] of current().backends)
      for (const [label, value] of values(snapshot)) yield { labels: [backend, label], value };
  });
}
