/**
 * The request line and Host: one meaning or none.
 *
 * Story: Node's own HTTP server answers a request with two Host fields (T02), and so do three npm proxies; HAProxy 2.6
 * forwards an HTTP/1.0 request without Host as HTTP/1.1 without one (T10). Routing by Host or path is only as good as this.
 * Sources: RFC 9112 sections 2.3, 3, 3.2; RFC 9110 sections 7.2, 9.3.6; haproxy h1_request_target_validation.vtc; nginx-tests
 * http_host.t; linkerd http11_connect_bad_requests; traefik TestConnect_HTTP1_Rejected; Http11Probe.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import {
  expectProblem,
  expectRefused,
  expectUnharmed,
  lines,
  openScene,
  type Scene,
  scene,
} from '../helpers/scene.ts';
import { value, values } from '../helpers/wire.ts';
import { TARGETS } from './hostile-targets.ts';

let stage: Scene & { close(): Promise<void> };
beforeAll(async () => {
  stage = await openScene();
});
afterAll(() => stage.close());

for (const [id, cases] of Object.entries(TARGETS))
  describe(id, () => {
    it.each(Object.entries(cases))('%s: 400, closed, nothing forwarded', async (_, bytes) => {
      await expectRefused(stage, bytes);
    });
  });

const ACCEPTED_HOSTS = [
  'a',
  'a.',
  'a:80',
  'a:',
  'A.example',
  '127.0.0.1:8080',
  '[::1]',
  '[::1]:8080',
  'a_b.c',
  'a-b',
  'a:65535',
  '%61',
];
it.each(ACCEPTED_HOSTS)('T03 Host %s is kept as written', async (name) => {
  const { pod } = stage;
  const n = pod.requests.length;
  const client = await stage.client();
  expect((await client.exchange(lines('GET /h HTTP/1.1', `Host: ${name}`))).status).toBe(200);
  expect(fieldValues(pod.requests[n]!, 'host')).toEqual([name]);
  await expectUnharmed(client);
});

it('T05 OPTIONS * is passed on as it is', async () => {
  const { pod, client: dial } = await scene();
  const client = await dial();
  const answer = await client.exchange(lines('OPTIONS * HTTP/1.1', 'Host: a'));
  expect(answer.status).toBe(200);
  expect(pod.requests[0]!.line).toBe('OPTIONS * HTTP/1.1');
  await expectUnharmed(client);
});

it.each([
  'CONNECT a:80 HTTP/1.1',
  'CONNECT 127.0.0.1:22 HTTP/1.1',
  'CONNECT /x HTTP/1.1',
  'CONNECT * HTTP/1.1',
])('T06 %s: 405, no tunnel', async (line) => {
  const { pod } = stage;
  const before = pod.total;
  const client = await stage.client();
  // What follows was meant for the tunnel: it must not be read as a request that is forwarded.
  client.send(`${lines(line, 'Host: a:80')}GET /tunnelled HTTP/1.1\r\nHost: a\r\n\r\n`);
  const answer = await client.response();
  expectProblem(answer, 'method_not_allowed', false);
  // What this hop serves (RFC 9110 section 15.5.6), as OPTIONS with Max-Forwards: 0 is told.
  expect(values(answer, 'allow')).toEqual(['GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS']);
  expect(await client.closed()).toBe('fin');
  expect(client.rest.length).toBe(0);
  expect(pod.total).toBe(before);
});

it('T08 absolute-form is sent on in origin-form with its authority as Host', async () => {
  const { pod, client: dial } = await scene();
  const client = await dial();
  const cases: [target: string, path: string, host: string][] = [
    ['http://b.example/p?q=1', '/p?q=1', 'b.example'],
    ['http://b.example:8080/p', '/p', 'b.example:8080'],
    ['http://b.example', '/', 'b.example'],
    ['http://b.example?q', '/?q', 'b.example'],
    ['HTTP://B.example/p', '/p', 'B.example'],
    ['http://[::1]:81/p', '/p', '[::1]:81'],
  ];
  for (const [n, [absolute, path, authority]] of cases.entries()) {
    expect((await client.exchange(lines(`GET ${absolute} HTTP/1.1`, 'Host: other.example'))).status).toBe(
      200,
    );
    const request = pod.requests[n]!;
    expect(request.target).toBe(path);
    expect(fieldValues(request, 'host')).toEqual([authority]);
  }
  expect(pod.violations).toEqual([]);
});

it('T08 targets pass byte for byte: no decoding, no normalising', async () => {
  const { pod, client: dial } = await scene();
  const client = await dial();
  const targets = [
    '/a//b/../c/./d',
    '/%2e%2e/%2F',
    '/a%00b',
    '//x/y',
    '/?',
    '/?a=b?c',
    '/a;b=c',
    '/%zz',
    '/{}|^`"<>',
    "/!$&'()*+,;=:@~-._",
  ];
  for (const text of targets)
    expect((await client.exchange(lines(`GET ${text} HTTP/1.1`, 'Host: a'))).body.toString()).toBe(text);
  expect(pod.requests.map((r) => r.target)).toEqual(targets);
});

describe('T10 HTTP/1.0', () => {
  it('without Host: one is made up for the Pod, the answer is not chunked, the connection closes', async () => {
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) =>
            c.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'),
        },
      ],
    });
    const client = await dial();
    const answer = await client.exchange('GET /old HTTP/1.0\r\n\r\n');
    expect(answer.status).toBe(200);
    expect(answer.body.toString()).toBe('hello');
    expect(values(answer, 'transfer-encoding')).toEqual([]);
    expect(await client.closed()).toBe('fin');
    expect(pod.requests[0]!.line).toBe('GET /old HTTP/1.1');
    expect(fieldValues(pod.requests[0]!, 'host')[0]).not.toBe('');
    expect(pod.violations).toEqual([]);
  });

  it('with keep-alive: kept only if it can be, and the second request is served', async () => {
    const { client: dial } = await scene();
    const client = await dial();
    const answer = await client.exchange('GET /one HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    expect(answer.body.toString()).toBe('/one');
    if (value(answer, 'connection')?.toLowerCase() === 'keep-alive') {
      const next = await client.exchange('GET /two HTTP/1.0\r\nHost: a\r\n\r\n');
      expect(next.body.toString()).toBe('/two');
    }
    expect(await client.closed()).toBe('fin');
  });
});

it('an empty line before a request line is ignored (RFC 9112 section 2.2)', async () => {
  const { pod, client: dial } = await scene();
  const client = await dial();
  expect((await client.exchange('\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n', 'GET')).body.toString()).toBe('/1');
  expect((await client.exchange('\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n', 'GET')).body.toString()).toBe('/2');
  expect(pod.violations).toEqual([]);
});

it('a request that no rule matches: 404 no_route, and the connection stays', async () => {
  const match = {
    path: { type: 'PathPrefix' as const, value: '/yes' },
    methods: [],
    headers: [],
    queryParams: [],
  };
  const { pod, client: dial } = await scene({ rules: [{ matches: [match] }] });
  const client = await dial();
  expectProblem(await client.exchange(lines('GET /no HTTP/1.1', 'Host: a')), 'no_route', false);
  expect(pod.total).toBe(0);
  await expectUnharmed(client, '/yes/unharmed');
});
