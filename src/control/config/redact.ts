import type { BackendConfig, Config, LeaderConfig, Probe } from '../../model/config.ts';

const REDACTED = '[redacted]';

/**
 * The configuration as `GET /config` shows it: what probes send may hold passwords and tokens, so that the values of
 * their headers, their bodies and `send` are hidden, a preset's included. What an answer is compared with stays.
 */
export function redactConfig(config: Config): Config {
  return { ...config, backends: config.backends.map(redactBackend) };
}

function redactBackend(backend: BackendConfig): BackendConfig {
  return {
    ...backend,
    health: { ...backend.health, probe: redactProbe(backend.health.probe) },
    leader: backend.leader === null ? null : redactLeader(backend.leader),
  };
}

function redactLeader(leader: LeaderConfig): LeaderConfig {
  const { source } = leader;
  if (source.type !== 'Probe') return leader;
  return { ...leader, source: { ...source, probe: redactProbe(source.probe) } };
}

function redactProbe<P extends Probe>(probe: P): P {
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
