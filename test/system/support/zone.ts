/** A Pod as the zone lists it; `port` is that of its SRV record. */
export interface ZonePod {
  readonly name: string;
  readonly a: string;
  readonly aaaa?: string;
  readonly port: number;
}

export interface HeadlessService {
  /** Without the final dot, as in `db.prod.svc.cluster.local`. */
  readonly service: string;
  readonly portName: string;
  readonly ttlSeconds: number;
  readonly pods: readonly ZonePod[];
}

/**
 * The records that the Kubernetes DNS specification 1.1.0 asks for: dns-version (2.2), and for a headless Service (2.4) its
 * addresses (2.4.1), those of each hostname, SRV with one record for each endpoint (2.4.2) and PTR (2.4.3), in three master files.
 * CoreDNS reloads a file only if the serial rose.
 */
export function masterFiles({ service, portName, ttlSeconds, pods }: HeadlessService, serial: number) {
  const names = pods.map((pod) => ({ ...pod, fqdn: `${pod.name}.${service}.` }));
  const forward = names.flatMap(({ fqdn, a, aaaa, port }) => [
    `${service}. ${ttlSeconds} IN A ${a}`,
    `${fqdn} ${ttlSeconds} IN A ${a}`,
    ...(aaaa === undefined
      ? []
      : [`${service}. ${ttlSeconds} IN AAAA ${aaaa}`, `${fqdn} ${ttlSeconds} IN AAAA ${aaaa}`]),
    `_${portName}._tcp.${service}. ${ttlSeconds} IN SRV 0 ${Math.max(1, Math.floor(100 / pods.length))} ${port} ${fqdn}`,
  ]);
  return {
    'cluster.local': zone('cluster.local', serial, [
      'dns-version.cluster.local. 28800 IN TXT "1.1.0"',
      ...forward,
    ]),
    '127.in-addr.arpa': zone(
      '127.in-addr.arpa',
      serial,
      names.map(
        ({ a, fqdn }) => `${a.split('.').reverse().join('.')}.in-addr.arpa. ${ttlSeconds} IN PTR ${fqdn}`,
      ),
    ),
    // Only ::1 is there to be used on every machine.
    'ip6.arpa': zone(
      'ip6.arpa',
      serial,
      names
        .filter(({ aaaa }) => aaaa === '::1')
        .map(({ fqdn }) => `1.${'0.'.repeat(31)}ip6.arpa. ${ttlSeconds} IN PTR ${fqdn}`),
    ),
  };
}

function zone(origin: string, serial: number, records: readonly string[]): string {
  const soa = `${origin}. 5 IN SOA ns.dns.${origin}. hostmaster.${origin}. ${serial} 7200 1800 86400 5`;
  return `${[soa, `${origin}. 5 IN NS ns.dns.${origin}.`, ...records].join('\n')}\n`;
}
