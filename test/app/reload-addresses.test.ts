/** Reloads that move listeners about on addresses that the process itself holds (SPEC 2, Reload: nothing is dropped). */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { type Document, freePort, listener, sidecar, stage, takenPort } from './support/stage.ts';

const IN_FORCE = 'the changed configuration is in force';
const GET = 'GET / HTTP/1.1\r\nHost: db\r\nConnection: close\r\n\r\n';

function at(name: string, port: number, part: Document = {}): Document {
  const rules = [{ name: `of-${name}`, backendRefs: [{ name: 'db' }] }];
  return listener({ name, address: `127.0.0.1:${port}`, debugHeaders: true, rules, ...part });
}

it.concurrent('a listener that changes its name, its protocol, or its address with another takes the socket over: no connection is refused', async (test) => {
  const scene = await stage(test, ['db-0']);
  const [a, b] = [await freePort(), await freePort()];
  const document = (listeners: Document[]): Document =>
    scene.document({ listeners, shutdown: { timeout: '5s' } });
  const running = await sidecar(test, document([at('one', a), at('two', b)]));
  await running.pods(1);
  const ruleAt = async (port: number): Promise<string | undefined> => {
    const client = await RawClient.connect(port);
    const { status, fields } = await client.exchange(GET);
    client.destroy();
    expect(status).toBe(200);
    return fields.find(([name]) => name === 'X-Headroute-Rule')?.[1];
  };
  const reload = async (n: number, listeners: Document[]): Promise<void> => {
    running.write(document(listeners));
    // Connected to all the while, so that a gap would show. (One that is closed before its request is for the client to repeat.)
    do (await RawClient.connect(b)).destroy();
    while (running.count(IN_FORCE) < n && running.count('cannot take effect') === 0);
    await running.log(IN_FORCE, n, 100);
  };
  await reload(1, [at('renamed', a), at('two', b)]);
  expect([await ruleAt(a), await ruleAt(b)]).toEqual(['of-renamed', 'of-two']);
  await reload(2, [at('renamed', b), at('two', a)]);
  expect([await ruleAt(a), await ruleAt(b)]).toEqual(['of-two', 'of-renamed']);
  await reload(3, [at('renamed', b, { protocol: 'TCP', debugHeaders: undefined }), at('two', a)]);
  // The Pod's own answer now: headroute adds nothing to it.
  expect([await ruleAt(a), await ruleAt(b)]).toEqual(['of-two', undefined]);
  await running.until(
    async () => (await running.state()).listeners.every(({ draining }) => !draining),
    'old ones gone',
  );
  const { listeners } = await running.state();
  expect(new Map(listeners.map(({ name, port }) => [name, port]))).toEqual(
    new Map([
      ['renamed', b],
      ['two', a],
    ]),
  );
  running.signal('SIGTERM');
  expect(await running.exited(2000)).toEqual({ status: 0, signal: null });
});

it.concurrent('where a change fails, the listeners whose address another was to take go on', async (test) => {
  const scene = await stage(test, ['db-0']);
  const a = await freePort();
  const running = await sidecar(test, scene.document({ listeners: [at('one', a)] }));
  await running.pods(1);
  running.write(
    scene.document({ listeners: [at('renamed', a), listener({ name: 'bad', address: '192.0.2.1:80' })] }),
  );
  await running.log('cannot take effect');
  const response = await fetch(`http://127.0.0.1:${a}`);
  expect(response.headers.get('x-headroute-rule')).toBe('of-one');
});

it.concurrent('C6: log.level of a reload that cannot bind does not take effect', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document());
  const taken = await takenPort(test);
  const more = listener({ name: 'more', address: `127.0.0.1:${taken.port}` });
  running.write(scene.document({ listeners: [listener(), more], log: { level: 'error' } }));
  await running.log('cannot take effect');
  await fetch(`http://${running.debug}/drain`, { method: 'POST' });
  await running.log('draining, as POST /drain asked');
});
