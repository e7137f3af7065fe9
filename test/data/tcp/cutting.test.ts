/** What ends an open TCP connection from within, and what does not. */
import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '../../../src/model/config.ts';
import type { PodView } from '../../../src/model/pod.ts';
import { resetFor } from '../../../src/platform/reset.ts';
import { vanished } from '../../../src/platform/vanished-peers.ts';
import type { RawPod } from '../../helpers/raw-pod.ts';
import { pause, poll } from '../../helpers/waiting.ts';
import { balance, leaderRule, nothingInFlight, rawPods, type Tcp, tcp } from './harness.ts';

describe('cutting', () => {
  it('destroying the accepted socket ends the exchange at every step', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, 'none');
    const drop = (): void => {
      for (const socket of t.accepted) socket.destroy();
    };
    await t.client();
    await poll(() => t.queue.size === 1, 'the hold');
    drop();
    await poll(() => t.queue.size === 0, 'the queue to be empty');
    await t.client();
    await poll(() => t.queue.size === 1, 'the hold');
    t.publish(views, views[0]);
    drop();
    await pause(30);
    expect(taps[0]!.open).toBe(0);
    const before = taps[0]!.connections.length;
    await t.client();
    await poll(() => t.tunnels.size === 1, 'the tunnel');
    drop();
    await taps[0]!.until((p) => p.connections.length === before + 1 && p.last.over, 'the end at the Pod');
    await nothingInFlight(t);
    expect(t.outcomes).toEqual([]);
    expect(t.ended.map(({ ended }) => ended.end)).toEqual(['client', 'client', 'reset']);
  });

  async function open(
    part: Partial<RuleConfig>,
    connection: { onUnready?: 'Keep' | 'Close' } = {},
  ): Promise<{ t: Tcp; taps: RawPod[]; views: PodView[]; client: Awaited<ReturnType<Tcp['client']>> }> {
    const { taps, views } = await rawPods(2);
    const t = await tcp(part, views, views[0], { connection });
    const client = await t.client();
    client.send('x');
    await taps[0]!.until((p) => p.total === 1, 'the byte at the leader');
    return { t, taps, views, client };
  }

  it('L10 the old leader stays alive as a follower (zalando/postgres-operator#2035): cut, and the next goes to db-1', async () => {
    const { t, taps, views, client } = await open(leaderRule());
    t.publish(views, views[1]);
    await client.closed(200);
    await taps[0]!.until((p) => p.last.closed || p.last.ended, 'the Pod to see the end');
    const next = await t.client();
    next.send('y');
    await taps[1]!.until((p) => p.connections.at(-1)?.text === 'y', 'the byte at the new leader');
    expect(taps[0]!.total).toBe(1);
    expect(t.outcomes).toEqual([]);
  });

  it.each(['none', 'conflict'] as const)('promise 3: leadership %s cuts too', async (state) => {
    const { t, views, client } = await open(leaderRule());
    t.publish(views, state);
    await client.closed(200);
    await nothingInFlight(t);
  });

  it('onDemotion: Drain leaves it open', async () => {
    const { t, taps, views, client } = await open(leaderRule({ onDemotion: 'Drain' }));
    t.publish(views, views[1]);
    client.send('z');
    await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes after the demotion');
  });

  it('a new revision with the same leader cuts nothing', async () => {
    const { t, taps, views, client } = await open(leaderRule());
    t.publish(views, views[0]);
    client.send('z');
    await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes after the snapshot');
  });

  it('U3 onUnready: Keep leaves it open, Close cuts it (cloudflare/pingora#571)', async () => {
    for (const onUnready of ['Keep', 'Close'] as const) {
      const { t, taps, views, client } = await open(balance, { onUnready });
      const ill = [{ ...views[0]!, state: 'unready' as const }, views[1]!];
      t.publish(ill, views[0]);
      if (onUnready === 'Close') await client.closed(200);
      else {
        client.send('z');
        await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes to the unready Pod');
      }
    }
  });

  it('a Pod that left keeps what is open, whatever onUnready says', async () => {
    const { t, taps, views, client } = await open(balance, { onUnready: 'Close' });
    t.publish([{ ...views[0]!, state: 'draining' }, views[1]!]);
    t.publish([views[1]!]);
    client.send('z');
    await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes to the Pod that left');
  });

  it.each([{ backend: true }, { listener: true }, { backend: true, listener: true }])(
    'C5 removed %j: drained, and cut at shutdown.timeout (eycorsican/leaf#404)',
    async (what) => {
      const { t, taps, client } = await open(balance);
      t.removed(what);
      expect(t.tunnels.counts()).toEqual([
        { listener: 'tcp', backend: 'db', rule: 'tcp', open: 1, draining: 1 },
      ]);
      client.send('z');
      await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes while it drains');
      await client.closed(1000);
      expect(t.tunnels.counts()).toEqual([]);
    },
  );

  it('a client that the kernel gives up: its end is that it has vanished', async () => {
    const { t } = await open(balance);
    for (const socket of t.accepted) resetFor(socket, vanished());
    await nothingInFlight(t);
    expect(t.ended.map(({ ended }) => ended)).toEqual([
      { end: 'vanished', detail: 'the client: ETIMEDOUT', bytesReceived: 1, bytesSent: 0 },
    ]);
  });

  it('what was removed and put back is not cut', async () => {
    const { t, taps, views, client } = await open(balance);
    t.removed({ backend: true, listener: true });
    t.publish(views);
    await pause(100);
    client.send('z');
    await taps[0]!.until((p) => p.connections.at(-1)?.text === 'xz', 'bytes afterwards');
    expect(t.tunnels.counts()[0]).toMatchObject({ open: 1, draining: 0 });
  });
});
