import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Answer } from '../../src/control/discovery/wire/answer.ts';
import { fixedNameservers } from '../../src/control/discovery/wire/nameservers.ts';
import { createResolver } from '../../src/control/discovery/wire/resolver.ts';
import type { HostPort } from '../../src/model/config.ts';
import { type Clock, systemClock } from '../../src/platform/clock.ts';
import { SERVICE, withId } from './dns.ts';
import { CASE_MESSAGES } from './dns-case-messages.ts';

/** Three addresses for `SERVICE`. */
export const GOOD = CASE_MESSAGES.D01;

/** A resolver that is closed with the test, and what it counted. */
export function resolverFor(servers: readonly HostPort[], timeoutMs = 400, clock: Clock = systemClock) {
  const attempts: string[] = [];
  const resolver = createResolver({
    nameservers: fixedNameservers(servers),
    timeoutMs,
    clock,
    onAsked: (type, result) => void attempts.push(`${type} ${result}`),
    onLookup: () => {},
  });
  onTestFinished(() => resolver.close());
  return { resolver, attempts, a: () => resolver.lookup(SERVICE, 'A') };
}

/** The addresses of a successful answer, sorted. */
export function addresses(answer: Answer): string[] {
  if (answer.result !== 'success') throw new Error(`not success: ${JSON.stringify(answer)}`);
  return answer.values.map((value) => (value.kind === 'address' ? value.address : '')).sort();
}
/** The addresses in GOOD. */
export const THREE = ['10.0.0.1', '10.0.0.2', '10.0.0.3'];

/** A TCP listener on the port of a UDP server that answers with TC. */
export async function truncatingServer(
  onTcp: ((socket: Socket, query: () => Promise<Buffer>) => void) | null,
) {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const udp = createSocket('udp4');
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  udp.on('message', (query, from) => udp.send(withId(CASE_MESSAGES.D08, query), from.port, from.address));
  const sockets = new Set<Socket>();
  if (onTcp === null) listener.close();
  listener.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    onTcp?.(socket, async () => {
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      return bytes.subarray(2);
    });
  });
  onTestFinished(() => {
    udp.close();
    for (const socket of sockets) socket.destroy();
    listener.close();
  });
  return { host: '127.0.0.1', port };
}

/** A message as it goes over TCP (RFC 7766 section 8). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
