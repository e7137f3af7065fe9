/**
 * Answers of a Pod that are broken or ambiguous: never completed, never passed, never resent.
 *
 * Story: measured, http-proxy and http-proxy-3 leave the client waiting when a Pod ends early (R01), Caddy completes a
 * chunked answer that was cut (R02), Node proxies pass unknown and double codings (R03).
 * Sources: RFC 9112 sections 6.1, 6.3, 8; nginx-tests proxy_unfinished.t, proxy_duplicate_headers.t; haproxy
 * http_transfer_encoding.vtc. Case ids R01–R04, R10.
 */
import { describe, expect, it } from 'vitest';
import { expectProblem, expectUnharmed, lines } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';
import { badPod, GET_BAD, type Reply } from './bad-pods.ts';

describe('R01 Content-Length 100, then 10 bytes and the end', () => {
  it.each(['fin', 'reset'] as const)(
    '%s: the client sees a short message and a closed connection',
    async (how) => {
      const stage = await badPod((c) => {
        c.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789');
        if (how === 'fin') c.end();
        else setTimeout(() => c.reset(), 20);
      });
      const client = await stage.client();
      client.send(GET_BAD);
      await client.closed(1000);
      const [head, body] = client.all.toString('latin1').split('\r\n\r\n');
      expect(head).toMatch(/^HTTP\/1\.1 200 /);
      expect(head).toMatch(/content-length: 100/i);
      expect(body!.length).toBeLessThanOrEqual(10);
      await poll(() => stage.plane.outcomes.some((o) => o.kind === 'failed'), 'the failure to be reported');
      expect(stage.plane.metric('headroute_upstream_requests_total', 'ok')).toBe(0);
      await expectUnharmed(await stage.client());
    },
  );
});

describe('R02 chunked, cut', () => {
  it.each([
    ['mid-chunk', 'a\r\n01234'],
    ['between chunks', '5\r\nhello\r\n'],
    ['within a size', '5\r\nhello\r\n1'],
    ['after the last chunk, before the end', '5\r\nhello\r\n0\r\n'],
    ['within trailers', '5\r\nhello\r\n0\r\nX: 1\r\n'],
    ['before any chunk', ''],
  ])('%s: no last chunk is made up', async (_, body) => {
    const stage = await badPod((c) => c.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${body}`));
    const client = await stage.client();
    client.send(GET_BAD);
    await client.closed(1000);
    const text = client.all.toString('latin1');
    expect(text).not.toContain('\r\n0\r\n\r\n');
    if (text !== '' && !/^HTTP\/1\.1 502/.test(text)) expect(text).toMatch(/transfer-encoding: chunked/i);
    await expectUnharmed(await stage.client());
  });

  it.each([
    ['a bad size', 'xyz\r\nhello\r\n0\r\n\r\n'],
    ['LF only', '5\nhello\n0\n\n'],
    ['spill', '5\r\nhelloX\r\n0\r\n\r\n'],
    ['overflow', 'FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n'],
    ['0x5', '0x5\r\nhello\r\n0\r\n\r\n'],
    ['space after the size', '5 \r\nhello\r\n0\r\n\r\n'],
    ['CR in an extension', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
    ['folded trailer', '5\r\nhello\r\n0\r\nX: 1\r\n y\r\n\r\n'],
    ['endless extensions', `${`1;a=${'b'.repeat(1000)}\r\nx\r\n`.repeat(20)}0\r\n\r\n`],
  ])('%s: cut or 502, never a whole message', async (_, body) => {
    const stage = await badPod((c) =>
      c.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n${body}`),
    );
    const client = await stage.client();
    client.send(GET_BAD);
    await client.until(
      (rest) => client.ending !== null || /^HTTP\/1\.1 502/.test(rest.toString('latin1')),
      'a cut or 502',
    );
    const text = client.all.toString('latin1') + client.rest.toString('latin1').slice(0, 0);
    if (!/^HTTP\/1\.1 502/.test(text)) expect(text).not.toMatch(/\r\n0\r\n(.*\r\n)?\r\n$/s);
    await stage.pod.connectionOver();
    await expectUnharmed(await stage.client());
  });
});

