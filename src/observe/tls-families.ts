import type { RoutingSnapshot } from '../model/snapshot.ts';
import type { TlsClients } from '../platform/tls/clients.ts';
import type { FamilyLike } from './render.ts';
import { earliestEndMs, tlsReports } from './tls-reports.ts';

/** Worked out when asked for, so that nothing has to be removed. */
export function certificateExpiry(current: () => RoutingSnapshot, clients: TlsClients): FamilyLike {
  return {
    name: 'headroute_tls_certificate_expiry_timestamp_seconds',
    type: 'gauge',
    help: 'The earliest end among our own certificate and those that the Pods showed last.',
    labelNames: ['backend'],
    *cells() {
      for (const [name, { config, pods }] of current().backends) {
        const endMs = earliestEndMs(tlsReports(config, pods, clients));
        if (endMs !== null) yield { labels: [name], value: endMs / 1000 };
      }
    },
  };
}
