/** The access log has one line for every request: answered by a Pod, by headroute itself, or left by its client. */
import { describe, expect, it } from 'vitest';
import type { FanOutSelection, OrdinalSelection } from '../../src/model/config.ts';
import type { AccessRecord } from '../../src/observe/access-log.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { HOLD, leaderSelection } from '../helpers/data-plane.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { lines, type SceneOptions, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';

type Line = AccessRecord;

const ASKS_ALL: FanOutSelection = {
  type: 'FanOut',
  over: 'All',
  respond: 'All',
  minSuccess: 1,
  maxResponseBytes: 1 << 20,
  merge: null,
  allowUnsafe: false,
};

const BY_TOKEN: OrdinalSelection = {
  type: 'Ordinal',
  ordinal: null,
  key: { from: 'queryParam', name: 'token' },
  mapping: { type: 'Exact' },
  whenUnavailable: 'Fail',
  hold: HOLD,
};

async function logged(options: SceneOptions = {}) {
  const log: Line[] = [];
  const logger = { ...silentLogger, info: (line: object) => void log.push(line as Line) };
  return { log, stage: await scene({ access: true, logger, ...options }) };
}

it('a Pod’s answer: rule, Pod, status, attempts; no query', async () => {
  const { log, stage } = await logged();
  await (await stage.client()).exchange(lines('GET /a?token=secret HTTP/1.1', 'Host: a'));
  expect(log).toMatchObject([
    { method: 'GET', path: '/a', rule: 'all', pod: 'db-0', status: 200, failure: null, attempts: 1 },
  ]);
  expect(JSON.stringify(log)).not.toContain('secret');
});

it('who asked for what, and how long it took', async () => {
  const { log, stage } = await logged({
    scripts: [
      {
        onRequest: (c) => {
          c.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab');
          setTimeout(() => c.write('cd'), 60);
        },
      },
    ],
  });
  const client = await stage.client();
  await client.exchange(
    `${lines(
      'POST /a HTTP/1.1',
      'Host: DB.example:80',
      'Content-Length: 3',
      `Traceparent: 00-${'4b'.repeat(16)}-00f067aa0ba902b7-01`,
      'User-Agent: psql-\xc3\xa9/1.0',
      'Authorization: secret',
    )}xyz`,
  );
  expect(log).toEqual([
    {
      listener: 'db',
      client: `127.0.0.1:${client.socket.localPort}`,
      method: 'POST',
      host: 'db.example',
      path: '/a',
      rule: 'all',
      backend: 'db',
      pod: 'db-0',
      pods: null,
      status: 200,
      failure: null,
      detail: null,
      sent: true,
      attempts: 1,
      heldMs: 0,
      firstByteMs: expect.any(Number),
      durationMs: expect.any(Number),
      bytesReceived: 3,
      bytesSent: expect.any(Number),
      traceId: '4b'.repeat(16),
      userAgent: 'psql-é/1.0',
    },
  ]);
  const { firstByteMs, durationMs } = log[0]!;
  expect(firstByteMs).toBeGreaterThan(0);
  expect(durationMs - firstByteMs!).toBeGreaterThan(40);
});

it.each([
  ['malformed', ['Traceparent: 00-123']],
  ['repeated', Array(2).fill(`Traceparent: 00-${'4b'.repeat(16)}-00f067aa0ba902b7-01`)],
])('a %s traceparent is no trace', async (_, fields) => {
  const { log, stage } = await logged();
  await (await stage.client()).exchange(lines('GET / HTTP/1.1', 'Host: a', ...fields));
  expect(log).toMatchObject([{ traceId: null }]);
});

it('a long User-Agent is cut', async () => {
  const { log, stage } = await logged();
  await (await stage.client()).exchange(
    lines('GET / HTTP/1.1', 'Host: a', `User-Agent: ${'x'.repeat(5000)}`),
  );
  expect(log).toMatchObject([{ userAgent: 'x'.repeat(200) }]);
});

it('a fan-out names its Pods', async () => {
  const { log, stage } = await logged({
    scripts: [{}, {}],
    rules: [{ selection: ASKS_ALL }],
  });
  await (await stage.client()).exchange(lines('GET / HTTP/1.1', 'Host: a'));
  expect(log).toMatchObject([{ pod: null, pods: ['db-0', 'db-1'], attempts: 2, status: 200 }]);
});

it('why it failed, but not what the client sent', async () => {
  const none = await logged({
    rules: [{ selection: leaderSelection({ hold: { timeoutMs: 0 } }) }],
    leader: { state: 'none' },
  });
  const answer = await (await none.stage.client()).exchange(lines('GET / HTTP/1.1', 'Host: a'));
  expect(none.log).toMatchObject([
    { failure: 'no_leader', detail: JSON.parse(answer.body.toString()).detail },
  ]);
  const keyed = await logged({ rules: [{ selection: BY_TOKEN }] });
  await (await keyed.stage.client()).exchange(lines('GET /?token=secret HTTP/1.1', 'Host: a'));
  expect(keyed.log).toMatchObject([{ failure: 'key_missing', status: 400, detail: null }]);
  expect(JSON.stringify(keyed.log)).not.toContain('secret');
});

it('a connection past limits.connections', async () => {
  const { log, stage } = await logged({ limits: { connections: 0 } });
  const client = await stage.client();
  const answer = await client.response('GET');
  expect(log).toMatchObject([
    {
      client: `127.0.0.1:${client.socket.localPort}`,
      status: 503,
      failure: 'overloaded',
      bytesSent: answer.raw.length,
    },
  ]);
});

describe('errors only', () => {
  const answer = (text: string): PodScript => ({
    onRequest: (c) => {
      c.write(`HTTP/1.1 ${text}`);
      if (!text.endsWith('\r\n\r\n')) c.end();
    },
  });
  const WHOLE = 'Content-Length: 0\r\n\r\n';
  const cases: [string, Partial<Line> | null, PodScript, string][] = [
    ['a 200', null, answer(`200 OK\r\n${WHOLE}`), 'GET'],
    ['a 499 of the Pod', null, answer(`499 X\r\n${WHOLE}`), 'GET'],
    ['a 500 of the Pod', { status: 500, failure: null }, answer(`500 X\r\n${WHOLE}`), 'GET'],
    [
      'an answer that breaks off',
      { status: null, failure: 'upstream_reset' },
      answer('200 OK\r\nContent-Length: 9\r\n\r\nabc'),
      'GET',
    ],
    ['a refusal of headroute’s own', { status: 405, failure: 'method_not_allowed' }, {}, 'CONNECT'],
  ];
  it.each(cases)('%s', async (_, line, script, method) => {
    const { log, stage } = await logged({ access: 'errors', scripts: [script] });
    const client = await stage.client();
    client.send(lines(`${method} ${method === 'CONNECT' ? 'a:1' : '/'} HTTP/1.1`, 'Host: a:1'));
    await client.until((rest, { ending }) => ending !== null || rest.includes('\r\n\r\n'), 'an answer');
    if (line !== null) await poll(() => log.length > 0, 'the line');
    else await pause(20);
    expect(log).toMatchObject(line === null ? [] : [line]);
  });

  it('a client that left is none', async () => {
    const { log, stage } = await logged({ access: 'errors', scripts: [{ onRequest: () => {} }] });
    const client = await stage.client();
    client.send(lines('GET /slow HTTP/1.1', 'Host: a'));
    await stage.pod.request(1);
    client.end();
    await poll(() => stage.plane.metric('headroute_request_failures_total', 'client_gone') === 1, 'its end');
    expect(log).toEqual([]);
  });
});

it('refused before any rule: a malformed head, no rule', async () => {
  const match = { path: { type: 'Exact' as const, value: '/x' }, methods: [], headers: [], queryParams: [] };
  const { log, stage } = await logged({ rules: [{ matches: [match] }] });
  await (await stage.client()).exchange('GET / HTTP/1.1\r\n\r\n');
  await (await stage.client()).exchange(lines('HEAD /none HTTP/1.1', 'Host: a'), 'HEAD');
  expect(log).toMatchObject([
    { method: '', path: '', rule: null, status: 400, failure: 'bad_request', attempts: 0 },
    { method: 'HEAD', path: '/none', rule: null, status: 404, failure: 'no_route', attempts: 0 },
  ]);
});

it('a client that left: no status', async () => {
  const { log, stage } = await logged({ scripts: [{ onRequest: () => {} }] });
  const client = await stage.client();
  client.send(lines('GET /slow HTTP/1.1', 'Host: a'));
  await stage.pod.request(1);
  client.end();
  await poll(() => log.length > 0, 'the line');
  expect(log).toMatchObject([{ path: '/slow', pod: 'db-0', status: null, failure: 'client_gone' }]);
});

it('off: no line', async () => {
  const { log, stage } = await logged({ access: false });
  await (await stage.client()).exchange(lines('GET /a HTTP/1.1', 'Host: a'));
  expect(log).toEqual([]);
});

it.each<[string, string, SceneOptions]>([
  ['a Pod’s answer', lines('GET / HTTP/1.1', 'Host: a'), {}],
  ['a head that is refused', 'GET / HTTP/1.1\r\n\r\n', {}],
  ['CONNECT', lines('CONNECT a:1 HTTP/1.1', 'Host: a:1'), {}],
  ['OPTIONS for this hop', lines('OPTIONS * HTTP/1.1', 'Host: a', 'Max-Forwards: 0'), {}],
  [
    'a 503 of a rule',
    lines('GET / HTTP/1.1', 'Host: a'),
    { rules: [{ selection: leaderSelection({ hold: { timeoutMs: 0 } }) }], leader: { state: 'none' } },
  ],
  [
    'a 503 of a rule, without its body',
    lines('HEAD / HTTP/1.1', 'Host: a'),
    { rules: [{ selection: leaderSelection({ hold: { timeoutMs: 0 } }) }], leader: { state: 'none' } },
  ],
  [
    'a 502 after an attempt',
    lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 0'),
    { scripts: [{ onRequest: (c) => c.reset() }] },
  ],
  [
    'a switch of protocols',
    lines('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: echo'),
    {
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write('HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
          },
        },
      ],
    },
  ],
])('bytesSent are the bytes that the client got: %s', async (_, request, options) => {
  const { log, stage } = await logged(options);
  const client = await stage.client();
  const answer = await client.exchange(request);
  await poll(() => log.length > 0, 'the line');
  expect(client.rest.length).toBe(0);
  expect(log.map(({ bytesSent }) => bytesSent)).toEqual([answer.raw.length]);
});

it('heldMs of a request that is given up while it waits', async () => {
  const { log, stage } = await logged({
    rules: [{ selection: leaderSelection(), timeouts: { requestMs: 120, backendRequestMs: 0 } }],
    leader: { state: 'none' },
  });
  await (await stage.client()).exchange(lines('GET / HTTP/1.1', 'Host: a'));
  expect(log).toMatchObject([{ failure: 'request_timeout' }]);
  expect(log[0]!.heldMs).toBeGreaterThan(100);
});
