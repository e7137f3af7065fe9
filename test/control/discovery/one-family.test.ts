/**
 * A name server that says NXDOMAIN for the family it has no record of.
 *
 * Story: NXDOMAIN holds for the whole name (RFC 8020), but some servers say it for AAAA alone (RFC 4074 section 4.2), and a
 * resolver that believes it loses the A records, too (coredns/coredns#779). Case id B25 of field-cases.md; sibling of N4.
 */
import packet from 'dns-packet';
import { expect, it } from 'vitest';
import { backendFor, dnsServer, moreQueries, pods, SERVICE, until, watch } from '../../helpers/dns.ts';

it.each([
  ['the Service', 80, 'A'],
  ['SRV targets', 'http', 'SRV'],
] as const)('B25 AAAA of %s is NXDOMAIN, A has three: three Pods, steady', async (_, port, type) => {
  const server = await dnsServer();
  server.setService(SERVICE, 'http', 80, pods(3));
  server.onQuery = (query) => {
    if (query.type === 'AAAA') return { do: 'rcode', rcode: 'NXDOMAIN' };
    // Without glue, so that the targets have to be asked for by name.
    return query.type === 'SRV' ? { do: 'mangle', reply: withoutAdditionals } : { do: 'answer' };
  };
  const watched = watch(backendFor([server.address], port, { absence: 1, emptyHoldMs: 0 }));
  await until(() => watched.names().length === 3, 'three Pods');
  const [first] = watched.sets.filter((set) => set.length === 3);
  await moreQueries(server, type, 10);
  expect(watched.count('AAAA', 'nxdomain')).toBeGreaterThan(5);
  expect(watched.sets.at(-1)).toBe(first);
});

function withoutAdditionals(right: Buffer): Buffer {
  const message = packet.decode(right);
  return packet.encode({ ...message, additionals: [] });
}
