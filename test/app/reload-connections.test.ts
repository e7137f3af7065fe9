/**
 * What a reload of the built program does to open connections (SPEC 2, Reload; field-cases.md C4 and C5).
 */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { loopNowMs, pause } from '../helpers/waiting.ts';
import type { Sidecar } from './support/sidecar.ts';
import { type Document, listener, type Stage, sidecar, stage } from './support/stage.ts';

const OTHER = 'other.prod.svc.cluster.local';
const IN_FORCE = 'the changed configuration is in force';
const UPGRADE = 'GET /ws HTTP/1.1\r\nHost: db\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** Its Pods switch protocols when asked, and echo from then on. */
function echoOnUpgrade(scene: Stage): void {
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => {
      if (request.target !== '/ws') return connection.answer(pod.name, request);
      connection.raw = true;
      connection.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      connection.socket.on('data', (data: Buffer) => connection.write(data));
    };
}

async function openUpgrade(running: Sidecar): Promise<RawClient> {
  const client = await RawClient.connect(running.port());
  expect((await client.exchange(UPGRADE)).status).toBe(101);
  await client.echoes('first');
  return client;
}

/** A TCP listener in front of the same Pods; the Pods speak first so that a client knows it is through. */
function greetOnConnect(scene: Stage): void {
  for (const pod of scene.pods)
    pod.raw.script = {
      onConnect: (connection) => {
        connection.raw = true;
        connection.write('hello');
        connection.socket.on('data', (data: Buffer) => connection.write(data));
        connection.socket.on('end', () => connection.end());
      },
    };
}

const tcp = (part: Document = {}) => listener({ name: 'tcp', protocol: 'TCP', ...part });

async function greeted(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  await client.hears('hello');
  return client;
}

it.concurrent('C4 (caddy#7222, #6420): an upgrade on one rule stays open while another rule is added and its own retry changes', async (test) => {
  const scene = await stage(test);
  echoOnUpgrade(scene);
  const rule = {
    name: 'a',
    matches: [{ path: { type: 'PathPrefix', value: '/' } }],
    backendRefs: [{ name: 'db' }],
  };
  const document = (rules: Document[]): Document => scene.document({ listeners: [listener({ rules })] });
  const running = await sidecar(test, document([rule]));
  await running.pods(2);
  const client = await openUpgrade(running);
  const added = {
    name: 'b',
    matches: [{ path: { type: 'Exact', value: '/b' } }],
    backendRefs: [{ name: 'db' }],
  };
  running.write(document([rule, added]));
  await running.log(IN_FORCE, 1);
  await client.echoes('second');
  running.write(document([{ ...rule, retry: { attempts: 5, backoff: '1s' } }, added]));
  await running.log(IN_FORCE, 2);
  await client.echoes('third');
  // The rule itself may go: its listener and backend stay.
  running.write(document([added]));
  await running.log(IN_FORCE, 3);
  await client.echoes('fourth');
  // Health and connection settings of the backend are no reason either.
  running.write(
    scene.document({
      backends: [
        scene.backend({ health: { tcpSocket: {}, period: '1s' }, connection: { idleTimeout: '1s' } }),
      ],
      listeners: [listener({ rules: [added] })],
      log: { level: 'debug' },
    }),
  );
  await running.log(IN_FORCE, 4);
  await pause(100);
  await client.echoes('fifth');
  expect((await running.state()).tunnels).toEqual([
    { listener: 'app', backend: 'db', rule: 'a', open: 1, draining: 0 },
  ]);
  client.destroy();
});

it.concurrent('promise 7: reloads under load fail no request, and a kept connection goes on to be served', async (test) => {
  const scene = await stage(test);
  const document = (n: number): Document =>
    scene.document({
      listeners: [
        listener({ rules: [{ name: `v${n}`, backendRefs: [{ name: 'db' }], retry: { attempts: n } }] }),
      ],
    });
  const running = await sidecar(test, document(0));
  await running.pods(2);
  const client = await RawClient.connect(running.port());
  const statuses: number[] = [];
  const ask = async (): Promise<void> => {
    statuses.push((await client.exchange('GET / HTTP/1.1\r\nHost: db\r\n\r\n')).status);
  };
  for (const n of [1, 2, 3]) {
    running.write(document(n));
    do await ask();
    while (running.count(IN_FORCE) < n);
  }
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(client.ending).toBe(null);
  client.destroy();
});

