/**
 * Two name servers of which one does no good: the Pods are found, and stay found.
 *
 * Story: the second server is never asked, or asked only after the first has used up all of the time
 * (apache/trafficserver#4514, AdguardTeam/dnsproxy#257). Case id B27 of field-cases.md; siblings of D06 and D07.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { HostPort } from '../../../src/model/config.ts';
import { backendFor, dnsServer, pods, rawUdpServer, SERVICE, until, watch } from '../../helpers/dns.ts';

async function closedPort(): Promise<HostPort> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(() => done()));
  return { host: '127.0.0.1', port };
}

async function refusing(rcode: 'SERVFAIL' | 'REFUSED'): Promise<HostPort> {
  const server = await dnsServer();
  server.onQuery = () => ({ do: 'rcode', rcode });
  return server.address;
}

const FIRST: [string, () => Promise<HostPort>][] = [
  ['is a closed port', closedPort],
  ['is silent', () => rawUdpServer(() => {})],
  ['says SERVFAIL', () => refusing('SERVFAIL')],
  ['says REFUSED', () => refusing('REFUSED')],
  ['sends garbage', () => rawUdpServer((_query, send) => send(Buffer.from('garbage, not DNS')))],
  ['echoes the query', () => rawUdpServer((query, send) => send(query))],
];

describe.each(['http', 80] as const)('B27 port %s', (port) => {
  it.each(FIRST)('the first server %s: three Pods by the second, which is followed', async (_, start) => {
    const first = await start();
    const second = await dnsServer();
    second.setService(SERVICE, 'http', 80, pods(3));
    // SPEC's queryTimeout: within it, not after it.
    const watched = watch(backendFor([first, second.address], port, { queryTimeoutMs: 2000 }));
    await until(() => watched.names().length === 3, 'three Pods', 3000);
    second.setService(SERVICE, 'http', 80, pods(4));
    await until(() => watched.names().length === 4, 'the fourth, too');
  });
});

it('B27 a first server that dies later: no Pod is lost, and changes come from the second', async () => {
  const [first, second] = [await dnsServer(), await dnsServer()];
  for (const server of [first, second]) server.setService(SERVICE, 'http', 80, pods(3));
  const watched = watch(backendFor([first.address, second.address], 'http', { absence: 1, emptyHoldMs: 0 }));
  await until(() => watched.names().length === 3, 'three Pods');
  expect(second.queries).toEqual([]);
  first.onQuery = () => ({ do: 'drop' });
  second.setService(SERVICE, 'http', 80, pods(4));
  await until(() => watched.names().length === 4, 'the fourth Pod by the second server');
  expect(watched.sets.map((set) => set.length)).toEqual([3, 4]);
});