describe('R03, R04 ambiguous or malformed heads: 502 upstream_protocol', () => {
  const ok = 'HTTP/1.1 200 OK\r\n';
  it.each<[string, string]>([
    ['R03 two different Content-Length', `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`],
    ['R03 Content-Length list', `${ok}Content-Length: 5, 6\r\n\r\nhello!`],
    ['R03 Content-Length text', `${ok}Content-Length: five\r\n\r\nhello`],
    ['R03 Content-Length +5', `${ok}Content-Length: +5\r\n\r\nhello`],
    ['R03 Content-Length -1', `${ok}Content-Length: -1\r\n\r\nhello`],
    ['R03 empty Content-Length', `${ok}Content-Length:\r\n\r\nhello`],
    ['R03 Content-Length past 2^64', `${ok}Content-Length: 18446744073709551621\r\n\r\nhello`],
    ['R03 unknown coding', `${ok}Transfer-Encoding: cow\r\n\r\nhello`],
    ['R03 gzip, chunked', `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['R03 identity', `${ok}Transfer-Encoding: identity\r\n\r\nhello`],
    ['R03 chunked twice', `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['R03 chunked, chunked', `${ok}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
    ['R03 empty Transfer-Encoding', `${ok}Transfer-Encoding:\r\nContent-Length: 5\r\n\r\nhello`],
    ['R03 Transfer_Encoding', `${ok}Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello`],
    [
      'R04 Content-Length and chunked',
      `${ok}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ],
    [
      'R04 chunked and Content-Length',
      `${ok}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ],
    [
      'R04 Transfer-Encoding in an HTTP/1.0 answer',
      'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    ],
    ['space before the colon', `${ok}Content-Length : 5\r\n\r\nhello`],
    ['folded line', `${ok}X: 1\r\n y\r\nContent-Length: 5\r\n\r\nhello`],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello'],
    ['bare LF within', `${ok}X: 1\nSet-Cookie: evil\r\nContent-Length: 5\r\n\r\nhello`],
    ['bare CR within', `${ok}X: 1\rSet-Cookie: evil\r\nContent-Length: 5\r\n\r\nhello`],
    ['NUL', `${ok}X: a\0b\r\nContent-Length: 5\r\n\r\nhello`],
    ['line without a colon', `${ok}nonsense\r\nContent-Length: 5\r\n\r\nhello`],
    ['bad name', `${ok}X A: 1\r\nContent-Length: 5\r\n\r\nhello`],
    ['status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
    ['status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
    ['status 099', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'],
    ['status not a number', 'HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['ICY', 'ICY 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['space in front', ' HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['control byte in the reason', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n'],
    ['R10 garbage', 'hello, I am not HTTP\r\n\r\n'],
    ['R10 TLS alert', '\x15\x03\x03\x00\x02\x02\x28'],
    ['R10 SSH banner', 'SSH-2.0-OpenSSH_9.2p1\r\n'],
    ['R10 HTTP/0.9 page', '<html>old</html>\r\n\r\n'],
    ['a head over the limit', `${ok}X: ${'a'.repeat(300_000)}\r\n\r\n`],
    ['a head without an end', `${ok}${'X: 1\r\n'.repeat(40_000)}`],
  ])('%s', async (_, bytes) => {
    const stage = await badPod((c) => c.write(bytes));
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expectProblem(answer, 'upstream_protocol', true);
    await stage.pod.connectionOver();
    expect(stage.plane.outcomes.filter((o) => o.kind === 'failed').length).toBe(1);
    expect(stage.plane.metric('headroute_request_failures_total', 'upstream_protocol')).toBe(1);
    expect(stage.pod.requests.length).toBe(1);
    await expectUnharmed(client);
    expect(stage.pod.connections.length).toBe(2);
  });

  it('equal duplicates of Content-Length', async () => {
    const stage = await badPod((c) =>
      c.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello'),
    );
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expectProblem(answer, 'upstream_protocol', true);
    await expectUnharmed(client);
  });
});

describe('R10 ends without a whole head: 502 once', () => {
  it.each<[string, Reply]>([
    ['empty close', (c) => c.end()],
    ['reset', (c) => c.reset()],
    ['partial status line', (c) => c.end('HTTP/1.1 20')],
    ['partial head', (c) => c.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n')],
  ])('%s', async (_, reply) => {
    const stage = await badPod(reply);
    const client = await stage.client();
    const answer = await client.exchange(lines('POST /bad HTTP/1.1', 'Host: a', 'Content-Length: 0'));
    expectProblem(answer, 'upstream_reset', true);
    expect(stage.pod.requests.length).toBe(1);
    expect(stage.plane.outcomes.filter((o) => o.kind === 'failed').length).toBe(1);
    await expectUnharmed(client);
  });
});
