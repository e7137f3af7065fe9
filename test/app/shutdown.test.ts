/**
 * How the built program ends (SPEC 1, SIGTERM; SPEC 4, /drain and /quit; field-cases.md S1 and K4).
 */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { loopNowMs, pause } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';
import { type Document, LEADER, listener, type Scope, type Stage, sidecar, stage } from './support/stage.ts';

const OK: object = { status: 0, signal: null };
const GET = 'GET /r HTTP/1.1\r\nHost: db\r\n\r\n';

/** A sidecar in front of two ready Pods. */
async function serving(scope: Scope, part: (scene: Stage) => Document = () => ({})) {
  const scene = await stage(scope);
  const running = await sidecar(scope, scene.document(part(scene)));
  await running.pods(2);
  return { scene, running };
}

/** A sidecar that holds the POST of this client, since neither Pod leads. */
async function holding(scope: Scope, timeout: string) {
  const { scene, running } = await serving(scope, (scene) => ({
    backends: [scene.backend({ leader: LEADER })],
    listeners: [
      listener({ rules: [{ name: 'w', backendRefs: [{ name: 'db' }], selection: { type: 'Leader' } }] }),
    ],
    shutdown: { timeout },
  }));
  const client = await RawClient.connect(running.port());
  client.send('POST /w HTTP/1.1\r\nHost: db\r\nContent-Length: 2\r\n\r\nhi');
  await running.until(async () => (await running.state()).held.db === 1, 'the request is held');
  return { scene, running, client };
}

it.concurrent.for(['SIGTERM', 'SIGINT'] as const)(
  'S1 (agent-stack-k8s#862): %s while idle, with a kept connection open, exits 0 at once',
  async (signal, test) => {
    const { running } = await serving(test);
    const client = await RawClient.connect(running.port());
    await client.exchange(GET);
    const scraper = await fetch(`http://${running.admin}/livez`);
    await scraper.text();
    running.signal(signal);
    expect(await client.closed()).toBe('fin');
    expect(await running.exited(2000)).toEqual(OK);
    expect(running.logs.at(-1)?.msg).toBe('stopped');
    expect(running.stdout).toBe('');
  },
);

it.concurrent('S1: SIGTERM under load exits 0; every request that was sent is answered', async (test) => {
  const { scene, running } = await serving(test);
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => setTimeout(() => connection.answer(pod.name, request), 5);
  const port = running.port();
  const outcomes: string[] = [];
  const worker = async (): Promise<void> => {
    for (;;) {
      const client = await RawClient.connect(port).catch(() => null);
      if (client === null) return;
      try {
        // What was accepted and not closed is answered; a connection that ends before a byte came back is told apart.
        for (;;) {
          client.send(GET);
          const { status, fields } = await client.response();
          outcomes.push(String(status));
          if (fields.some(([name, value]) => name === 'Connection' && value === 'close')) break;
        }
      } catch {
        outcomes.push(client.rest.length === 0 ? 'closed while idle' : 'cut');
      } finally {
        client.destroy();
      }
    }
  };
  const load = Promise.all(Array.from({ length: 8 }, worker));
  await running.until(async () => outcomes.length > 50, 'load to run');
  running.signal('SIGTERM');
  expect(await running.exited(4000)).toEqual(OK);
  await load;
  const kinds = new Set(outcomes);
  kinds.delete('closed while idle');
  expect(kinds).toEqual(new Set(['200']));
  expect(outcomes.filter((o) => o === 'closed while idle').length).toBeLessThanOrEqual(8);
});

it.concurrent('S1: SIGTERM during a held request: it is answered when a leader comes within shutdown.timeout, exit 0', async (test) => {
  const { scene, running, client } = await holding(test, '5s');
  running.signal('SIGTERM');
  await running.log('stopping');
  scene.pods[1]!.leads = true;
  const { status, body } = await client.response('POST');
  expect([status, body.toString()]).toEqual([200, 'db-1']);
  expect(await running.exited(2000)).toEqual(OK);
});

it.concurrent('S1: SIGTERM during a held request with no leader in sight: 503, nothing sent, exit 0 by shutdown.timeout', async (test) => {
  const { scene, running, client } = await holding(test, '700ms');
  running.signal('SIGTERM');
  const { status, fields } = await client.response('POST');
  expect(status).toBe(503);
  expect(fields).toContainEqual(['X-Headroute-Failure', 'draining']);
  expect(fields).toContainEqual(['X-Headroute-Sent', 'false']);
  expect(await running.exited(1500)).toEqual(OK);
  expect(scene.pods.flatMap((pod) => pod.requests)).toEqual([]);
});

it.concurrent('a second signal exits at once with 1, though a request is under way', async (test) => {
  const { scene, running } = await serving(test);
  for (const pod of scene.pods) pod.onRequest = () => {};
  const client = await RawClient.connect(running.port());
  client.send(GET);
  await running.until(async () => scene.pods.some((pod) => pod.requests.length > 0), 'the request at a Pod');
  running.signal('SIGTERM');
  await running.log('stopping');
  running.signal('SIGINT');
  expect(await running.exited(1000)).toEqual({ status: 1, signal: null });
});

