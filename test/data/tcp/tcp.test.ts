import { describe, expect, it, onTestFinished } from 'vitest';
import type { RuleConfig } from '../../../src/model/config.ts';
import type { PodView } from '../../../src/model/pod.ts';
import { type PodScript, RawPod } from '../../helpers/raw-pod.ts';
import { pause, poll } from '../../helpers/waiting.ts';
import { hold, ordinalSelection, pod } from '../fixtures.ts';
import { type Tcp, tcp } from './harness.ts';

/** Keeps what it gets; says its name first if asked to. */
async function rawPods(count: number, script: PodScript = {}): Promise<{ taps: RawPod[]; views: PodView[] }> {
  const taps = await Promise.all(
    Array.from({ length: count }, () =>
      RawPod.start({
        ...script,
        onConnect(connection) {
          connection.raw = true;
          script.onConnect?.(connection);
        },
      }),
    ),
  );
  onTestFinished(() => {
    for (const tap of taps) tap.close();
  });
  return { taps, views: taps.map((tap, n) => pod(n, 'ready', { port: tap.port })) };
}

const leaderRule = (
  part: { onDemotion?: 'Close' | 'Drain'; timeoutMs?: number; maxRequests?: number } = {},
): Partial<RuleConfig> => ({
  selection: {
    type: 'Leader',
    hold: { ...hold, timeoutMs: part.timeoutMs ?? 10_000, maxRequests: part.maxRequests ?? 1000 },
    onDemotion: part.onDemotion ?? 'Close',
  },
});
const balance: Partial<RuleConfig> = {
  selection: { type: 'Balance', over: 'Ready', algorithm: 'RoundRobin' },
};

function nothingInFlight(t: Tcp): Promise<unknown> {
  return poll(
    () =>
      [...t.inFlight.values()].every((n) => n === 0) &&
      t.tunnels.size === 0 &&
      t.metrics.upstreamConnections.with('db', 'active').value === 0,
    'nothing in flight',
  );
}

describe('tunnels', () => {
  it('U08 the server speaks first: its banner comes without a byte of the client', async () => {
    const { views } = await rawPods(1, { onConnect: (c) => c.write('220 hello\r\n') });
    const client = await (await tcp(balance, views)).client();
    await client.until((rest) => rest.toString() === '220 hello\r\n', 'the banner');
  });

  it('passes a FIN on as a FIN and keeps the other way open, both ways round', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('question');
    client.end();
    await taps[0]!.until(
      (p) => p.connections[0]?.ended && p.connections.at(-1)?.text === 'question',
      'the FIN at the Pod',
    );
    taps[0]!.last.write('late ');
    await client.until((rest) => rest.toString() === 'late ', 'the first part of the answer');
    taps[0]!.last.end('answer');
    expect(await client.closed()).toBe('fin');
    expect(client.rest.toString()).toBe('late answer');
    await nothingInFlight(t);

    const other = await t.client();
    await taps[0]!.until((p) => p.connections.length === 2, 'the second connection');
    taps[0]!.last.end('bye');
    expect(await other.closed()).toBe('fin');
    other.send('still here');
    await taps[0]!.until(
      (p) => p.connections.at(-1)?.text === 'still here',
      'bytes after the FIN of the Pod',
    );
    other.end();
    await nothingInFlight(t);
  });

  it('carries 4 MiB both ways unharmed', async () => {
    const { views } = await rawPods(1, { onConnect: (c) => c.socket.pipe(c.socket) });
    const client = await (await tcp(balance, views)).client();
    const data = Buffer.alloc(4 << 20, 'abcdefghijklmnopqrstuvwxyz0123456789');
    client.send(data);
    await client.until((rest) => rest.length === data.length, 'all of it', 10_000);
    expect(client.rest.equals(data)).toBe(true);
  });

  it('a reader that stops holds the writer back, both ways round', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('x');
    await taps[0]!.until((p) => p.total === 1, 'the connection');
    const pod = taps[0]!.last.socket;
    const data = Buffer.alloc(32 << 20, 1);
    pod.pause();
    client.send(data);
    client.socket.pause();
    pod.write(data);
    await pause(150);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    expect(pod.writableLength).toBeGreaterThan(0);
    pod.resume();
    await taps[0]!.until((p) => p.total === data.length + 1, 'all of it', 10_000);
  });

  it('passes a reset on as a reset, both ways round', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('x');
    await taps[0]!.until((p) => p.total > 0, 'a byte');
    taps[0]!.last.reset();
    expect(await client.closed()).toBe('reset');
    const other = await t.client();
    other.send('y');
    await taps[0]!.until((p) => p.total > 1, 'a byte');
    other.reset();
    await taps[0]!.until((p) => p.last.closed, 'the Pod to see the end');
    expect(taps[0]!.last.ended).toBe(false);
    await nothingInFlight(t);
  });

  it('U1 a Pod that dies under an idle connection closes it within 100 ms (zalando/skipper#1669)', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, views[0]);
    const client = await t.client();
    await taps[0]!.until((p) => p.connections.length === 1, 'the connection');
    await poll(() => t.tunnels.size === 1, 'the tunnel');
    taps[0]!.close();
    const before = performance.now();
    await client.closed(1000);
    expect(performance.now() - before).toBeLessThan(100);
    client.end();
    await poll(() => t.outcomes.some((o) => o.kind === 'leader_closed'), 'the report');
  });

  it('a client that ends first is no evidence against the leader', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, views[0]);
    const client = await t.client();
    client.send('quit');
    client.end();
    await taps[0]!.until((p) => p.connections[0]?.ended, 'the FIN');
    taps[0]!.last.end();
    await client.closed();
    await nothingInFlight(t);
    expect(t.outcomes).toEqual([]);
  });
});

