import { formatAddress } from '../../../model/address.ts';
import type { BackendConfig, DiscoveryConfig } from '../../../model/config.ts';
import { formatDuration } from '../grammar/duration.ts';
import { showLeader } from './show-leader.ts';
import { showProbe } from './show-probe.ts';
import { showStatic } from './show-static.ts';
import { showTls } from './show-tls.ts';
import { ifGiven, nothingLeft } from './whole.ts';

/** One of `backends`. */
export function showBackend(backend: BackendConfig): object {
  const { name, service, port, discovery, health, leader, tls, connection, ejection, ...rest } = backend;
  nothingLeft(rest);
  const { probe, periodMs, timeoutMs, failureThreshold, successThreshold, ...healthRest } = health;
  nothingLeft(healthRest);
  return {
    name,
    ...(discovery.static === null ? { service, port } : {}),
    discovery: showDiscovery(discovery),
    health: {
      ...showProbe(probe),
      period: formatDuration(periodMs),
      timeout: formatDuration(timeoutMs),
      failureThreshold,
      successThreshold,
    },
    ...(leader === null ? {} : { leader: showLeader(leader) }),
    ...(tls === null ? {} : { tls: showTls(tls) }),
    connection: showConnection(connection),
    ...(ejection === null ? {} : { ejection: showEjection(ejection) }),
  };
}

function showDiscovery(discovery: DiscoveryConfig): object {
  const { nameservers, refreshMinMs, refreshMaxMs, absence, emptyHoldMs, ...others } = discovery;
  const { queryTimeoutMs, statefulSet, static: fixed, ...rest } = others;
  nothingLeft(rest);
  return {
    ...ifGiven('nameservers', nameservers === null ? null : nameservers.map(formatAddress)),
    refresh: { min: formatDuration(refreshMinMs), max: formatDuration(refreshMaxMs) },
    absence,
    emptyHold: formatDuration(emptyHoldMs),
    queryTimeout: formatDuration(queryTimeoutMs),
    ...ifGiven('statefulSet', statefulSet),
    ...ifGiven('static', fixed === null ? null : fixed.map(showStatic)),
  };
}

function showConnection(connection: BackendConfig['connection']): object {
  const { connectTimeoutMs, idleTimeoutMs, maxPerPod, onUnready, ...rest } = connection;
  nothingLeft(rest);
  return {
    connectTimeout: formatDuration(connectTimeoutMs),
    idleTimeout: formatDuration(idleTimeoutMs),
    maxPerPod,
    onUnready,
  };
}

function showEjection(ejection: NonNullable<BackendConfig['ejection']>): object {
  const { consecutiveFailures, baseTimeMs, maxPercent, ...rest } = ejection;
  nothingLeft(rest);
  return { consecutiveFailures, baseTime: formatDuration(baseTimeMs), maxPercent };
}
