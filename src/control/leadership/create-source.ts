import type { BackendConfig, LeaderConfig, SentinelLeaderSource } from '../../model/config.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Member } from '../discovery/contract.ts';
import type { ClaimEvents, ClaimSource } from './contract.ts';
import { type DnsWatch, type DnsWatchEvents, dnsSource } from './dns-source.ts';
import { ordinalSource } from './ordinal-source.ts';
import { type ProbeSourceDeps, probeSource } from './probe-source.ts';
import type { FailoverWatch } from './sentinel/failover.ts';
import { type MembersWatch, sentinelSource } from './sentinel/sentinel-source.ts';

export interface CreateSourceDeps extends ProbeSourceDeps {
  readonly logger: Logger;
  readonly failovers: FailoverWatch;
  /** Looks up another Service as the backend's own is looked up. */
  watchMembers(
    backend: BackendConfig,
    other: Pick<SentinelLeaderSource, 'service' | 'port' | 'static'>,
    onMembers: (members: readonly Member[]) => void,
  ): MembersWatch;
  watchAddresses(backend: BackendConfig, service: string, events: DnsWatchEvents): DnsWatch;
  /** Probes the health of every Pod now, or of those given. */
  probeHealth(finished: () => void, only?: ReadonlySet<number>): void;
}

/** The source of claims that a backend's `leader` asks for. @param now the backend as it is now: a reload may change it */
export function createSource(
  backend: BackendConfig & { readonly leader: LeaderConfig },
  now: () => BackendConfig,
  events: ClaimEvents,
  deps: CreateSourceDeps,
): ClaimSource {
  const { source } = backend.leader;
  const afterRound = (finished: () => void): void => deps.probeHealth(finished);
  switch (source.type) {
    case 'Probe':
      return probeSource(now, source, events, deps);
    case 'Sentinel':
      return sentinelSource(
        now,
        source,
        (onMembers) => deps.watchMembers(backend, source, onMembers),
        events,
        deps,
      );
    case 'Ordinal':
      return ordinalSource(source.ordinal, events, afterRound);
    case 'DNS':
      return dnsSource(
        (watch) => deps.watchAddresses(backend, source.service, watch),
        events,
        afterRound,
        deps.search,
      );
  }
}