describe('picking and trying again', () => {
  it('a leader that changes while the connection opens gets nothing', async () => {
    const { taps, views } = await rawPods(2);
    let changed = false;
    const t = await tcp(leaderRule(), views, views[0], {
      onBegin() {
        if (changed) return;
        changed = true;
        t.publish(views, views[1]);
      },
    });
    const client = await t.client();
    client.send('x');
    await taps[1]!.until((p) => p.total === 1, 'the byte at the new leader');
    expect(taps[0]!.total).toBe(0);
    expect([...t.inFlight]).toEqual([
      [views[0]!.id, 0],
      [views[1]!.id, 1],
    ]);
  });

  it('a refused connection is reported, and another Pod is tried', async () => {
    const { taps, views } = await rawPods(2);
    taps[0]!.refuse();
    const t = await tcp(balance, views);
    const client = await t.client();
    client.send('x');
    await taps[1]!.until((p) => p.connections.at(-1)?.text === 'x', 'the byte at the other Pod');
    expect(t.outcomes).toEqual([
      { kind: 'connect_failed', backend: 'db', podId: views[0]!.id, reason: 'ECONNREFUSED' },
    ]);
    expect(t.metrics.upstreamRequests.with('db', 'db-0', 'connect_failed').value).toBe(1);
    expect(t.metrics.retries.with('tcp', 'connect_failed').value).toBe(1);
  });

  it('closes when every try was refused, and says why in the metrics', async () => {
    const { taps, views } = await rawPods(1);
    taps[0]!.refuse();
    const t = await tcp(balance, views);
    await (await t.client()).closed();
    expect(t.failures('connect_failed')).toBe(1);
    expect(t.outcomes.length).toBe(3);
    await nothingInFlight(t);
  });

  it('a Pod that does not accept in time: the second address, then connect_failed', async () => {
    const { taps, views } = await rawPods(1);
    const two = [{ ...views[0]!, addresses: ['127.0.0.2', '127.0.0.1'] }];
    const client = await (await tcp(balance, two)).client();
    client.send('x');
    await taps[0]!.until((p) => p.total === 1, 'the byte by the second address');
  });

  it('nobody ready: closed at once', async () => {
    const t = await tcp(balance, [pod(0, 'unready')]);
    await (await t.client()).closed();
    expect(t.failures('no_endpoint')).toBe(1);
  });

  it('maxPerPod holds for TCP too', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(balance, views, 'unconfigured', { connection: { maxPerPod: 1 } });
    const first = await t.client();
    first.send('x');
    await taps[0]!.until((p) => p.total === 1, 'the first');
    await (await t.client()).closed();
    expect(t.failures('overloaded')).toBe(1);
  });

  it('Ordinal: a fixed one, and the own one', async () => {
    const { taps, views } = await rawPods(3);
    const fixed = await (await tcp({ selection: ordinalSelection({ ordinal: 2 }) }, views)).client();
    fixed.send('fixed');
    await taps[2]!.until((p) => p.connections.at(-1)?.text === 'fixed', 'the byte at db-2');
    const self = ordinalSelection({ key: { from: 'self' }, mapping: { type: 'Exact' } });
    const own = await (
      await tcp({ selection: self }, views, 'unconfigured', { selfPodName: 'app-1' })
    ).client();
    own.send('own');
    await taps[1]!.until((p) => p.connections.at(-1)?.text === 'own', 'the byte at db-1');
  });

  it('C05 what the leader refused waits for the next leader, and never goes to a follower', async () => {
    const { taps, views } = await rawPods(2);
    taps[0]!.refuse();
    const t = await tcp(leaderRule(), views, views[0]);
    const client = await t.client();
    client.send('x');
    await poll(() => t.queue.size === 1, 'the hold');
    expect(taps[1]!.connections.length).toBe(0);
    expect(t.outcomes.length).toBe(1);
    t.publish(views, views[1]);
    await taps[1]!.until((p) => p.connections.at(-1)?.text === 'x', 'the byte at the new leader');
  });
});

