import type { BackendConfig } from '../../../model/config.ts';
import type { Metrics } from '../../../observe/metrics.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Random } from '../../../platform/random.ts';
import type { LookupResult } from './answer.ts';
import type { LookupType } from './dns-query.ts';
import { fixedNameservers, resolvConfNameservers } from './nameservers.ts';
import { createResolver, type Resolver } from './resolver.ts';

export interface DiscoveryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Whether a backend of this name is in force or being prepared: what ends after that is counted nowhere. Default: it is. */
  isCounted?(backend: string): boolean;
  /** Default /etc/resolv.conf. */
  readonly resolvConf?: string;
}

/** What is asked, and how it can end: the counters exist from 0 on. */
const OF_NAMES: readonly LookupType[] = ['SRV', 'A', 'AAAA'];
const OF_NUMBERS: readonly LookupType[] = ['A', 'AAAA', 'PTR'];
const RESULTS: readonly LookupResult[] = [
  'success',
  'empty',
  'nxdomain',
  'servfail',
  'refused',
  'timeout',
  'truncated',
  'malformed',
  'local_error',
  'error',
];

/** A resolver with a backend's nameservers and timeout, which counts into the backend's metrics. */
export function backendResolver(backend: BackendConfig, deps: DiscoveryDeps): Resolver {
  const { clock, metrics } = deps;
  const { nameservers, queryTimeoutMs } = backend.discovery;
  for (const type of typeof backend.port === 'number' ? OF_NUMBERS : OF_NAMES)
    for (const result of RESULTS) metrics.dnsLookups.with(backend.name, type, result);
  const duration = metrics.dnsLookupDuration.with(backend.name);
  return createResolver({
    clock,
    timeoutMs: queryTimeoutMs,
    nameservers:
      nameservers === null
        ? resolvConfNameservers(deps.resolvConf ?? '/etc/resolv.conf', clock)
        : fixedNameservers(nameservers),
    onAsked(type, result) {
      if (deps.isCounted?.(backend.name) === false) return;
      metrics.dnsLookups.with(backend.name, type, result).value++;
    },
    onLookup(durationMs) {
      metrics.dnsLookupDuration.observe(duration, durationMs / 1000);
    },
  });
}
