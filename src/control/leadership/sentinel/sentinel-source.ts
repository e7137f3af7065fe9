import type { BackendConfig, HostPort, SentinelLeaderSource } from '../../../model/config.ts';
import type { LookupTrouble, Member } from '../../discovery/contract.ts';
import { isNamedBy } from '../../pod-names.ts';
import type { RosterPod } from '../../roster.ts';
import type { ClaimEvents, ClaimSource } from '../contract.ts';
import type { AnnouncedChange, Counsel } from '../counsel.ts';
import { type ProbeSourceDeps, probeSource } from '../probe-source.ts';
import { inWords, majorityOf, textOf } from './names.ts';
import { Sentinels, type SentinelsDeps } from './sentinels.ts';

/** Finds the members of another Service, as a backend's are found. */
export type WatchMembers = (onMembers: (members: readonly Member[]) => void) => MembersWatch;

export interface MembersWatch {
  /** What is wrong with the look-ups; null: nothing. */
  trouble(): LookupTrouble | null;
  close(): void;
}

/**
 * `leader.type: Sentinel`: the Pods are asked as with `Probe`, and what the Sentinels say comes beside their claims as counsel
 * (docs/adr/0014-sentinel.md).
 *
 * @param now the backend as it is now: a reload may change it
 */
export function sentinelSource(
  now: () => BackendConfig,
  source: SentinelLeaderSource,
  watchMembers: WatchMembers,
  events: ClaimEvents,
  deps: ProbeSourceDeps & SentinelsDeps,
): ClaimSource {
  const pods = new Map<number, RosterPod>();
  const probes = probeSource(now, source.probe, events, deps);
  const sentinels = new Sentinels(
    source,
    () => now().name,
    () => events.onClaims(),
    deps,
  );
  const watching = watchMembers((members) => sentinels.take(members));
  const podAt = (address: HostPort): RosterPod | null =>
    [...pods.values()].find(({ member }) => isNamedBy(`//${textOf(address)}`, member)) ?? null;
  const nameOf = (address: HostPort): string =>
    podAt(address)?.member.name ?? `${textOf(address)}, which is no Pod's`;

  const change = (): AnnouncedChange | null => {
    const { current } = deps.failovers;
    if (current === null) return null;
    const { from } = current;
    const reason = `Sentinel ${source.master} is failing over from ${nameOf(from)}`;
    return { of: current, from: podAt(from)?.id ?? null, reason };
  };

  return {
    ...probes,
    join(pod, before, asked) {
      pods.set(pod.id, pod);
      probes.join(pod, before, asked);
    },
    leave(podId) {
      pods.delete(podId);
      probes.leave(podId);
    },
    counsel(): Counsel {
      const { said } = sentinels;
      const address = majorityOf(said);
      const named = address === null ? null : podAt(address);
      return {
        change: change(),
        named: named === null ? null : { podId: named.id, name: named.member.name },
        reason: inWords(said, nameOf),
      };
    },
    trouble: () => watching.trouble(),
    close() {
      watching.close();
      sentinels.close();
      probes.close();
    },
  };
}
