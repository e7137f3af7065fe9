/** The embedded DNS server, judged by c-ares (node:dns): Kubernetes DNS specification 1.1.0 section 2.4. */
import { Resolver } from 'node:dns/promises';
import { expect, it } from 'vitest';
import { dnsServer, pods, SERVICE } from '../helpers/dns.ts';

async function scene() {
  const server = await dnsServer();
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([`127.0.0.1:${server.address.port}`]);
  return { server, resolver };
}

it('publishes a headless Service: A, AAAA, SRV, PTR', async () => {
  const { server, resolver } = await scene();
  server.setService(SERVICE, 'http', 8080, [
    { name: 'db-0', addresses: ['10.0.0.1', 'fd00::1'] },
    { name: 'db-1', addresses: ['10.0.0.2'], port: 9090 },
    { name: '', addresses: ['10.0.0.3'] },
  ]);
  expect((await resolver.resolve4(SERVICE)).sort()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  expect(await resolver.resolve6(SERVICE)).toEqual(['fd00::1']);
  expect(await resolver.resolve4(`db-1.${SERVICE.toUpperCase()}`)).toEqual(['10.0.0.2']);
  expect((await resolver.resolveSrv(`_http._tcp.${SERVICE}`)).map((srv) => [srv.name, srv.port])).toEqual([
    [`db-0.${SERVICE}`, 8080],
    [`db-1.${SERVICE}`, 9090],
    [`10-0-0-3.${SERVICE}`, 8080],
  ]);
  expect(await resolver.reverse('10.0.0.2')).toEqual([`db-1.${SERVICE}`]);
  expect(await resolver.reverse('fd00::1')).toEqual([`db-0.${SERVICE}`]);
});

it('tells an absent name from an absent type, and a Service without Pods does not exist', async () => {
  const { server, resolver } = await scene();
  server.setService(SERVICE, 'http', 80, pods(1));
  await expect(resolver.resolve6(SERVICE)).rejects.toMatchObject({ code: 'ENODATA' });
  await expect(resolver.resolve4(`nobody.${SERVICE}`)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  server.setService(SERVICE, 'http', 80, []);
  await expect(resolver.resolve4(SERVICE)).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

it('truncates over UDP what is whole over TCP', async () => {
  const { server, resolver } = await scene();
  server.setService(SERVICE, null, 80, pods(500));
  expect(await resolver.resolve4(SERVICE)).toHaveLength(500);
  expect(server.queries.map((query) => query.transport)).toContain('tcp');
});

it('misbehaves as told, per query', async () => {
  const { server, resolver } = await scene();
  server.setService(SERVICE, null, 80, pods(1));
  server.onQuery = (query) => (query.type === 'A' ? { do: 'rcode', rcode: 'SERVFAIL' } : undefined);
  await expect(resolver.resolve4(SERVICE)).rejects.toMatchObject({ code: 'ESERVFAIL' });
  server.onQuery = () => ({ do: 'delay', ms: 20 });
  expect(await resolver.resolve4(SERVICE)).toHaveLength(1);
});
