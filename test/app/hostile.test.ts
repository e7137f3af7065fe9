/**
 * Bad input while the built program runs (issue 10, Bad input): nameservers, Pods and clients that misbehave. Each has an
 * answer of SPEC 3's table and a metric, and none ends the process.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import type { PodConnection } from '../helpers/raw-pod.ts';
import { value } from '../helpers/wire.ts';
import { Sidecar } from './support/sidecar.ts';
import { type Document, listener, Stage, sidecar, stage } from './support/stage.ts';

/** Answers with no Pod behind them: what a client gets while nothing was ever resolved. */
async function expectNoEndpoint(running: Sidecar): Promise<void> {
  const response = await fetch(running.url);
  expect([response.status, response.headers.get('x-headroute-failure')]).toEqual([503, 'no_endpoint']);
  expect(response.headers.get('x-headroute-sent')).toBe('false');
  expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await response.json()).toMatchObject({
    failure: 'no_endpoint',
    rule: 'all',
    backend: 'db',
    sent: false,
  });
}

it.concurrent('nameservers that never answer: it starts, readyz says what it waits for until the look-up has been tried, requests get no_endpoint', async (test) => {
  const scene = await stage(test);
  scene.dns.onQuery = () => ({ do: 'drop' });
  const { host, port } = scene.dns.address;
  const discovery = {
    nameservers: [`${host}:${port}`],
    queryTimeout: '700ms',
    refresh: { min: '100ms', max: '200ms' },
  };
  const running = await sidecar(test, scene.document({ backends: [scene.backend({ discovery })] }));
  expect(await running.readyz()).toEqual({ status: 503, reason: expect.stringMatching(/look-up/) });
  expect((await fetch(`http://${running.admin}/livez`)).status).toBe(200);
  await expectNoEndpoint(running);
  // A look-up that was tried and failed is no reason to stay unready: readyz never depends on Pods.
  await running.until(async () => (await running.readyz()).status === 200, 'ready without a Pod');
  await expectNoEndpoint(running);
  expect(
    await running.metric('headroute_dns_lookups_total', { backend: 'db', type: 'SRV', result: 'timeout' }),
  ).toBeGreaterThan(0);
  // Once they answer, it recovers without a restart.
  scene.dns.onQuery = null;
  await running.pods(2);
  expect((await fetch(running.url)).status).toBe(200);
});

it.concurrent('nothing listens where the nameserver should be: as above, at once', async (test) => {
  const scene = await stage(test);
  const { host, port } = scene.dns.address;
  await scene.close();
  const discovery = { nameservers: [`${host}:${port}`], queryTimeout: '500ms' };
  const running = await sidecar(test, scene.document({ backends: [scene.backend({ discovery })] }));
  await running.until(async () => (await running.readyz()).status === 200, 'ready without a Pod');
  await expectNoEndpoint(running);
});

it.concurrent.for(['NXDOMAIN', 'SERVFAIL', 'REFUSED'] as const)(
  'a service that does not resolve at the start (%s): it runs and counts, and takes Pods as soon as there are any',
  async (rcode, test) => {
    const scene = await stage(test);
    scene.dns.onQuery = () => ({ do: 'rcode', rcode });
    const running = await sidecar(test, scene.document());
    await running.until(async () => (await running.readyz()).status === 200, 'ready without a Pod');
    await expectNoEndpoint(running);
    const labels = { backend: 'db', type: 'SRV', result: rcode.toLowerCase() };
    await running.until(
      async () => (await running.metric('headroute_dns_lookups_total', labels)) > 1,
      'counted',
    );
    scene.dns.onQuery = null;
    await running.pods(2);
  },
);

it.concurrent('DNS answers of noise change nothing and are counted as malformed', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document());
  await running.pods(2);
  let n = 0;
  scene.dns.onQuery = () => ({
    do: 'mangle',
    reply: (right) =>
      Buffer.concat([right.subarray(0, 12 + (n++ % 40)), Buffer.from([0xc0, 0xff, 0xff, 0xff])]),
  });
  const malformed = async (): Promise<number> => {
    const text = await running.scrape();
    return [
      ...text.matchAll(/^headroute_dns_lookups_total\{.*result="(?:malformed|timeout)"\} (\d+)$/gm),
    ].reduce((sum, [, value]) => sum + Number(value), 0);
  };
  await running.until(async () => (await malformed()) > 0, 'counted', 8000);
  expect((await fetch(running.url)).status).toBe(200);
  expect((await running.state()).backends[0]!.pods).toHaveLength(2);
});

let scene: Stage;
let shared: Sidecar;
beforeAll(async () => {
  scene = await Stage.raise(['db-0']);
  const rules: Document[] = [
    {
      name: 'all',
      backendRefs: [{ name: 'db' }],
      retry: { attempts: 0 },
      timeouts: { backendRequest: '400ms' },
    },
  ];
  shared = await Sidecar.start(
    scene.document({
      listeners: [
        listener({ rules, limits: { headBytes: '4Ki' }, timeouts: { head: '300ms', body: '300ms' } }),
      ],
    }),
  );
  await shared.pods(1);
  scene.pods[0]!.onRequest = (connection, { target }) => BEHAVIOURS.get(target)?.(connection);
});
afterAll(async () => {
  await shared.dispose();
  await scene.close();
});

