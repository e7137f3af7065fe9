/** Which Pod a TCP connection goes to, and what follows where it refuses. */
import { describe, expect, it } from 'vitest';
import { poll } from '../../helpers/waiting.ts';
import { ordinalSelection, pod } from '../fixtures.ts';
import { balance, leaderRule, nothingInFlight, rawPods, tcp } from './harness.ts';

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
    expect([...t.inFlight()]).toEqual([
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
    expect(t.outcomes).toEqual([{ kind: 'connect_failed', podId: views[0]!.id, reason: 'ECONNREFUSED' }]);
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

  it('another Pod takes what one may not, which is no retry', async () => {
    const { taps, views } = await rawPods(2);
    const t = await tcp(balance, views, 'unconfigured', { connection: { maxPerPod: 1 } });
    const clients = [await t.client(), await t.client()];
    for (const client of clients) client.send('x');
    await Promise.all(taps.map((tap) => tap.until((p) => p.total === 1, 'its one')));
    await (await t.client()).closed();
    expect(t.failures('overloaded')).toBe(1);
    expect(t.metrics.retries.with('tcp', 'overloaded').value).toBe(0);
  });

  it('tries again within the budget of its rule, as a request does', async () => {
    const { taps, views } = await rawPods(1);
    taps[0]!.refuse();
    const budget = { percent: 0, minPerSecond: 1 };
    const t = await tcp({ ...balance, retry: { attempts: 5, codes: [], backoffMs: 0, budget } }, views);
    await (await t.client()).closed();
    expect(t.metrics.retries.with('tcp', 'connect_failed').value).toBe(1);
    expect(t.failures('connect_failed')).toBe(1);
  });

  it('what the leader refused waits for the next one without the back-off', async () => {
    const { taps, views } = await rawPods(2);
    taps[0]!.refuse();
    const retry = { attempts: 1, codes: [], backoffMs: 60_000, budget: null };
    const t = await tcp({ ...leaderRule(), retry }, views, views[0]);
    const client = await t.client();
    client.send('x');
    await poll(() => t.queue.size === 1, 'the hold');
    t.publish(views, views[1]);
    await taps[1]!.until((p) => p.connections.at(-1)?.text === 'x', 'the byte at the new leader');
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
