import type { Config, Expect, LeaderSource, Probe } from '../model/config.ts';
import { REDACTED, redactTarget, redactText } from '../model/redact.ts';

/**
 * The configuration as `GET /config` may show it: probes carry passwords and tokens in headers, queries, bodies and `send`, and
 * whatever came from the environment may be one.
 */
export function redactConfig(config: Config): object {
  return {
    ...config,
    backends: config.backends.map(({ health, leader, ...backend }) => ({
      ...backend,
      health: { ...health, probe: redactProbe(health.probe) },
      leader: leader === null ? null : { ...leader, source: redactSource(leader.source) },
    })),
  };
}

function redactSource(source: LeaderSource): object {
  switch (source.type) {
    case 'Probe':
      return { ...source, probe: redactProbe(source.probe) };
    case 'Sentinel':
      return {
        ...source,
        auth: source.auth === null ? null : REDACTED,
        probe: redactSource(source.probe),
      };
    default:
      return source;
  }
}

function redactProbe({ hidden = [], ...probe }: Probe & { readonly hidden?: readonly string[] }): object {
  const shown = (text: string): string => redactText(text, hidden);
  switch (probe.type) {
    case 'http':
      return {
        ...probe,
        path: redactTarget(probe.path, hidden),
        headers: probe.headers.map(({ name }) => ({ name, value: REDACTED })),
        body: probe.body === null ? null : REDACTED,
        expect: redactExpect(probe.expect, shown),
      };
    case 'tcp':
      return {
        ...probe,
        send: REDACTED,
        auth: probe.auth === null ? null : REDACTED,
        expectContains: shown(probe.expectContains),
      };
    case 'tcpSocket':
      return probe;
  }
}

function redactExpect({ json, header, ...expect }: Expect, shown: (text: string) => string): object {
  return {
    ...expect,
    json: json.map((wanted) => {
      if (!('equals' in wanted)) return wanted;
      const redacted = [wanted.equals]
        .flat()
        .map((one) => (shown(String(one)) === String(one) ? one : shown(String(one))));
      return { ...wanted, equals: Array.isArray(wanted.equals) ? redacted : redacted[0] };
    }),
    header: header === null ? null : { ...header, value: shown(header.value) },
  };
}
