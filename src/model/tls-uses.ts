import type { BackendConfig, Config, TlsConfig } from './config.ts';
import { leaderProbe } from './leader-probe.ts';

/** One `tls` of a configuration. */
export interface TlsUse {
  readonly backend: BackendConfig;
  /** Where it stands, from the backend down. */
  readonly path: readonly string[];
  readonly tls: TlsConfig;
  /** Of the probe that it belongs to; null: the data port. */
  readonly port: number | null;
}

export function tlsUsesOf(backend: BackendConfig): TlsUse[] {
  const { tls, health, leader } = backend;
  const uses: TlsUse[] = [];
  const add = (path: readonly string[], own: TlsConfig | null | undefined, port: number | null): void => {
    if (own != null) uses.push({ backend, path, tls: own, port });
  };
  add(['tls'], tls, null);
  add(['health', 'tls'], health.probe.tls, health.probe.port);
  const asked = leaderProbe(leader)?.probe;
  add(['leader', 'probe', 'tls'], asked?.tls, asked?.port ?? null);
  return uses;
}

export function allTlsOf({ backends }: Config): TlsConfig[] {
  return backends.flatMap((backend) => tlsUsesOf(backend).map(({ tls }) => tls));
}
