import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { TlsClients } from '../../platform/tls/clients.ts';
import type { TlsTerms } from '../../platform/tls/handshake.ts';

/** How data goes to a Pod; null: plain. @param protocol what is spoken inside */
export function podTls(
  clients: TlsClients,
  { config }: BackendSnapshot,
  pod: PodView,
  protocol: TlsTerms['protocol'],
): TlsTerms | null {
  const { tls, service } = config;
  if (tls === null) return null;
  // Without a stable name of its own a Pod is one of its Service.
  const serverName = tls.serverName ?? (pod.label === '' ? service : pod.dnsName);
  return { client: clients.of(tls), serverName, protocol };
}
