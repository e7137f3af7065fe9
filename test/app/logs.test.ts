/** What the built program writes to its log (SPEC 4, Whoever asks why is told). */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import type { PodConnection } from '../helpers/raw-pod.ts';
import { headroute } from './support/command.ts';
import type { LogLine, Sidecar } from './support/sidecar.ts';
import { type Document, LEADER, listener, type Scope, sidecar, stage } from './support/stage.ts';

const led = (protocol: 'HTTP' | 'TCP', timeout = '10s'): Document =>
  listener({
    name: protocol.toLowerCase(),
    protocol,
    rules: [
      {
        name: 'writes',
        backendRefs: [{ name: 'db' }],
        selection: { type: 'Leader', hold: { timeout } },
      },
    ],
  });

/** A sidecar whose backend has a leader, or (`leads: null`) none. */
async function running(scope: Scope, part: Document, leads: number | null = 0) {
  const scene = await stage(scope);
  if (leads !== null) scene.pods[leads]!.leads = true;
  const document = scene.document({ backends: [scene.backend({ leader: LEADER })], ...part });
  const started = await sidecar(scope, document);
  await started.pods(2);
  return { scene, running: started, document };
}

const portOf = async (sidecar: Sidecar, name: string): Promise<number> =>
  (await sidecar.state()).listeners.find((one) => one.name === name)!.port;

it.concurrent('at level error the access log is written all the same, and POST /log does not touch it', async (test) => {
  const { running: one } = await running(test, { log: { level: 'info', access: true } });
  await fetch(`http://${one.debug}/log?level=error`, { method: 'POST' });
  const before = one.logs.length;
  const response = await fetch(`${one.url}/a?token=secret`, { headers: { 'User-Agent': 'test/1' } });
  await response.text();
  const line = await one.log('request');
  expect(line).toMatchObject({
    level: 'info',
    listener: 'app',
    client: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    method: 'GET',
    host: '127.0.0.1',
    path: '/a',
    status: 200,
    userAgent: 'test/1',
  });
  expect(one.stderr).not.toContain('secret');
  expect(one.logs.slice(before).map(({ msg }) => msg)).toEqual(['request']);
});

it.concurrent('log.access follows a reload: errors alone, then none', async (test) => {
  const { running: one, document, scene } = await running(test, { log: { access: 'errors' } });
  const fail = (connection: PodConnection): void =>
    connection.write('HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  for (const pod of scene.pods) pod.onRequest = fail;
  await fetch(`${one.url}/a`);
  expect(await one.log('request')).toMatchObject({ level: 'info', status: 500, failure: null });
  for (const pod of scene.pods) pod.onRequest = null;
  await fetch(`${one.url}/b`);
  one.write({ ...document, log: { level: 'debug', access: false } });
  expect(await one.log('in force')).toMatchObject({ changes: ['changed log.level', 'changed log.access'] });
  for (const pod of scene.pods) pod.onRequest = fail;
  expect((await fetch(`${one.url}/c`)).status).toBe(500);
  await fetch(`http://${one.debug}/log?level=info`, { method: 'POST' });
  await one.log('log level changed');
  expect(one.count('request')).toBe(1);
});

it.concurrent('a TCP connection to the leader that is demoted: a line with the Pod, the bytes and the reason', async (test) => {
  const { running: one, scene } = await running(test, {
    listeners: [led('TCP')],
    log: { access: true },
  });
  const client = await RawClient.connect(await portOf(one, 'tcp'));
  test.onTestFinished(() => client.destroy());
  client.send('GET /x HTTP/1.1\r\nHost: a\r\n\r\n');
  const { raw } = await client.response('GET');
  const { localPort } = client.socket;
  scene.pods[0]!.leads = false;
  scene.pods[1]!.leads = true;
  expect(await one.log('connection')).toMatchObject({
    level: 'info',
    kind: 'tcp',
    listener: 'tcp',
    client: `127.0.0.1:${localPort}`,
    rule: 'writes',
    backend: 'db',
    pod: 'db-0',
    attempts: 1,
    bytesReceived: 28,
    bytesSent: raw.length,
    end: 'demotion',
    detail: expect.stringMatching(/^(its Pod does not lead any more|db-1 leads now)$/),
  });
});

it.concurrent('fifty that wait in vain are one line a second, not fifty', async (test) => {
  const { running: one } = await running(test, { listeners: [led('HTTP', '1500ms')] }, null);
  const port = await portOf(one, 'http');
  const beganMs = performance.now();
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => fetch(`http://127.0.0.1:${port}/`, { method: 'POST' })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
  const isVain = ({ msg }: LogLine): boolean => msg === 'requests waited for a Pod in vain';
  const sum = (key: string): number => one.logs.reduce((total, line) => total + Number(line[key] ?? 0), 0);
  await one.until(async () => sum('timedOut') === 50, 'all to be told of');
  expect(sum('began')).toBe(50);
  const told = one.logs.filter(({ began }) => began !== undefined);
  expect(told.length).toBeLessThanOrEqual((performance.now() - beganMs) / 1000 + 1);
  expect(told.find(isVain)).toMatchObject({ level: 'warn', released: 0 });
  expect(told.findLast(isVain)!.longestMs).toBeGreaterThanOrEqual(1500);
});

it.concurrent('/state keeps how the last reload ended: what it changed, or its problems', async (test) => {
  const { running: one, document } = await running(test, {});
  const last = async () => ((await one.state()) as unknown as { lastReload: unknown }).lastReload;
  expect(await last()).toBeNull();
  const begunMs = Date.now();
  one.write({ ...document, shutdown: { timeout: '7s' } });
  await one.log('in force');
  expect(await last()).toMatchObject({ ok: true, problems: [], changes: ['changed shutdown.timeout'] });
  one.write({ ...document, shutdown: { timeout: 'soon' } });
  const { level, problems } = await one.log('is invalid');
  expect(level).toBe('warn');
  expect(problems).toEqual([expect.stringMatching(/headroute\.yaml:\d+:\d+: shutdown\.timeout: /)]);
  const refused = (await last()) as { at: string; ok: boolean; problems: string[] };
  expect(refused).toMatchObject({ ok: false, problems, changes: [] });
  expect(Date.parse(refused.at)).toBeGreaterThanOrEqual(begunMs);
});

it.concurrent('what keeps it from starting is one JSON line where nobody sits at a terminal', async (test) => {
  const scene = await stage(test);
  const one = await sidecar(test, scene.document());
  one.write({ listeners: 1 });
  const { status, stderr } = await headroute(['run', '--config', one.file]);
  expect(status).toBe(1);
  const line = JSON.parse(stderr);
  expect(line).toMatchObject({ level: 'error', msg: 'headroute cannot start' });
  expect(line.problems.length).toBeGreaterThan(2);
  for (const problem of line.problems) expect(problem).toMatch(/headroute\.yaml:\d+:\d+: /);
  expect(Date.parse(line.time)).toBeGreaterThan(0);
});
