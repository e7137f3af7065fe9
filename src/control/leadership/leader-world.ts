import type { RosterPod } from '../roster.ts';
import type { LeaderWorld } from './leader-causes.ts';
import type { Sources } from './sources.ts';

/** What causes are found in: the Pods of a backend, as those who ask them know them. */
export function leaderWorld(
  pods: ReadonlyMap<number, RosterPod>,
  sources: Sources,
  isReady: (podId: number) => boolean,
): LeaderWorld {
  return {
    pods,
    isReady,
    denies: (podId) => sources.denies(podId),
    isSilent: (podId) => sources.isSilent(podId),
    claims: (podId) => sources.known(podId).claim !== null,
    probeRun: (podId) => sources.probeRun(podId),
    get trouble() {
      return sources.trouble;
    },
  };
}
