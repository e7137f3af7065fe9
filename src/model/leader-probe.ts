import type { LeaderConfig, LeaderProbeSource } from './config.ts';

/** How Pods are asked whether they lead; null: they are not. */
export function leaderProbe(leader: LeaderConfig | null): LeaderProbeSource | null {
  switch (leader?.source.type) {
    case 'Probe':
      return leader.source;
    case 'Sentinel':
      return leader.source.probe;
    default:
      return null;
  }
}

/** The leader with another probe for the one that it has; without one it stays as it is. */
export function withLeaderProbe(
  leader: LeaderConfig | null,
  change: (probe: LeaderProbeSource['probe']) => LeaderProbeSource['probe'],
): LeaderConfig | null {
  switch (leader?.source.type) {
    case 'Probe':
      return { ...leader, source: { ...leader.source, probe: change(leader.source.probe) } };
    case 'Sentinel': {
      const { probe } = leader.source;
      return { ...leader, source: { ...leader.source, probe: { ...probe, probe: change(probe.probe) } } };
    }
    default:
      return leader;
  }
}