describe('holding', () => {
  it('waits for a leader, in order of arrival, and sends nothing before', async () => {
    const { taps, views } = await rawPods(2);
    const t = await tcp(leaderRule(), views, 'none');
    for (const text of ['a', 'b', 'c']) {
      const before = t.queue.size;
      (await t.client()).send(text);
      await poll(() => t.queue.size === before + 1, 'the hold');
    }
    expect(t.metrics.heldRequests.with('db').value).toBe(3);
    expect(taps.every((tap) => tap.connections.length === 0)).toBe(true);
    t.publish(views, 'conflict');
    await pause(20);
    expect(taps.every((tap) => tap.connections.length === 0)).toBe(true);
    t.publish(views, views[1]);
    await taps[1]!.until((p) => p.total === 3, 'all three');
    expect(taps[1]!.connections.map((c) => c.text)).toEqual(['a', 'b', 'c']);
    expect(taps[0]!.connections.length).toBe(0);
    expect(t.metrics.heldRequests.with('db').value).toBe(0);
  });

  it('closes when the hold ends, or cannot begin', async () => {
    const { views } = await rawPods(1);
    const t = await tcp(leaderRule({ timeoutMs: 150, maxRequests: 1 }), views, 'none');
    const first = await t.client();
    await poll(() => t.queue.size === 1, 'the hold');
    const second = await t.client();
    await second.closed();
    expect(first.ending).toBeNull();
    await first.closed();
    expect([t.failures('hold_full'), t.failures('hold_timeout')]).toEqual([1, 1]);
    const none = await tcp(leaderRule({ timeoutMs: 0 }), views, 'conflict');
    await (await none.client()).closed();
    expect(none.failures('leader_conflict')).toBe(1);
  });

  it('reads nothing while it holds: a client that writes on is held back', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, 'none');
    const client = await t.client();
    const data = Buffer.alloc(16 << 20, 1);
    client.send(data);
    await poll(() => t.queue.size === 1, 'the hold');
    await pause(50);
    expect(client.socket.writableLength).toBeGreaterThan(0);
    t.publish(views, views[0]);
    await taps[0]!.until((p) => p.total === data.length, 'all of it', 10_000);
  });

  it.each(['end', 'reset'] as const)(
    'R5 a client that left by %s while held is dropped and never connected',
    async (how) => {
      const { taps, views } = await rawPods(1);
      const t = await tcp(leaderRule(), views, 'none');
      const client = await t.client();
      client.send('SET x 1\r\n');
      await poll(() => t.queue.size === 1, 'the hold');
      await pause(30);
      client[how]();
      await poll(() => t.metrics.heldRequests.with('db').value === 0, 'the gauge to fall');
      expect(t.failures('client_gone')).toBe(1);
      t.publish(views, views[0]);
      await pause(30);
      expect(taps[0]!.connections.length).toBe(0);
    },
  );

  it('a client that left just before the leader came is not connected either', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, 'none');
    const client = await t.client();
    client.send('SET x 1\r\n');
    await poll(() => t.queue.size === 1, 'the hold');
    client.end();
    await pause(5);
    t.publish(views, views[0]);
    await poll(() => t.failures('client_gone') === 1, 'the drop');
    expect(taps[0]!.connections.length).toBe(0);
  });
});

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
    expect(taps[0]!.connections.length).toBe(0);
    await t.client();
    await poll(() => t.tunnels.size === 1, 'the tunnel');
    drop();
    await taps[0]!.until((p) => p.connections.length === 1 && p.last.ended, 'the end at the Pod');
    await nothingInFlight(t);
    expect(t.outcomes).toEqual([]);
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