it.concurrent('C5 (leaf#404): open connections of a removed listener are drained, seen in /state, and cut at shutdown.timeout', async (test) => {
  const scene = await stage(test);
  greetOnConnect(scene);
  const health = { tcpSocket: {}, period: '100ms' };
  const document = (listeners: Document[]): Document =>
    scene.document({ backends: [scene.backend({ health })], listeners, shutdown: { timeout: '1s' } });
  const running = await sidecar(test, document([tcp(), listener()]));
  await running.pods(2);
  const { port } = (await running.state()).listeners.find(({ name }) => name === 'tcp')!;
  const client = await greeted(port);
  running.write(document([listener()]));
  await running.log(IN_FORCE);
  const removedMs = performance.now();
  const removedLoopMs = loopNowMs();
  const state = await running.state();
  expect(state.listeners).toContainEqual({
    name: 'tcp',
    port,
    connections: 1,
    fanOutBytes: 0,
    draining: true,
  });
  expect(state.tunnels).toEqual([{ listener: 'tcp', backend: 'db', rule: 'all', open: 1, draining: 1 }]);
  await expect(RawClient.connect(port)).rejects.toThrow(/ECONNREFUSED/);
  await client.echoes('still here');
  await client.closed();
  expect(performance.now() - removedMs).toBeGreaterThan(700);
  expect(loopNowMs() - removedLoopMs).toBeLessThan(2500);
  await running.until(async () => {
    const { listeners, tunnels } = await running.state();
    return listeners.length === 1 && tunnels.length === 0;
  }, 'nothing of it left in /state');
});

it.concurrent('C5 (leaf#404): open connections to a removed backend are drained and cut at shutdown.timeout, new ones go to the other', async (test) => {
  const scene = await stage(test, ['db-0']);
  const other = await stage(test, ['other-0']);
  other.publish(other.pods, OTHER);
  greetOnConnect(scene);
  greetOnConnect(other);
  const health = { tcpSocket: {}, period: '100ms' };
  const document = (backends: Document[], to: string): Document =>
    scene.document({
      backends,
      listeners: [tcp({ rules: [{ name: 'all', backendRefs: [{ name: to }] }] })],
      shutdown: { timeout: '1s' },
    });
  const db = scene.backend({ health });
  const next = other.backend({ health, name: 'next', service: OTHER });
  const running = await sidecar(test, document([db], 'db'));
  await running.pods(1);
  const client = await greeted(running.port('tcp'));
  running.write(document([next], 'next'));
  await running.log(IN_FORCE);
  const removedMs = performance.now();
  const removedLoopMs = loopNowMs();
  const state = await running.state();
  expect(state.backends.map(({ name }) => name)).toEqual(['next']);
  expect(state.tunnels).toEqual([{ listener: 'tcp', backend: 'db', rule: 'all', open: 1, draining: 1 }]);
  await client.echoes('still here');
  await running.pods(1, 'ready', 'next');
  const fresh = await greeted(running.port('tcp'));
  await client.closed();
  expect(performance.now() - removedMs).toBeGreaterThan(700);
  expect(loopNowMs() - removedLoopMs).toBeLessThan(2500);
  await fresh.echoes('not touched');
  const text = await running.scrape();
  expect(text).not.toContain('backend="db",pod=');
  fresh.destroy();
});

it.concurrent('a request in flight on a removed listener is answered, an idle connection gets one more answer, and a SIGTERM afterwards waits for nothing', async (test) => {
  const scene = await stage(test, ['db-0']);
  const document = (listeners: Document[]): Document =>
    scene.document({ listeners, shutdown: { timeout: '20s' } });
  const running = await sidecar(test, document([listener(), listener({ name: 'gone' })]));
  await running.pods(1);
  const idle = await RawClient.connect(running.port('gone'));
  await idle.exchange('GET /before HTTP/1.1\r\nHost: db\r\n\r\n');
  const busy = await RawClient.connect(running.port('gone'));
  const [pod] = scene.pods;
  let answer = (): void => {};
  pod!.onRequest = (connection, request) => {
    answer = () => connection.answer('late', request);
  };
  busy.send('GET /slow HTTP/1.1\r\nHost: db\r\n\r\n');
  await pod!.raw.until(() => pod!.requests.length === 2, 'the slow request');
  running.write(document([listener()]));
  await running.log(IN_FORCE);
  answer();
  const { status, body, fields } = await busy.response();
  expect([status, body.toString()]).toEqual([200, 'late']);
  expect(fields).toContainEqual(['Connection', 'close']);
  await busy.closed();
  pod!.onRequest = null;
  const last = await idle.exchange('GET /last HTTP/1.1\r\nHost: db\r\n\r\n');
  expect([last.status, last.body.toString()]).toEqual([200, 'db-0']);
  expect(last.fields).toContainEqual(['Connection', 'close']);
  expect(await idle.closed()).toBe('fin');
  idle.destroy();
  busy.destroy();
  const openToEnd = await RawClient.connect(running.port());
  running.signal('SIGTERM');
  expect(await running.exited(3000)).toEqual({ status: 0, signal: null });
  openToEnd.destroy();
});

it.concurrent('a SIGTERM while a removed listener still drains ends the process as soon as its connection is gone', async (test) => {
  const scene = await stage(test, ['db-0']);
  greetOnConnect(scene);
  const health = { tcpSocket: {}, period: '100ms' };
  const document = (listeners: Document[]): Document =>
    scene.document({ backends: [scene.backend({ health })], listeners, shutdown: { timeout: '6s' } });
  const running = await sidecar(test, document([listener(), tcp()]));
  await running.pods(1);
  const client = await greeted(running.port('tcp'));
  running.write(document([listener()]));
  await running.log(IN_FORCE);
  running.signal('SIGTERM');
  await running.log('stopping');
  client.destroy();
  expect(await running.exited(2500)).toEqual({ status: 0, signal: null });
});
