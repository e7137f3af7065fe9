import type { Failure } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Pick, PickContext } from '../pick/contract.ts';

/** The Pods that it goes to, or why it goes nowhere. */
export type Choice =
  | { readonly type: 'pods'; readonly pods: readonly PodView[] }
  | { readonly type: 'fail'; readonly failure: Failure; readonly detail: string; readonly podId?: number };

/** What is known of a request's tries, and takes one more Pod to be passed over: `Chances`, or what `explain` has instead. */
export interface Tries {
  inFlight: PickContext['inFlight'];
  tried: PickContext['tried'];
  avoid(podId: number): void;
}

/**
 * The Pod that was picked, or another one where that may take no more (`connection.maxPerPod`); that is no retry.
 * @param pickAgain passes over those that were avoided
 */
export function withRoom(
  picked: PodView,
  backend: BackendSnapshot,
  tries: Tries,
  pickAgain: () => Pick,
): Choice {
  const { maxPerPod } = backend.config.connection;
  let pod = picked;
  for (;;) {
    const inFlight = tries.inFlight(pod.id);
    if (inFlight < maxPerPod) return { type: 'pods', pods: [pod] };
    const wasTried = tries.tried(pod.id);
    tries.avoid(pod.id);
    const next = wasTried ? null : pickAgain();
    if (next?.type !== 'pod' || next.pod.id === pod.id) {
      const detail = `${pod.name} has ${inFlight} requests in flight (connection.maxPerPod)`;
      return { type: 'fail', failure: 'overloaded', detail };
    }
    pod = next.pod;
  }
}
