import type { Config, Probe } from '../model/config.ts';

const REDACTED = '[redacted]';

/** The configuration as `GET /config` may show it: probes carry passwords and tokens in headers, bodies and `send`. */
export function redactConfig(config: Config): object {
  return {
    ...config,
    backends: config.backends.map(({ health, leader, ...backend }) => ({
      ...backend,
      health: { ...health, probe: redactProbe(health.probe) },
      leader:
        leader === null || leader.source.type !== 'Probe'
          ? leader
          : { ...leader, source: { ...leader.source, probe: redactProbe(leader.source.probe) } },
    })),
  };
}

function redactProbe(probe: Probe): object {
  switch (probe.type) {
    case 'http':
      return {
        ...probe,
        headers: probe.headers.map(({ name }) => ({ name, value: REDACTED })),
        body: probe.body === null ? null : REDACTED,
      };
    case 'tcp':
      return { ...probe, send: REDACTED };
    case 'tcpSocket':
      return probe;
  }
}
