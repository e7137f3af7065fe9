/**
 * A mistake of headroute's own that is met in a handler of a client's or a Pod's socket costs that connection: the process, and
 * everybody else, go on (docs/adr/0008). Something throws at each entry.
 */
import { afterEach, expect, it, vi } from 'vitest';
import { DeliverOne } from '../../src/data/exchange/deliver-one.ts';
import { H1Upstream } from '../../src/data/forward/h1-upstream.ts';
import { PodPool } from '../../src/data/forward/upstream-pool.ts';
import { RequestHead } from '../../src/data/http1/request-head.ts';
import { Admission } from '../../src/data/listen/admission.ts';
import { InputGate } from '../../src/data/listen/input-gate.ts';
import { Chances } from '../../src/data/placement/chances.ts';
import { Placement } from '../../src/data/placement/placement.ts';
import { leaderSelection } from '../helpers/data-plane.ts';
import { mistakes, planted } from '../helpers/mistakes.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, type Scene, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

const GET = lines('GET /r HTTP/1.1', 'Host: a');
const NO_MORE = { retry: { attempts: 0, codes: [], backoffMs: 0, budget: null } };
const silent: PodScript = { onRequest: () => {} };

afterEach(() => void vi.restoreAllMocks());

/** The next call of a method throws, once. */
function throwsOnce<T extends object>(prototype: T, method: keyof T & string): void {
  const spy = vi.spyOn(prototype as never, method as never) as unknown as {
    mockImplementationOnce(run: () => never): void;
  };
  spy.mockImplementationOnce(planted);
}

/** Others, before and after: the listener serves, and nothing is in flight at the end. */
async function unharmed({ client }: Scene): Promise<void> {
  await expectUnharmed(await client());
}

it("'data' of a client: its connection is closed", async () => {
  const met = mistakes();
  const s = await scene();
  const client = await s.client();
  throwsOnce(DeliverOne.prototype, 'start');
  client.send(GET);
  await client.closed();
  expect(met.where).toEqual(['client']);
  await unharmed(s);
});

it("'end' of a client: its connection is closed, its request in flight ended", async () => {
  const met = mistakes();
  const s = await scene({ scripts: [silent, {}] });
  s.plane.setState('db-1', 'unready');
  const client = await s.client();
  client.send(GET);
  await s.pod.until((pod) => pod.requests.length === 1, 'the request');
  throwsOnce(DeliverOne.prototype, 'clientGone');
  client.end();
  await client.closed();
  expect(met.where).toEqual(['client']);
  s.plane.setState('db-1', 'ready');
  s.plane.setState('db-0', 'unready');
  await unharmed(s);
});

it("'close' of a client: nobody else notices", async () => {
  const met = mistakes();
  const s = await scene();
  const client = await s.client();
  await expectUnharmed(client);
  throwsOnce(InputGate.prototype, 'endWatch');
  client.reset();
  await poll(() => met.where.length === 1, 'the mistake');
  expect(met.where).toEqual(['client']);
  await poll(() => s.plane.metric('headroute_connections') === 0, 'the connection to be gone');
  await unharmed(s);
});

it("'drain' of a client: its connection is closed", async () => {
  const met = mistakes();
  const s = await scene();
  const client = await s.client();
  client.socket.pause();
  // Answered here, until the client leaves so much unread that the next one waits.
  client.send(lines('TRACE / HTTP/1.1', 'Host: a', 'Max-Forwards: 0').repeat(30_000));
  const answered = (): number => s.plane.metric('headroute_requests_total', '405');
  let before = -1;
  await poll(
    () => {
      const isStill = answered() === before && before > 0;
      before = answered();
      return isStill;
    },
    'the client to be blocked',
    20_000,
  );
  expect(before).toBeLessThan(30_000);
  throwsOnce(RequestHead.prototype, 'parse');
  client.socket.resume();
  await client.closed();
  expect(met.where).toEqual(['client']);
});

it('the sweep over deadlines: the connection that it met the mistake at is closed, the others are looked at', async () => {
  const met = mistakes();
  const s = await scene({ scripts: [silent], timeouts: { idleMs: 60_000 } });
  const first = await s.client();
  first.send(GET);
  await s.pod.until((pod) => pod.requests.length === 1, 'the request');
  throwsOnce(InputGate.prototype, 'tick');
  await first.closed();
  expect(met.where).toEqual(['client']);
});

it('what a client had sent ahead, begun a turn later: its connection is closed', async () => {
  const met = mistakes();
  const s = await scene();
  const client = await s.client();
  const start = DeliverOne.prototype.start;
  let starts = 0;
  vi.spyOn(DeliverOne.prototype, 'start').mockImplementation(function (this: DeliverOne) {
    if (++starts === 2) planted();
    start.call(this);
  });
  client.send(GET + GET);
  expect((await client.response()).status).toBe(200);
  await client.closed();
  expect(met.where).toEqual(['client']);
  await unharmed(s);
});

