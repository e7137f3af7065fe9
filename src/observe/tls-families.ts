import type { RoutingSnapshot } from '../model/snapshot.ts';
import type { TlsClients } from '../platform/tls/clients.ts';
import { gauge } from './gauge.ts';
import type { FamilyLike } from './render.ts';
import { earliestEndMs, tlsReports } from './tls-reports.ts';

export function certificateExpiry(current: () => RoutingSnapshot, clients: TlsClients): FamilyLike {
  return gauge(
    'headroute_tls_certificate_expiry_timestamp_seconds',
    'The earliest end among our own certificate and those that the Pods showed last.',
    ['backend'],
    function* () {
      for (const [name, { config, pods }] of current().backends) {
        const endMs = earliestEndMs(tlsReports(config, pods, clients));
        if (endMs !== null) yield { labels: [name], value: endMs / 1000 };
      }
    },
  );
}
