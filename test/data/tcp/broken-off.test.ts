/**
 * A TCP stream that breaks off must not look whole, for to a TCP peer a FIN is the end of what was meant: a line protocol takes
 * `value=12` of `value=123` for all. And what a side had said before it broke off arrives.
 *
 * Sources: RFC 9293 sections 3.6, 3.10.7; issue 11 item 8; SPEC 6 promise 2. Siblings of L10, U08.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { joinSockets, type TunnelEnd } from '../../../src/data/forward/join-sockets.ts';
import { UnreadPeers } from '../../../src/data/forward/unread-peers.ts';
import { SOCKET_OPTIONS } from '../../../src/data/socket-options.ts';
import { poll } from '../../helpers/waiting.ts';
import { balance, leaderRule, nothingInFlight, rawPods, tcp } from './harness.ts';

describe('what is cut', () => {
  it.each([
    ['the leader is demoted', leaderRule(), (t, views) => t.publish(views, views[1])],
    ['nobody leads', leaderRule(), (t, views) => t.publish(views, 'none')],
    ['its listener was removed', balance, (t) => t.removed({ listener: true })],
    ['the sidecar shuts down', balance, (t) => t.tunnels.close()],
  ] satisfies [
    string,
    Parameters<typeof tcp>[0],
    (t: Awaited<ReturnType<typeof tcp>>, views: Awaited<ReturnType<typeof rawPods>>['views']) => void,
  ][])('%s: reset both ways', async (_, rule, cut) => {
    const { taps, views } = await rawPods(2);
    const t = await tcp(rule, views, views[0]);
    const client = await t.client();
    client.send('value=12');
    await taps[0]!.until((p) => p.total === 8, 'the bytes at the Pod');
    cut(t, views);
    expect(await client.closed()).toBe('reset');
    await taps[0]!.until((p) => p.last.closed, 'the end at the Pod');
    expect(taps[0]!.last.ended).toBe(false);
    await nothingInFlight(t);
  });
});

/** Two connections, joined in the middle. */
async function joined(): Promise<{
  client: Socket;
  pod: Socket;
  inner: { client: Socket; upstream: Socket };
  ends: TunnelEnd[];
  cut: () => void;
}> {
  const pair = async (): Promise<[Socket, Socket]> => {
    const server = createServer({ ...SOCKET_OPTIONS, pauseOnConnect: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const outer = connect({ port: (server.address() as AddressInfo).port, ...SOCKET_OPTIONS });
    const inner = await accepted;
    server.close();
    outer.on('error', () => {});
    onTestFinished(() => {
      outer.destroy();
      inner.destroy();
    });
    return [outer, inner];
  };
  const [client, innerClient] = await pair();
  const [pod, innerUpstream] = await pair();
  const ends: TunnelEnd[] = [];
  const { cut } = joinSockets(innerClient, innerUpstream, new UnreadPeers(), (end) => ends.push(end));
  return { client, pod, inner: { client: innerClient, upstream: innerUpstream }, ends, cut };
}

/** How a peer's connection ended, and what it had read. */
function ending(socket: Socket): { how: string | null; text: string } {
  const seen = { how: null as string | null, text: '' };
  socket.on('data', (data) => {
    seen.text += data.toString('latin1');
  });
  socket.on('end', () => {
    // A RST in the same moment as the last bytes is an end for libuv; the kernel knows no peer then.
    seen.how ??= socket.remoteAddress === undefined && !socket.writableEnded ? 'reset' : 'fin';
  });
  socket.on('error', () => {
    seen.how ??= 'reset';
  });
  return seen;
}

describe('what breaks', () => {
  it.each(['ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ECONNRESET'])(
    '%s of either side is a reset to the other',
    async (code) => {
      for (const side of ['client', 'upstream'] as const) {
        const { client, pod, inner, ends } = await joined();
        const other = ending(side === 'client' ? pod : client);
        inner[side].destroy(Object.assign(new Error(code), { code }));
        await poll(() => other.how, 'the end');
        expect(other.how).toBe('reset');
        await poll(() => ends.length > 0, 'the end of the tunnel');
        expect(ends).toEqual([{ first: side, broken: { side, code } }]);
      }
    },
  );

  it('a cut in the very turn in which a FIN is passed on leaves no descriptor behind', async () => {
    const { client, pod, inner, ends, cut } = await joined();
    const left = [ending(client), ending(pod)];
    const closed: string[] = [];
    inner.client.once('close', () => closed.push('client'));
    inner.upstream.once('close', () => closed.push('upstream'));
    inner.client.once('end', () => process.nextTick(cut));
    client.end();
    await poll(() => left[1]!.how, 'the end at the Pod');
    await poll(() => closed.length === 2, 'both to be closed');
    expect(ends).toEqual([{ first: 'client', broken: null }]);
  });
});

describe('last words', () => {
  // Both are written before the event loop asks the kernel again, so that it reports both at once, the writer first.
  it.each(['client', 'pod'] as const)(
    'the %s writes in the moment in which the other one says why it resets: that arrives',
    async (writer) => {
      const { client, pod } = await joined();
      const [from, to] = writer === 'client' ? [client, pod] : [pod, client];
      const seen = ending(from);
      to.resume();
      from.write('hello');
      await poll(() => to.bytesRead === 5, 'the first bytes');
      from.write('more');
      to.write('-ERR max number of clients reached\r\n');
      to.resetAndDestroy();
      await poll(() => seen.how, 'the end');
      expect(seen).toEqual({ how: 'reset', text: '-ERR max number of clients reached\r\n' });
    },
  );
});

describe('a reset in the same moment as the last bytes', () => {
  it.each(['client', 'pod'] as const)('of the %s is no FIN to the other', async (side) => {
    const { client, pod, ends } = await joined();
    const [from, to] = side === 'client' ? [client, pod] : [pod, client];
    const seen = ending(to);
    from.write('value=12');
    from.resetAndDestroy();
    await poll(() => seen.how, 'the end');
    expect(seen).toEqual({ how: 'reset', text: 'value=12' });
    await poll(() => ends.length === 1, 'the end of the tunnel');
  });
});
