import type { Failure } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Pick } from '../pick/contract.ts';
import type { Chances } from './chances.ts';

/** The Pods that it goes to, or why it goes nowhere. */
export type Choice =
  | { readonly type: 'pods'; readonly pods: readonly PodView[] }
  | { readonly type: 'fail'; readonly failure: Failure; readonly detail: string };

/**
 * The Pod that was picked, or another one where that may take no more (`connection.maxPerPod`); that is no retry.
 * @param pickAgain passes over those that were avoided
 */
export function withRoom(
  picked: PodView,
  backend: BackendSnapshot,
  chances: Chances,
  pickAgain: () => Pick,
): Choice {
  const { maxPerPod } = backend.config.connection;
  let pod = picked;
  for (;;) {
    const inFlight = chances.inFlight(pod.id);
    if (inFlight < maxPerPod) return { type: 'pods', pods: [pod] };
    const wasTried = chances.tried(pod.id);
    chances.avoid(pod.id);
    const next = wasTried ? null : pickAgain();
    if (next?.type !== 'pod' || next.pod.id === pod.id) {
      const detail = `${pod.name} has ${inFlight} requests in flight (connection.maxPerPod)`;
      return { type: 'fail', failure: 'overloaded', detail };
    }
    pod = next.pod;
  }
}
