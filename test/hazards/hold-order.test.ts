/**
 * Held requests leave in order of arrival, on the wire: whoever gets an idle connection, has to open one, or comes while they are
 * being sent.
 *
 * Source: SPEC 3 Holding ("Held requests leave in order of arrival"). Measured before: with k idle connections to the next leader the
 * first k held writes were sent after all others.
 */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { H1Upstream } from '../../src/data/forward/h1-upstream.ts';
import { ReleaseRow, type Turn } from '../../src/data/placement/release-row.ts';
import { leaderSelection } from '../helpers/data-plane.ts';
import { lines, type Scene, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';

const post = (path: string): string =>
  `${lines(`POST ${path} HTTP/1.1`, 'Host: a', 'Content-Length: 1')}${path.at(-1)}`;
const rules = [{ selection: leaderSelection() }];

/** The paths of requests in the order in which they are written. */
function written(): string[] {
  const paths: string[] = [];
  const { send } = H1Upstream.prototype;
  const spy = vi.spyOn(H1Upstream.prototype, 'send').mockImplementation(function (
    this: H1Upstream,
    ...args: Parameters<typeof send>
  ) {
    paths.push((args[0][0] as Buffer | string).toString());
    return send.apply(this, args);
  });
  onTestFinished(() => spy.mockRestore());
  return paths;
}

async function heldAt(s: Scene, count: number): Promise<void> {
  await poll(() => s.plane.metric('headroute_held_requests') === count, `${count} held`);
}

describe('held writes', () => {
  it.each([0, 3, 8, 20])('go in order with %i idle connections to the new leader', async (idle) => {
    const s = await scene({ scripts: [{}, {}], leader: 'db-1', rules });
    const warm = await Promise.all(Array.from({ length: idle }, () => s.client()));
    await Promise.all(warm.map((client, n) => client.exchange(post(`/warm-${n}`), 'POST')));
    s.plane.setLeader({ state: 'none' });
    const paths = written();
    const letters = [...'abcdefghijklmnop'];
    const clients = [];
    for (const [n, letter] of letters.entries()) {
      const client = await s.client();
      client.send(post(`/${letter}`));
      await heldAt(s, n + 1);
      clients.push(client);
    }
    s.plane.setLeader('db-1');
    for (const client of clients) expect((await client.response('POST')).status).toBe(200);
    expect(paths).toEqual(letters);
  });

  it('go before what comes while they are on their way', async () => {
    const s = await scene({ scripts: [{}, {}], leader: 'db-1', rules });
    const warm = await s.client();
    await warm.exchange(post('/w'), 'POST');
    s.plane.setLeader({ state: 'none' });
    const paths = written();
    const [first, second] = [await s.client(), await s.client()];
    first.send(post('/a'));
    await heldAt(s, 1);
    second.send(post('/b'));
    await heldAt(s, 2);
    s.plane.setLeader('db-1');
    // In the same turn: there is an idle connection for it, and for one of the others none yet.
    warm.send(post('/c'));
    for (const client of [first, second, warm]) expect((await client.response('POST')).status).toBe(200);
    expect(paths).toEqual(['a', 'b', 'c']);
  });

  it('go on where the one before leaves, or its Pod takes no connection', async () => {
    const s = await scene({ scripts: [{}, {}], leader: { state: 'none' }, rules });
    const paths = written();
    const clients = [];
    for (const [n, letter] of [...'abcd'].entries()) {
      const client = await s.client();
      client.send(post(`/${letter}`));
      await heldAt(s, n + 1);
      clients.push(client);
    }
    clients[1]!.reset();
    await heldAt(s, 3);
    s.pods[1]!.refuse();
    s.plane.setLeader('db-1');
    await poll(() => s.plane.outcomes.some(({ kind }) => kind === 'connect_failed'), 'the refusal');
    await s.pods[1]!.listen();
    s.plane.setLeader('db-1');
    for (const client of [clients[0]!, clients[2]!, clients[3]!])
      expect((await client.response('POST')).status).toBe(200);
    expect(paths).toEqual(['a', 'c', 'd']);
  });

  it('of which one waits for its turn while its idle connection ends: it gets another', async () => {
    const s = await scene({ scripts: [{}, {}], leader: 'db-1', rules });
    const warm = await s.client();
    await warm.exchange(post('/w'), 'POST');
    s.plane.setLeader({ state: 'none' });
    const client = await s.client();
    client.send(post('/a'));
    await heldAt(s, 1);
    // Somebody before it has not sent anything yet.
    const { join } = ReleaseRow.prototype;
    let before: Turn | null = null;
    const spy = vi.spyOn(ReleaseRow.prototype, 'join').mockImplementation(function (this: ReleaseRow) {
      before ??= join.call(this);
      return join.call(this);
    });
    onTestFinished(() => spy.mockRestore());
    s.plane.setLeader('db-1');
    await pause(20);
    s.pods[1]!.connections[0]!.end();
    await s.pods[1]!.until((pod) => pod.connections.length === 2, 'another connection');
    (before as Turn | null)!.leave();
    expect((await client.response('POST')).status).toBe(200);
    expect(s.pods[1]!.connections[0]!.requests).toHaveLength(1);
  });

  it('open no more than a hundred connections at a time', async () => {
    let open = 0;
    let most = 0;
    const count = {
      onConnect: () => {
        most = Math.max(most, ++open);
      },
      onRequest: (c: { answer(body: string): void }) => {
        open--;
        c.answer('ok');
      },
    };
    const s = await scene({ scripts: [count], leader: { state: 'none' }, rules });
    const clients = await Promise.all(Array.from({ length: 300 }, () => s.client()));
    for (const client of clients) client.send(post('/x'));
    await heldAt(s, 300);
    s.plane.setLeader('db-0');
    for (const client of clients) expect((await client.response('POST')).status).toBe(200);
    expect(most).toBeLessThanOrEqual(150);
    expect(s.plane.metric('headroute_held_requests')).toBe(0);
  });
});