it.concurrent('what is not over by shutdown.timeout is cut: a silent Pod, a client that does not read, an upgrade; exit 0', async (test) => {
  const { scene, running } = await serving(test, () => ({ shutdown: { timeout: '600ms' } }));
  const block = Buffer.alloc(1024 * 1024, 'x');
  for (const pod of scene.pods)
    pod.onRequest = (connection, { target }) => {
      if (target === '/huge') {
        connection.write('HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n');
        for (let n = 0; n < 64; n++) connection.write(block);
      } else if (target === '/ws') {
        connection.raw = true;
        connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
      }
    };
  const silent = await RawClient.connect(running.port());
  silent.send(GET);
  const deaf = await RawClient.connect(running.port());
  deaf.send('GET /huge HTTP/1.1\r\nHost: db\r\n\r\n');
  await deaf.head();
  deaf.socket.pause();
  const upgraded = await RawClient.connect(running.port());
  await upgraded.exchange('GET /ws HTTP/1.1\r\nHost: db\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
  const half = await RawClient.connect(running.port());
  half.send('GET /half HTTP/1.1\r\nHo');
  await running.until(async () => scene.pods.flatMap((pod) => pod.requests).length === 3, 'all at the Pods');
  await pause(50);
  const startMs = performance.now();
  const startLoopMs = loopNowMs();
  running.signal('SIGTERM');
  await upgraded.closed();
  expect(performance.now() - startMs).toBeGreaterThan(400);
  expect(await running.exited(2000)).toEqual(OK);
  expect(loopNowMs() - startLoopMs).toBeLessThan(2400);
  for (const client of [silent, deaf, upgraded, half]) client.destroy();
});

it.concurrent('K4 (node#60617): a POST whose first byte arrived before the close is answered, and the connection ended after it', async (test) => {
  const { scene, running } = await serving(test);
  const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(running.port())));
  for (const client of clients) await client.exchange(GET);
  const before = scene.pods.flatMap((pod) => pod.requests).length;
  running.signal('SIGTERM');
  const answered: number[] = [];
  await Promise.all(
    clients.map(async (client, n) => {
      await pause(n);
      client.send(`POST /${n} HTTP/1.1\r\nHost: db\r\nContent-Length: 3\r\n\r\nabc`);
      const response = await client.response('POST').catch(() => null);
      if (response === null) {
        // Closed before: then the request was not taken, and not half taken either.
        expect(client.rest.length).toBe(0);
        return;
      }
      expect([n, response.status]).toEqual([n, 200]);
      // Answered before the signal was taken: then without, and the connection is idle again.
      if (value(response, 'Connection') !== 'close') expect(client.rest.length).toBe(0);
      expect(await client.closed()).toBe('fin');
      answered.push(n);
    }),
  );
  expect(await running.exited()).toEqual(OK);
  expect(scene.pods.flatMap((pod) => pod.requests).length - before).toBe(answered.length);
  for (const client of clients) client.destroy();
});

it.concurrent('K4: a request whose head has begun to arrive is waited for and answered', async (test) => {
  const { running } = await serving(test);
  const client = await RawClient.connect(running.port());
  await client.exchange(GET);
  client.send('POST /late HTTP/1.1\r\nHo');
  await pause(50);
  running.signal('SIGTERM');
  await running.log('stopping');
  client.send('st: db\r\nContent-Length: 3\r\n\r\na');
  await pause(50);
  client.send('bc');
  const { status, fields } = await client.response('POST');
  expect(status).toBe(200);
  expect(fields).toContainEqual(['Connection', 'close']);
  expect(await running.exited(2000)).toEqual(OK);
});

it.concurrent('POST /quit stops as SIGTERM does: in flight is finished, exit 0', async (test) => {
  const { scene, running } = await serving(test);
  let answer = (): void => {};
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => {
      answer = () => connection.answer('late', request);
    };
  const client = await RawClient.connect(running.port());
  client.send(GET);
  await running.until(async () => scene.pods.some((pod) => pod.requests.length > 0), 'the request at a Pod');
  const response = await fetch(`http://${running.debug}/quit`, { method: 'POST' });
  expect(response.status).toBe(202);
  await running.log('stopping');
  expect((await running.readyz()).status).toBe(503);
  await expect(RawClient.connect(running.port())).rejects.toThrow(/ECONNREFUSED/);
  answer();
  expect((await client.response()).body.toString()).toBe('late');
  expect(await running.exited(2000)).toEqual(OK);
});

it.concurrent('POST /drain: readyz 503, new requests 503 draining, what is in flight is finished, the process stays', async (test) => {
  const { scene, running } = await serving(test);
  const inFlight: (() => void)[] = [];
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => inFlight.push(() => connection.answer('late', request));
  const client = await RawClient.connect(running.port());
  client.send(GET);
  await running.until(async () => inFlight.length === 1, 'the request at a Pod');
  expect((await fetch(`http://${running.debug}/drain`, { method: 'POST' })).status).toBe(200);
  expect(await running.readyz()).toEqual({ status: 503, reason: 'draining\n' });
  expect((await fetch(`http://${running.admin}/livez`)).status).toBe(200);
  const refused = await fetch(running.url);
  expect([refused.status, refused.headers.get('x-headroute-failure')]).toEqual([503, 'draining']);
  expect(await refused.json()).toMatchObject({ failure: 'draining', sent: false, status: 503 });
  expect(refused.headers.get('retry-after')).toMatch(/^\d+$/);
  inFlight[0]!();
  expect((await client.response()).status).toBe(200);
  expect(inFlight).toHaveLength(1);
  expect(running.exit).toBe(null);
  expect(await running.metric('headroute_request_failures_total', { rule: '', failure: 'draining' })).toBe(1);
  running.signal('SIGTERM');
  expect(await running.exited(2000)).toEqual(OK);
});

it.concurrent('a SIGTERM before anything is ready ends the process with 0', async (test) => {
  const scene = await stage(test, []);
  scene.dns.onQuery = () => ({ do: 'drop' });
  const running = await sidecar(test, scene.document());
  running.signal('SIGTERM');
  expect(await running.exited(2000)).toEqual(OK);
});
