/** Reloads of the built program that only rename, or remove, a listener (SPEC 2, Reload; field-cases.md B3). */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { type Document, freePort, listener, type Scope, sidecar, stage } from './support/stage.ts';

const IN_FORCE = 'the changed configuration is in force';
const OTHER = 'other.prod.svc.cluster.local';
const GET = 'GET / HTTP/1.1\r\nHost: db\r\n\r\n';
const rules = [{ name: 'all', backendRefs: [{ name: 'db' }] }];

/** A sidecar with one listener on a fixed port, its name at first `n0`. */
async function onePort(scope: Scope) {
  const scene = await stage(scope, ['db-0']);
  const port = await freePort();
  const named = (name: string, part: Document = {}): Document =>
    scene.document({ listeners: [listener({ name, address: `127.0.0.1:${port}`, rules, ...part })] });
  const running = await sidecar(scope, named('n0'));
  await running.pods(1);
  return { scene, port, named, running };
}

it.concurrent('B3 (envoy#44116, orion#102): one connection is served through ten renames of its listener, and new ones too', async (test) => {
  const { port, named, running } = await onePort(test);
  const client = await RawClient.connect(port);
  const seen = new Map<string, number>();
  const count = (what: string): unknown => seen.set(what, (seen.get(what) ?? 0) + 1);
  for (let n = 1; n <= 10; n++) {
    running.write(named(`n${n}`));
    do {
      const { status, fields } = await client.exchange(GET);
      count(`kept ${status}${fields.some(([name]) => name === 'Connection') ? ' last' : ''}`);
      const fresh = await RawClient.connect(port);
      count(`fresh ${(await fresh.exchange(GET)).status}`);
      fresh.destroy();
    } while (running.count(IN_FORCE) < n);
  }
  expect([...seen.keys()].sort()).toEqual(['fresh 200', 'kept 200']);
  // Counted where it is now, and nowhere else.
  const text = await running.scrape();
  expect(text).toContain('headroute_connections{listener="n10"} 1\n');
  await running.until(
    async () => !/headroute_connections\{listener="n[0-9]"\}/.test(await running.scrape()),
    'old names gone',
  );
  client.destroy();
});

it.concurrent('a listener that took another name has other rules at once, on open connections too', async (test) => {
  const { port, named, running } = await onePort(test);
  const client = await RawClient.connect(port);
  await client.exchange(GET);
  running.write(named('other', { debugHeaders: true, rules: [{ ...rules[0], name: 'new' }] }));
  await running.log(IN_FORCE);
  expect((await client.exchange(GET)).fields).toContainEqual(['X-Headroute-Rule', 'new']);
  client.destroy();
});

it.concurrent('open connections of a removed listener get one more answer each, by the rules that they came under, and say that it is the last', async (test) => {
  const { scene, port, running } = await onePort(test);
  const clients = await Promise.all([1, 2, 3].map(() => RawClient.connect(port)));
  await clients[0]!.exchange(GET);
  running.write(scene.document({ listeners: [listener()] }));
  await running.log(IN_FORCE);
  for (const client of clients) {
    const { status, body, fields } = await client.exchange(GET);
    expect([status, body.toString()]).toEqual([200, 'db-0']);
    expect(fields).toContainEqual(['Connection', 'close']);
    expect(await client.closed()).toBe('fin');
  }
});

it.concurrent('what comes on a connection of a removed listener whose backend is gone as well is told so', async (test) => {
  const { scene, port, running } = await onePort(test);
  const other = await stage(test, ['other-0']);
  other.publish(other.pods, OTHER);
  const client = await RawClient.connect(port);
  await client.exchange(GET);
  running.write(
    scene.document({
      backends: [other.backend({ name: 'next', service: OTHER })],
      listeners: [listener({ rules: [{ name: 'all', backendRefs: [{ name: 'next' }] }] })],
    }),
  );
  await running.log(IN_FORCE);
  const { status, body, fields } = await client.exchange(GET);
  expect([status, JSON.parse(body.toString())]).toMatchObject([503, { failure: 'no_endpoint', sent: false }]);
  expect(fields).toContainEqual(['Connection', 'close']);
  expect(await client.closed()).toBe('fin');
});

it.concurrent('B1, B3: a removed listener whose backend has another name from now on answers from its Pods', async (test) => {
  const { scene, port, running } = await onePort(test);
  const client = await RawClient.connect(port);
  await client.exchange(GET);
  running.write(
    scene.document({
      backends: [scene.backend({ name: 'pg' })],
      listeners: [listener({ rules: [{ name: 'all', backendRefs: [{ name: 'pg' }] }] })],
    }),
  );
  await running.log(IN_FORCE);
  const { status, body } = await client.exchange(GET);
  expect([status, body.toString()]).toEqual([200, 'db-0']);
});
