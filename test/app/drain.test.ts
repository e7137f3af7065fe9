/** `POST /drain` and `POST /undrain` of the built program (SPEC 4). */
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import type { Sidecar } from './support/sidecar.ts';
import { type Document, freePort, listener, type Stage, sidecar, stage } from './support/stage.ts';

/** Their Pods say hello to `/echo` and echo from then on, so that a TCP client knows that it is through. */
function document(scene: Stage, listeners: Document[]): Document {
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => {
      if (request.target !== '/echo') return connection.answer(pod.name, request);
      connection.raw = true;
      connection.write('hello');
      connection.socket.on('data', (data: Buffer) => connection.write(data));
    };
  return scene.document({ listeners });
}

const tcp = (part: Document = {}): Document => listener({ name: 'tcp', protocol: 'TCP', ...part });

/** A TCP connection that goes through to a Pod. */
async function through(port: number): Promise<RawClient> {
  const client = await RawClient.connect(port);
  client.send('GET /echo HTTP/1.1\r\nHost: db\r\n\r\n');
  await client.hears('hello');
  return client;
}

async function post(running: Sidecar, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://${running.debug}${path}`, { method: 'POST' });
  return { status: response.status, text: await response.text() };
}

const refused = (port: number): Promise<void> =>
  expect(RawClient.connect(port)).rejects.toThrow(/ECONNREFUSED/);

it.concurrent('draining refuses new requests and TCP connections, lets open ones go on, and is taken back', async (test) => {
  const scene = await stage(test, ['db-0']);
  const running = await sidecar(test, document(scene, [listener(), tcp()]));
  await running.pods(1);
  const port = running.port('tcp');
  const open = await through(port);
  for (const round of [1, 2]) {
    expect((await post(running, '/drain')).status).toBe(200);
    expect(await running.readyz()).toMatchObject({
      status: 503,
      reason: expect.stringContaining('draining'),
    });
    expect(await running.state()).toMatchObject({ draining: true });
    const answer = await fetch(running.url);
    expect([answer.status, answer.headers.get('x-headroute-failure')]).toEqual([503, 'draining']);
    await refused(port);
    // A second one changes nothing.
    expect((await post(running, '/drain')).status).toBe(200);
    await open.echoes(`still here ${round}`);
    for (const _ of [1, 2]) expect((await post(running, '/undrain')).status).toBe(200);
    expect((await running.readyz()).status).toBe(200);
    expect(await running.state()).toMatchObject({ draining: false });
    expect((await fetch(running.url)).status).toBe(200);
    (await through(port)).destroy();
  }
  expect(running.exit).toBeNull();
});

it.concurrent('a TCP listener that a reload adds meanwhile refuses, too, until it is taken back', async (test) => {
  const scene = await stage(test, ['db-0']);
  const running = await sidecar(test, document(scene, [listener()]));
  await running.pods(1);
  await post(running, '/drain');
  running.write(document(scene, [listener(), tcp()]));
  await running.log('the changed configuration is in force');
  const { port } = (await running.state()).listeners.find(({ name }) => name === 'tcp')!;
  await refused(port);
  expect((await post(running, '/undrain')).status).toBe(200);
  (await through(port)).destroy();
});

it.concurrent('a TCP listener renamed meanwhile refuses on', async (test) => {
  const scene = await stage(test, ['db-0']);
  const port = await freePort();
  const named = (name: string) => document(scene, [listener(), tcp({ name, address: `127.0.0.1:${port}` })]);
  const running = await sidecar(test, named('tcp'));
  await running.pods(1);
  await post(running, '/drain');
  running.write(named('other'));
  await running.log('the changed configuration is in force');
  await refused(port);
  expect((await post(running, '/undrain')).status).toBe(200);
  (await through(port)).destroy();
});

it.concurrent('where another process has taken the port it says so and drains on, until the port is free', async (test) => {
  const scene = await stage(test, ['db-0']);
  const running = await sidecar(test, document(scene, [listener(), tcp()]));
  await running.pods(1);
  const port = running.port('tcp');
  await post(running, '/drain');
  const other = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => other.listen(port, '127.0.0.1', resolve));
  const answer = await post(running, '/undrain');
  expect(answer.status).toBe(503);
  expect(JSON.parse(answer.text).detail).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} .*in use`));
  expect((await running.readyz()).status).toBe(503);
  expect((await fetch(running.url)).status).toBe(503);
  await new Promise((resolve) => other.close(resolve));
  expect((await post(running, '/undrain')).status).toBe(200);
  (await through(port)).destroy();
});

it.concurrent('SIGTERM while it drains ends it with 0', async (test) => {
  const scene = await stage(test, ['db-0']);
  const running = await sidecar(test, document(scene, [listener(), tcp()]));
  await post(running, '/drain');
  running.signal('SIGTERM');
  expect(await running.exited()).toEqual({ status: 0, signal: null });
});