const BEHAVIOURS = new Map<string, (connection: PodConnection) => void>([
  ['/noise', (c) => c.write('\x00\x01\x02 what?\r\n\r\n')],
  ['/tls', (c) => c.write(Buffer.from('15030300020246', 'hex'))],
  ['/http09', (c) => c.write('<html>hello</html>\r\n\r\n')],
  ['/status', (c) => c.write('HTTP/1.1 99999 Much\r\nContent-Length: 0\r\n\r\n')],
  ['/two-lengths', (c) => c.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab')],
  ['/length-nan', (c) => c.write('HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n')],
  ['/folded', (c) => c.write('HTTP/1.1 200 OK\r\n : x\r\n\r\n')],
  ['/endless-head', (c) => c.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1024 * 1024)}`)],
  ['/fin', (c) => c.end()],
  ['/half-head', (c) => c.end('HTTP/1.1 200 O')],
  ['/reset', (c) => c.reset()],
  ['/silent', () => {}],
]);

it.each([
  ['/noise', 502, 'upstream_protocol'],
  ['/tls', 502, 'upstream_protocol'],
  ['/http09', 502, 'upstream_protocol'],
  ['/status', 502, 'upstream_protocol'],
  ['/two-lengths', 502, 'upstream_protocol'],
  ['/length-nan', 502, 'upstream_protocol'],
  ['/folded', 502, 'upstream_protocol'],
  ['/endless-head', 502, 'upstream_protocol'],
  ['/fin', 502, 'upstream_reset'],
  ['/half-head', 502, 'upstream_reset'],
  ['/reset', 502, 'upstream_reset'],
  ['/silent', 504, 'backend_timeout'],
])('a Pod that answers POST %s with garbage: %i %s, once, counted', async (path, status, failure) => {
  const labels = { rule: 'all', failure };
  const before = await shared.metric('headroute_request_failures_total', labels);
  const requests = scene.pods[0]!.requests.length;
  const client = await RawClient.connect(shared.port());
  const response = await client.exchange(
    `POST ${path} HTTP/1.1\r\nHost: db\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx`,
  );
  await client.closed();
  client.destroy();
  expect([response.status, value(response, 'X-Headroute-Failure')]).toEqual([status, failure]);
  expect(value(response, 'Content-Type')).toBe('application/problem+json');
  expect(JSON.parse(response.body.toString())).toMatchObject({
    status,
    failure,
    rule: 'all',
    backend: 'db',
    sent: true,
  });
  expect(await shared.metric('headroute_request_failures_total', labels)).toBe(before + 1);
  expect(scene.pods[0]!.requests.length).toBe(requests + 1);
});

it.each([
  ['noise', 400, 'bad_request', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n'],
  ['a line that is no request line', 400, 'bad_request', 'hello\r\n\r\n'],
  ['no Host', 400, 'bad_request', 'GET / HTTP/1.1\r\n\r\n'],
  [
    'two lengths',
    400,
    'bad_request',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
  ],
  ['a bare LF', 400, 'bad_request', 'GET / HTTP/1.1\nHost: a\n\n'],
  ['a NUL in a value', 400, 'bad_request', 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n'],
  [
    'a head past headBytes',
    431,
    'head_too_large',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(5000)}\r\n\r\n`,
  ],
  ['a target past headBytes', 414, 'target_too_long', `GET /${'x'.repeat(5000)} HTTP/1.1\r\nHost: a\r\n\r\n`],
  ['half a head', 408, 'head_timeout', 'GET / HTTP/1.1\r\nHo'],
])(
  'a client that sends %s is answered %i %s, counted, nothing reaches a Pod',
  async (_what, status, failure, bytes) => {
    const labels = { rule: '', failure };
    const before = await shared.metric('headroute_request_failures_total', labels);
    const requests = scene.pods[0]!.requests.length;
    const client = await RawClient.connect(shared.port());
    client.send(bytes);
    const response = await client.response('GET');
    expect([response.status, JSON.parse(response.body.toString())]).toEqual([
      status,
      expect.objectContaining({ failure, status, sent: false }),
    ]);
    await client.closed();
    expect(await shared.metric('headroute_request_failures_total', labels)).toBe(before + 1);
    expect(scene.pods[0]!.requests.length).toBe(requests);
  },
);

it('a client that resets, one that says nothing and one that only ends leave nothing open', async () => {
  const silent = await RawClient.connect(shared.port());
  const ended = await RawClient.connect(shared.port());
  ended.end();
  const reset = await RawClient.connect(shared.port());
  reset.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc');
  reset.reset();
  await ended.closed();
  silent.destroy();
  await shared.until(
    async () => (await shared.metric('headroute_connections', { listener: 'app' })) === 0,
    'no connection open',
  );
});

it('after all of it the process runs, is ready, and logged no error', async () => {
  expect((await shared.readyz()).status).toBe(200);
  expect(shared.exit).toBe(null);
  expect(shared.otherLines).toEqual([]);
  expect(shared.logs.filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
});
