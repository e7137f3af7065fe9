import type { BalanceSelection } from '../../model/config.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { PickContext, Picker } from './contract.ts';
import { notReady } from './leader.ts';

/**
 * One of several equal Pods. Of those that this request has not tried; where all were, of all again. `Followers` falls
 * back to the leader where no follower is ready, or every one was tried.
 */
export function balancePicker({ over, algorithm }: BalanceSelection): Picker {
  const choose = ALGORITHMS[algorithm];
  const preferred = (backend: BackendSnapshot): readonly PodView[] =>
    over === 'Followers' && backend.followers.length > 0 ? backend.followers : backend.ready;

  /** Makes a list only where a Pod was tried: the common pick among a thousand Pods looks at two. */
  const untried = (backend: BackendSnapshot, context: PickContext): readonly PodView[] => {
    const isUntried = (pod: PodView): boolean => !context.tried(pod.id);
    const first = preferred(backend).filter(isUntried);
    if (first.length > 0) return first;
    const rest = backend.ready.filter(isUntried);
    return rest.length > 0 ? rest : preferred(backend);
  };

  return {
    pick(backend, context) {
      const pods = preferred(backend);
      if (pods.length === 0) return { type: 'fail', failure: 'no_endpoint', detail: noneReady(backend) };
      const pod = choose(pods, context);
      if (!context.tried(pod.id)) return { type: 'pod', pod };
      return { type: 'pod', pod: choose(untried(backend, context), context) };
    },
    exclusion(pod, backend, context) {
      if (pod.state !== 'ready') return notReady(pod);
      // The common case without making a list, so that explaining a thousand Pods stays cheap.
      if (!context.tried(pod.id) && preferred(backend).includes(pod)) return null;
      if (untried(backend, context).some((other) => other.id === pod.id)) return null;
      return context.tried(pod.id) ? 'was tried already' : 'leads, and the rule prefers followers';
    },
  };
}

function noneReady(backend: BackendSnapshot): string {
  const { length } = backend.pods;
  return length === 0
    ? 'no Pod is known'
    : `none of ${length} known ${length === 1 ? 'Pod' : 'Pods'} is ready`;
}

type Choose = (pods: readonly PodView[], context: PickContext) => PodView;

const ALGORITHMS: Readonly<Record<BalanceSelection['algorithm'], Choose>> = {
  /** The less busy of two at random (Mitzenmacher, "The Power of Two Choices"). */
  LeastRequest(pods, context) {
    if (pods.length === 1) return pods[0]!;
    const i = indexBelow(pods.length, context);
    const j = indexBelow(pods.length - 1, context);
    const first = pods[i]!;
    const second = pods[j >= i ? j + 1 : j]!;
    return context.inFlight(second.id) < context.inFlight(first.id) ? second : first;
  },
  RoundRobin: (pods, context) => pods[context.nextTurn() % pods.length]!,
  Random: (pods, context) => pods[indexBelow(pods.length, context)]!,
};

function indexBelow(length: number, context: PickContext): number {
  return Math.min(length - 1, Math.floor(context.random() * length));
}
