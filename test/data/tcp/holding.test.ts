/** TCP connections that wait for a leader. */
import { describe, expect, it } from 'vitest';
import { pause, poll } from '../../helpers/waiting.ts';
import { hold } from '../fixtures.ts';
import { leaderRule, nothingInFlight, rawPods, tcp } from './harness.ts';

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

  it('several holds of one connection share one hold.timeout: it ends before one that came later and has longer', async () => {
    const { taps, views } = await rawPods(1);
    taps[0]!.refuse();
    const t = await tcp(leaderRule({ timeoutMs: 700 }), views, 'none');
    await t.client();
    await poll(() => t.queue.size === 1, 'the hold');
    const endOf = (timeoutMs: number): Promise<void> =>
      new Promise((expire) => {
        t.queue.enter(`${timeoutMs}`, { ...hold, timeoutMs }, 0, {
          retry: () => false,
          rematch() {},
          crashed() {},
          expire,
        });
      });
    const late = endOf(850);
    await endOf(400);
    t.publish(views, views[0]);
    await poll(() => t.outcomes.length === 1, 'the leader to be tried');
    await late;
    expect(t.failures('hold_timeout')).toBe(1);
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

  it('of a client that left just before the leader came no byte goes to it either', async () => {
    const { taps, views } = await rawPods(1);
    const t = await tcp(leaderRule(), views, 'none');
    const client = await t.client();
    client.send('SET x 1\r\n');
    await poll(() => t.queue.size === 1, 'the hold');
    client.end();
    await pause(5);
    t.publish(views, views[0]);
    await poll(() => t.failures('client_gone') === 1, 'the drop');
    await nothingInFlight(t);
    // A connection may have been opened beside the look; its end may still be on its way.
    await taps[0]!.until((pod) => pod.open === 0, 'nothing open at the Pod');
    expect(taps[0]!.total).toBe(0);
  });
});
