/**
 * HTTP/1.0 clients: a connection is kept only where the answer says so, and every answer is one they can find the end of.
 *
 * Story: an answer of the proxy's own left the connection open without `Connection: keep-alive`; a client that reads until
 * the end waits for the idle timeout.
 * Sources: RFC 9112 sections 9.3, 9.6; nginx-tests http_keepalive.t; linkerd http10_without_host; hyperium/hyper#1614 (`ab -k`
 * hangs). Siblings of T10, R06, R15; case id B31 of field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import { scene } from '../helpers/scene.ts';
import { value } from '../helpers/wire.ts';
import { badPod } from './bad-pods.ts';

const KEEP = 'Connection: Keep-Alive\r\n\r\n';

describe('T10 answers of its own end the connection', () => {
  it.each([
    ['a broken Pod', `GET /bad HTTP/1.0\r\n${KEEP}`, 502],
    ['OPTIONS answered here', `OPTIONS / HTTP/1.0\r\nMax-Forwards: 0\r\n${KEEP}`, 200],
    ['TRACE not answered here', `TRACE / HTTP/1.0\r\nMax-Forwards: 0\r\n${KEEP}`, 405],
    ['a bad head', `GET / HTTP/1.0\r\nHost: a b\r\n${KEEP}`, 400],
  ])('%s', async (_, bytes, status) => {
    const stage = await badPod((c) => c.write('garbage\r\n'));
    const client = await stage.client();
    const answer = await client.exchange(bytes);
    expect(answer.status).toBe(status);
    expect(value(answer, 'connection')).toBe('close');
    expect(await client.closed()).toBe('fin');
  });

  it('no rule', async () => {
    const path = { type: 'Exact' as const, value: '/only' };
    const stage = await scene({
      rules: [{ matches: [{ path, methods: [], headers: [], queryParams: [] }] }],
    });
    const client = await stage.client();
    const answer = await client.exchange(`GET / HTTP/1.0\r\n${KEEP}`);
    expect(answer.status).toBe(404);
    expect(value(answer, 'connection')).toBe('close');
    expect(await client.closed()).toBe('fin');
  });
});

describe('R06, R15 a Pod’s answers keep it where their end shows', () => {
  it.each([
    ['Content-Length', 'GET', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', true],
    [
      'of an HTTP/1.0 Pod that keeps',
      'GET',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n',
      true,
    ],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', true],
    ['304 with Content-Length', 'GET', 'HTTP/1.1 304 X\r\nContent-Length: 9\r\n\r\n', true],
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', true],
    ['chunked', 'GET', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', false],
  ])('%s', async (_, method, bytes, keeps) => {
    const stage = await badPod((c) => c.write(bytes));
    const client = await stage.client();
    const answer = await client.exchange(`${method} /bad HTTP/1.0\r\n${KEEP}`, method);
    expect(value(answer, 'connection')).toBe(keeps ? 'keep-alive' : 'close');
    if (keeps) {
      expect((await client.exchange('GET /next HTTP/1.0\r\n\r\n')).body.toString()).toBe('/next');
      expect(stage.pod.connections.length).toBe(1);
    }
    expect(await client.closed()).toBe('fin');
  });
});

describe('T10 what HTTP/1.0 cannot take', () => {
  it.each([
    ['HTTP/1.0', undefined],
    ['HTTP/1.1', 'trailers'],
  ])('trailers: %s asks a Pod for %s', async (version, asked) => {
    const stage = await scene();
    const client = await stage.client();
    expect((await client.exchange(`GET / ${version}\r\nHost: a\r\nTE: trailers\r\n\r\n`)).status).toBe(200);
    expect(value(stage.pod.requests[0]!, 'te')).toBe(asked);
  });
});

describe('B31 `ab -k`: HTTP/1.0 that asks to keep the connection', () => {
  const ab = (method: string, ...more: string[]): string =>
    [
      `${method} /ab HTTP/1.0`,
      'Connection: Keep-Alive',
      ...more,
      'Host: a',
      'User-Agent: ApacheBench/2.3',
      'Accept: */*',
    ]
      .join('\r\n')
      .concat('\r\n\r\n');

  it.each([
    ['GET', ab('GET'), ''],
    ['HEAD', ab('HEAD'), ''],
    ['POST', ab('POST', 'Content-length: 5', 'Content-type: text/plain'), 'hello'],
  ])('%s: 300 requests over one connection, each answer says that it stays', async (method, head, body) => {
    const stage = await scene();
    const client = await stage.client();
    for (let n = 0; n < 300; n++) {
      const answer = await client.exchange(head + body, method);
      expect([answer.status, value(answer, 'connection'), value(answer, 'content-length')]).toEqual([
        200,
        'keep-alive',
        '3',
      ]);
      expect(answer.body.toString()).toBe(method === 'HEAD' ? '' : '/ab');
    }
    expect(stage.pod.requests).toHaveLength(300);
    expect(client.ending).toBeNull();
  });

  it('a chunked answer: its end is the end of the connection, at once and whole', async () => {
    const stage = await badPod((c) =>
      c.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nay!\r\n0\r\n\r\n'),
    );
    for (let n = 0; n < 30; n++) {
      const client = await stage.client();
      const answer = await client.exchange(ab('GET').replace('/ab', '/bad'));
      expect([answer.body.toString(), value(answer, 'connection')]).toEqual(['okay!', 'close']);
      expect(await client.closed()).toBe('fin');
    }
  });
});