it('a retry after its backoff: the connection of its client is closed', async () => {
  const met = mistakes();
  const resets: PodScript = { onRequest: (c) => c.reset() };
  const s = await scene({
    scripts: [resets],
    rules: [{ retry: { attempts: 2, codes: [], backoffMs: 5, budget: null } }],
  });
  const original = Placement.prototype.route;
  let calls = 0;
  vi.spyOn(Placement.prototype, 'route').mockImplementation(function (this: Placement) {
    if (++calls === 2) planted();
    original.call(this);
  });
  const client = await s.client();
  client.send(GET);
  await client.closed();
  expect(met.where).toEqual(['hold']);
});

it('bytes of a Pod: its connection is closed, the client is told', async () => {
  const met = mistakes();
  const s = await scene({ rules: [NO_MORE] });
  const client = await s.client();
  throwsOnce(H1Upstream.prototype, 'onBytes');
  expectProblem(await client.exchange(GET), 'upstream_reset', true);
  expect(met.where).toEqual(['pod']);
  await unharmed(s);
});

it("'end' of a Pod's connection: who waits for its answer is closed", async () => {
  const met = mistakes();
  const s = await scene({ scripts: [{ onRequest: (c) => c.end() }], rules: [NO_MORE] });
  const client = await s.client();
  throwsOnce(H1Upstream.prototype, 'onClosed');
  client.send(GET);
  await client.closed();
  expect(met.where).toEqual(['pod']);
  expect(s.plane.metric('headroute_requests_in_flight')).toBe(0);
  s.pod.script = {};
  await unharmed(s);
});

it("'connect' of a Pod's connection: it is closed, the client is told", async () => {
  const met = mistakes();
  const s = await scene({ rules: [NO_MORE] });
  throwsOnce(H1Upstream.prototype, 'onReady');
  const client = await s.client();
  client.send(GET);
  expect((await client.response()).status).toBe(502);
  expect(met.where).toEqual(['pod']);
  await unharmed(s);
});

it("'drain' of a Pod's connection: the upload fails, the client is told", async () => {
  const met = mistakes();
  let go = (): void => {};
  const slow: PodScript = {
    onConnect: (c) => {
      c.socket.pause();
      go = () => c.socket.resume();
    },
  };
  const s = await scene({ scripts: [slow] });
  const client = await s.client();
  client.send(`POST /w HTTP/1.1\r\nHost: a\r\nContent-Length: 33554432\r\n\r\n${'x'.repeat(33_554_432)}`);
  await s.pod.until((pod) => pod.connections.length === 1, 'the connection');
  throwsOnce(H1Upstream.prototype, 'onDrain');
  await poll(() => s.plane.metric('headroute_upstream_connections', 'active') === 1, 'the upload');
  go();
  expect((await client.response('POST')).status).toBe(502);
  expect(met.where).toEqual(['pod']);
});

it("bytes that nobody asked for, and a mistake over them: the Pod's connection is closed", async () => {
  const met = mistakes();
  const s = await scene();
  await unharmed(s);
  throwsOnce(PodPool.prototype, 'poisoned');
  s.pod.connections[0]!.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  await poll(() => met.where.length === 1, 'the mistake');
  expect(met.where).toEqual(['pod']);
  await poll(() => s.plane.metric('headroute_upstream_connections') === 0, 'the connection to be closed');
  await unharmed(s);
});

it('an accepted connection: it is closed, the next is served', async () => {
  const met = mistakes();
  const s = await scene();
  throwsOnce(Admission.prototype, 'accepted');
  const client = await s.client();
  await client.closed();
  expect(met.where).toEqual(['client']);
  await unharmed(s);
});

it('a request that is held: its connection is closed, those behind it are released', async () => {
  const met = mistakes();
  const s = await scene({ rules: [{ selection: leaderSelection() }], leader: { state: 'none' } });
  const clients = [await s.client(), await s.client()];
  for (const [n, client] of clients.entries()) {
    client.send(lines(`POST /${n} HTTP/1.1`, 'Host: a', 'Content-Length: 0'));
    await poll(() => s.plane.metric('headroute_held_requests') === n + 1, 'the hold');
  }
  throwsOnce(Chances.prototype, 'barred');
  s.plane.setLeader('db-0');
  expect((await clients[1]!.response('POST')).status).toBe(200);
  await clients[0]!.closed();
  expect(met.where).toEqual(['hold']);
  expect(s.plane.metric('headroute_held_requests')).toBe(0);
});
