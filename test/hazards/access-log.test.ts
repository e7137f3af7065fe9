/** The access log has one line for every request: answered by a Pod, by headroute itself, or left by its client. */
import { expect, it } from 'vitest';
import { silentLogger } from '../../src/platform/logger.ts';
import { leaderSelection } from '../helpers/data-plane.ts';
import { lines, type SceneOptions, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

interface Line {
  method: string;
  path: string;
  rule: string | null;
  pod: string | null;
  status: number | null;
  failure: string | null;
  attempts: number;
  heldMs: number;
  bytesSent: number;
}

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
