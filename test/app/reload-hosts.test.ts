/** A listener whose host part changes while its port stays (SPEC 2, Reload; field-cases.md B11, apisix#9571). */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { type Document, freePort, listener, type Scope, sidecar, stage } from './support/stage.ts';

const IN_FORCE = 'the changed configuration is in force';
const INVALID = 'the changed configuration is invalid';
const GET = 'GET / HTTP/1.1\r\nHost: db\r\n\r\n';

/** A sidecar whose listener `app` is bound at this host, and its file with another host and rule. */
async function boundAt(scope: Scope, host: string) {
  const scene = await stage(scope, ['db-0']);
  const port = await freePort();
  const at = (other: string, rule: string): Document =>
    scene.document({
      listeners: [
        listener({
          address: `${other}:${port}`,
          debugHeaders: true,
          rules: [{ name: rule, backendRefs: [{ name: 'db' }] }],
        }),
      ],
    });
  const running = await sidecar(scope, at(host, 'old'));
  await running.pods(1);
  const client = await RawClient.connect(port);
  scope.onTestFinished(() => client.destroy());
  await client.exchange(GET);
  return { port, at, running, client };
}

async function ruleOf(client: RawClient): Promise<string | undefined> {
  const { fields } = await client.exchange(GET);
  return fields.find(([name]) => name === 'X-Headroute-Rule')?.[1];
}

async function ruleAt(port: number, host = '127.0.0.1'): Promise<string | undefined> {
  const client = await RawClient.connect(port, host);
  const rule = await ruleOf(client);
  client.destroy();
  return rule;
}

it.concurrent.for([
  ['127.0.0.1', ''],
  ['127.0.0.1', '0.0.0.0'],
  ['', '127.0.0.1'],
  ['0.0.0.0', '127.0.0.1'],
  ['0.0.0.0', ''],
])(
  'B11: %j to %j needs a restart, says so of itself with its place in the file, and changes nothing',
  async ([before, after], test) => {
    const { port, at, running, client } = await boundAt(test, before!);
    running.write(at(after!, 'new'));
    const { problems } = (await running.log(INVALID)) as unknown as { problems: string[] };
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(
      /headroute\.yaml:[1-9]\d+:\d+: listeners\[0\]\.address: needs a restart: headroute/,
    );
    expect(problems[0]).toContain(`:${port}, and ${after}:${port} cannot be bound beside it`);
    expect([await ruleOf(client), await ruleAt(port)]).toEqual(['old', 'old']);
  },
);

it.concurrent.for([
  ['localhost', '127.0.0.1'],
  ['127.0.0.1', 'localhost'],
  ['', '[::]'],
])(
  'B11: %j to %j is the same address written otherwise: in force, without a gap, on open connections too',
  async ([before, after], test) => {
    const { port, at, running, client } = await boundAt(test, before!);
    running.write(at(after!, 'new'));
    // Connected to all the while, so that a gap would show.
    do await ruleAt(port);
    while (running.count(IN_FORCE) + running.count(INVALID) + running.count('cannot take effect') === 0);
    expect([await ruleOf(client), await ruleAt(port)]).toEqual(['new', 'new']);
  },
);

it.concurrent('B11: another address at the same port is bound beside the old one, whose connections get one more answer', async (test) => {
  const { port, at, running, client } = await boundAt(test, '127.0.0.1');
  running.write(at('127.0.0.2', 'new'));
  await running.log(IN_FORCE);
  expect(await ruleAt(port, '127.0.0.2')).toBe('new');
  expect(await ruleOf(client)).toBe('old');
  expect(await client.closed()).toBe('fin');
  await expect(RawClient.connect(port)).rejects.toThrow(/ECONNREFUSED/);
});

it.concurrent('a new listener at an address that headroute has under another name for it does not blame another process', async (test) => {
  const { port, at, running } = await boundAt(test, '127.0.0.1');
  const { listeners, ...rest } = at('127.0.0.1', 'new') as { listeners: Document[] };
  running.write({
    ...rest,
    listeners: [...listeners, listener({ name: 'twin', address: `localhost:${port}` })],
  });
  const { problems } = await running.log('cannot take effect');
  expect(String(problems)).toContain(
    `listeners[1].address: cannot listen on localhost:${port} (listeners[twin].address): headroute itself listens on 127.0.0.1:${port} (listeners[app].address); set listeners[twin].address to another address`,
  );
  expect(await ruleAt(port)).toBe('old');
});
