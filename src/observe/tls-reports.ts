import type { BackendConfig } from '../model/config.ts';
import type { TlsReport } from '../model/tls-report.ts';
import { tlsUsesOf } from '../model/tls-uses.ts';
import type { TlsClients } from '../platform/tls/clients.ts';

/** A Pod, as far as is needed to find what it showed. */
interface Peer {
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
}

/** What is known of the certificates of a backend, its own and its Pods'. */
export function tlsReports(backend: BackendConfig, pods: readonly Peer[], clients: TlsClients): TlsReport[] {
  return tlsUsesOf(backend).map(({ path, tls, port }) => {
    const client = clients.of(tls);
    const { cert, ca, verify, serverName, minVersion } = tls;
    const shown = pods.flatMap((pod) =>
      pod.addresses.flatMap((address) => {
        const facts = client.shownAt(address, port ?? pod.port);
        return facts === null ? [] : [{ pod: pod.name, ...facts }];
      }),
    );
    const notAfterMs = client.inForce?.material.notAfterMs ?? null;
    return {
      at: path.join('.'),
      verify,
      serverName,
      minVersion,
      ca,
      certificate: cert === null ? null : { file: cert, notAfterMs },
      problem: client.problem,
      pods: shown,
    };
  });
}

/** The earliest end of one of these certificates, wall-clock ms; null: none is known. */
export function earliestEndMs(reports: readonly TlsReport[]): number | null {
  const ends = reports.flatMap(({ certificate, pods }) => [
    ...(certificate?.notAfterMs == null ? [] : [certificate.notAfterMs]),
    ...pods.map(({ notAfterMs }) => notAfterMs),
  ]);
  return ends.length === 0 ? null : Math.min(...ends);
}
