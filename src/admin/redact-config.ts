import type { Config, Credentials, Expect, LeaderSource, Probe } from '../model/config.ts';
import { REDACTED, redactTarget, redactText } from '../model/redact.ts';

/**
 * The configuration as `GET /config` may show it: probes carry passwords and tokens in headers, queries, bodies and `send`, and
 * whatever came from the environment may be one.
 */
export function redactConfig(config: Config): Config {
  return {
    ...config,
    backends: config.backends.map(({ health, leader, ...backend }) => ({
      ...backend,
      health: { ...health, probe: redactProbe(health.probe) },
      leader: leader === null ? null : { ...leader, source: redactSource(leader.source) },
    })),
  };
}

function redactSource<S extends LeaderSource>(source: S): S;
function redactSource(source: LeaderSource): LeaderSource {
  switch (source.type) {
    case 'Probe':
      return { ...source, probe: redactProbe(source.probe) };
    case 'Sentinel':
      return {
        ...source,
        auth: redactCredentials(source.auth),
        probe: redactSource(source.probe),
      };
    default:
      return source;
  }
}

function redactCredentials(auth: Credentials | null): Credentials | null {
  return auth === null ? null : { username: auth.username === null ? null : REDACTED, password: REDACTED };
}

function redactProbe<P extends Probe>(probe: P): P;
function redactProbe({ hidden = [], ...probe }: Probe & { readonly hidden?: readonly string[] }): Probe {
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
        auth: redactCredentials(probe.auth),
        expectContains: shown(probe.expectContains),
      };
    case 'tcpSocket':
      return probe;
  }
}

function redactExpect({ json, header, ...expect }: Expect, shown: (text: string) => string): Expect {
  return {
    ...expect,
    json: json.map((wanted): Expect['json'][number] => {
      if (!('equals' in wanted)) return wanted;
      const redacted = [wanted.equals]
        .flat()
        .map((one) => (shown(String(one)) === String(one) ? one : shown(String(one))));
      return { ...wanted, equals: Array.isArray(wanted.equals) ? redacted : redacted[0]! };
    }),
    header: header === null ? null : { ...header, value: shown(header.value) },
  };
}
