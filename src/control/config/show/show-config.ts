import { formatAddress } from '../../../model/address.ts';
import type { Config, ListenerConfig } from '../../../model/config.ts';
import { formatDuration } from '../grammar/duration.ts';
import { formatQuantity } from '../grammar/quantity.ts';
import { showBackend } from './show-backend.ts';
import { showRule } from './show-rule.ts';
import { nothingLeft } from './whole.ts';

/**
 * A configuration in the file's own words, every default written out: as YAML or JSON it can be pasted back and means the same. A
 * preset is shown as what it stands for.
 */
export function showConfig(config: Config): object {
  const { backends, listeners, selfPodName, admin, debug, log, metrics, shutdownTimeoutMs, ...rest } = config;
  nothingLeft(rest);
  return {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: backends.map(showBackend),
    listeners: listeners.map(showListener),
    ...(selfPodName === '' ? {} : { self: { podName: selfPodName } }),
    admin: { address: formatAddress(admin) },
    debug: { address: debug === null ? '' : formatAddress(debug) },
    log,
    metrics,
    shutdown: { timeout: formatDuration(shutdownTimeoutMs) },
  };
}

function showListener(listener: ListenerConfig): object {
  const { name, address, protocol, limits, debugHeaders, timeouts, rules, ...rest } = listener;
  nothingLeft(rest);
  const { headBytes, fanOutBytes, ...counts } = limits;
  return {
    name,
    address: formatAddress(address),
    protocol,
    limits: { headBytes: formatQuantity(headBytes), ...counts, fanOutBytes: formatQuantity(fanOutBytes) },
    debugHeaders,
    timeouts: {
      head: formatDuration(timeouts.headMs),
      idle: formatDuration(timeouts.idleMs),
      body: formatDuration(timeouts.bodyMs),
    },
    rules: rules.map(showRule),
  };
}
