/** A mistake of headroute's own costs the TCP connection that it is met at (docs/adr/0008). */
import { afterEach, expect, it, vi } from 'vitest';
import { TunnelRegistry } from '../../../src/data/forward/tunnel-registry.ts';
import { UnreadPeers } from '../../../src/data/forward/unread-peers.ts';
import { PodPool } from '../../../src/data/forward/upstream-pool.ts';
import { PeerWatch } from '../../../src/platform/peer-watch.ts';
import { mistakes, planted } from '../../helpers/mistakes.ts';
import { poll } from '../../helpers/waiting.ts';
import { balance, leaderRule, nothingInFlight, rawPods, tcp } from './harness.ts';

afterEach(() => void vi.restoreAllMocks());

it('where a Pod has taken the connection: both sides are closed, the next one is served', async () => {
  const met = mistakes();
  const { taps, views } = await rawPods(1);
  const t = await tcp(balance, views);
  vi.spyOn(TunnelRegistry.prototype, 'add').mockImplementationOnce(planted);
  const client = await t.client();
  await client.closed();
  await taps[0]!.until((tap) => tap.connections[0]?.closed === true, 'the end at the Pod');
  expect(met.where).toEqual(['tcp']);
  expect(t.ended.map(({ ended }) => ended.end)).toEqual(['internal_error']);
  (await t.client()).send('next');
  await taps[0]!.until((tap) => tap.total === 4, 'the next one');
});

it('where a connection has ended: what is left of it is closed, the next one is served', async () => {
  const met = mistakes();
  const { taps, views } = await rawPods(1);
  const t = await tcp(balance, views);
  const client = await t.client();
  client.send('a');
  await taps[0]!.until((tap) => tap.total === 1, 'the byte');
  vi.spyOn(PodPool.prototype, 'tunnelEnded').mockImplementationOnce(planted);
  client.reset();
  await poll(() => met.where.length > 0, 'the mistake');
  await taps[0]!.until((tap) => tap.connections[0]!.closed, 'the end at the Pod');
  expect(met.where).toEqual(['tcp']);
  (await t.client()).send('next');
  await taps[0]!.until((tap) => tap.total === 5, 'the next one');
});

it('where a client that waits has left: its place is given up all the same', async () => {
  const met = mistakes();
  const { views } = await rawPods(1);
  const t = await tcp(leaderRule(), views, 'none');
  const watch = vi.spyOn(PeerWatch.prototype, 'watch').mockImplementationOnce(() => planted);
  const client = await t.client();
  await poll(() => t.queue.size === 1, 'the hold');
  expect(watch).toHaveBeenCalledOnce();
  for (const socket of t.accepted) socket.destroy();
  await poll(() => met.where.length === 1, 'the mistake');
  expect(met.where).toEqual(['tcp']);
  client.destroy();
});

it('where a released one asks whether its client is still there: it is closed, the others go on', async () => {
  const met = mistakes();
  const { taps, views } = await rawPods(1);
  const t = await tcp(leaderRule(), views, 'none');
  vi.spyOn(PeerWatch.prototype, 'watch').mockImplementationOnce(() => planted);
  const first = await t.client();
  await poll(() => t.queue.size === 1, 'the hold');
  const second = await t.client();
  second.send('b');
  await poll(() => t.queue.size === 2, 'the second hold');
  t.publish(views, views[0]);
  await first.closed();
  await taps[0]!.until((tap) => tap.total === 1, 'the second');
  expect(met.where).toContain('tcp');
});

it('where a peer is found to be gone: its socket is closed, the look goes on', async () => {
  const met = mistakes();
  const { taps, views } = await rawPods(1);
  const t = await tcp(leaderRule(), views, 'none');
  const watch = PeerWatch.prototype.watch;
  vi.spyOn(PeerWatch.prototype, 'watch').mockImplementationOnce(function (this: PeerWatch, socket) {
    return watch.call(this, socket, planted);
  });
  const first = await t.client();
  await poll(() => t.queue.size === 1, 'the hold');
  const second = await t.client();
  await poll(() => t.queue.size === 2, 'the second hold');
  first.reset();
  second.reset();
  await poll(() => t.queue.size === 0, 'both to be noticed');
  expect(met.where).toEqual(['peer_watch']);
  expect(taps[0]!.total).toBe(0);
});

it("at a pause of a tunnel's socket: both sides are closed", async () => {
  const met = mistakes();
  const { taps, views } = await rawPods(1);
  const clock = {
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: planted,
  };
  const t = await tcp(balance, views, 'unconfigured', { unread: new UnreadPeers(clock, 1, 1) });
  const client = await t.client();
  client.send('a');
  await taps[0]!.until((tap) => tap.total === 1, 'the byte');
  client.end();
  await poll(() => met.where.length > 0, 'the mistake');
  await client.closed();
  expect(new Set(met.where)).toEqual(new Set(['tcp']));
  await nothingInFlight(t);
});
