/** `discovery.static`: Pods by address, and by names as Docker's resolver answers them. */
import { describe, expect, it } from 'vitest';
import type { StaticPod } from '../../../src/model/config.ts';
import { backendFor, dnsServer, moreQueries, until, watch } from '../../helpers/dns.ts';

function pod(name: string, host: string, port = 6379): StaticPod {
  return { name, address: { host, port } };
}

function staticBackend(nameservers: Parameters<typeof backendFor>[0], pods: readonly StaticPod[]) {
  return { ...backendFor(nameservers, 0, { static: pods }), service: '' };
}

it('addresses are taken as they are, without a question; n of name-n is the ordinal', async () => {
  const server = await dnsServer();
  const pods = [pod('db-0', '127.0.0.1', 1), pod('db-1', '::1', 1), pod('extra', '127.0.0.1', 2)];
  const watched = watch(staticBackend([server.address], pods));
  await until(() => watched.attempts() === 1, 'first round');
  expect(watched.members().map((m) => [m.name, m.ordinal, m.addresses, m.port])).toEqual([
    ['extra', -1, ['127.0.0.1'], 2],
    ['db-0', 0, ['127.0.0.1'], 1],
    ['db-1', 1, ['::1'], 1],
  ]);
  expect(server.queries).toEqual([]);
  expect(watched.discovery.report()).toMatchObject({
    question: 'none: discovery.static gives addresses',
    lastError: null,
  });
});

it('localhost is this machine, asked of nobody', async () => {
  const server = await dnsServer();
  const watched = watch(staticBackend([server.address], [pod('db-0', 'localhost')]));
  await until(() => watched.attempts() === 1, 'first round');
  expect(watched.members().map((m) => m.addresses)).toEqual([['127.0.0.1', '::1']]);
  expect(server.queries).toEqual([]);
});

describe('names', () => {
  async function raised(...hosts: string[]) {
    const server = await dnsServer();
    for (const [n, host] of hosts.entries()) server.setRecords(host, 'A', [`10.0.0.${n + 1}`], 0);
    const pods = hosts.map((host, n) => pod(`redis-${n}`, host));
    const watched = watch(staticBackend([server.address], pods));
    return { server, watched };
  }

  it('of one label are asked for as they are, and followed to another address', async () => {
    const { server, watched } = await raised('redis-a', 'redis-b');
    await until(() => watched.names().length === 2, 'both Pods');
    expect(new Set(server.queries.map(({ name }) => name))).toEqual(new Set(['redis-a', 'redis-b']));
    expect(watched.discovery.report().question).toBe('A, AAAA redis-a., redis-b.');
    server.setRecords('redis-b', 'A', ['10.0.0.9'], 0);
    await until(() => watched.members()[1]?.addresses[0] === '10.0.0.9', 'the new address');
    expect(watched.names()).toEqual(['redis-0', 'redis-1']);
  });

  it('a failed look-up changes nothing; one that is gone leaves after two answers', async () => {
    const { server, watched } = await raised('redis-a', 'redis-b');
    await until(() => watched.names().length === 2, 'both Pods');
    const sets = watched.sets.length;
    server.onQuery = ({ name }) =>
      name === 'redis-b' ? { do: 'rcode', rcode: 'SERVFAIL' } : { do: 'answer' };
    await moreQueries(server, 'A', 12);
    expect(watched.sets).toHaveLength(sets);
    expect(watched.discovery.report().lastError).toContain('redis-b: SERVFAIL');
    server.onQuery = ({ name }) =>
      name === 'redis-b' ? { do: 'rcode', rcode: 'NXDOMAIN' } : { do: 'answer' };
    await until(() => watched.names().join() === 'redis-0', 'redis-1 gone');
    expect(watched.discovery.report().lastError).toBe('NXDOMAIN for redis-b');
  });

  it('one that was never found is not taken for gone while it cannot be asked for', async () => {
    const server = await dnsServer();
    server.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
    const watched = watch(staticBackend([server.address], [pod('a', 'a'), pod('b', '10.0.0.2')]));
    await until(() => watched.names().join() === 'b', 'the address alone');
    expect(watched.discovery.report().lastError).toContain('a: SERVFAIL');
  });

  it('that have several addresses of a family are one Pod at the lowest, and that is told', async () => {
    const { server, watched } = await raised('redis');
    server.setRecords('redis', 'A', ['10.0.0.8', '10.0.0.7'], 0);
    await until(() => watched.members()[0]?.addresses[0] === '10.0.0.7', 'the lowest');
    expect(watched.members()[0]!.addresses).toEqual(['10.0.0.7']);
    await until(() => watched.discovery.report().lastError !== null, 'told');
    expect(watched.discovery.report().lastError).toBe(
      'redis has 2 addresses, of which one Pod has one: list the others by names of their own',
    );
  });
});
