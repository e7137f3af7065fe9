/**
 * Trailers both ways: what ends at this hop ends here in them too, and none says what only a head may say.
 *
 * Story: a field named by Connection is removed from the head and leaks, or is smuggled, in the trailers; a Pod that merges
 * trailers into its fields takes a condition or an address from them.
 * Sources: RFC 9110 sections 6.5.1, 7.6.1 ("remove any header or trailer field(s)"), 10.1.4; RFC 7230 section 4.1.2; envoy
 * and Go advisories on merged trailers. Siblings of F21, H01, H02 of http-cases.json.
 */
import { describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import { expectCanonical, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { badPod, GET_BAD } from './bad-pods.ts';
import { passedOn } from './passed-on.ts';

const BODY = '5\r\nhello\r\n0\r\n';

describe('H01 fields named by Connection', () => {
  it.each([
    ['alone', 'Connection: X-Nom'],
    ['beside close', 'Connection: close, x-nom'],
    ['on a second line', 'Connection: keep-alive\r\nConnection: X-NOM'],
  ])('%s: removed from the trailers of both', async (_, connection) => {
    const trailers = 'X-Nom: 1\r\nX-T: sum\r\nx-nom: 2\r\n\r\n';
    const stage = await badPod((c) =>
      c.write(`HTTP/1.1 200 OK\r\n${connection}\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}${trailers}`),
    );
    const client = await stage.client();
    const answer = await client.exchange(
      `${lines('POST /bad HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', connection)}${BODY}${trailers}`,
    );
    expect(stage.pod.requests[0]!.trailers).toEqual([['X-T', 'sum']]);
    expect(answer.trailers).toEqual([['X-T', 'sum']]);
    expectCanonical(stage.pods);
  });

  it('of one message do not end those of the next', async () => {
    const stage = await badPod((c) =>
      c.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}X-Nom: 1\r\n\r\n`),
    );
    const client = await stage.client();
    await client.exchange(lines('GET /first HTTP/1.1', 'Host: a', 'Connection: X-Nom'));
    expect((await client.exchange(GET_BAD)).trailers).toEqual([['X-Nom', '1']]);
    await expectUnharmed(client);
  });
});

describe('F21 what only a head may say', () => {
  it.each([
    'If-Match: "a"',
    'If-None-Match: *',
    'If-Modified-Since: x',
    'If-Unmodified-Since: x',
    'If-Range: x',
    'Range: bytes=0-1',
    'Expect: 100-continue',
    'Max-Forwards: 0',
    'Cookie: a=b',
    'Set-Cookie: a=b',
    'Content-Type: text/html',
    'Content-Encoding: gzip',
    'Cache-Control: public',
    'X-Forwarded-For: 6.6.6.6',
    'X-Forwarded-Port: 6',
    'Forwarded: for=6.6.6.6',
    'Via: 1.1 x',
    'Upgrade: h2c',
    'TE: trailers',
    'Keep-Alive: timeout=1',
    'Location: /evil',
  ])('%s', async (field) => {
    const trailers = `${field}\r\nX-T: sum\r\n\r\n`;
    const stage = await badPod((c) =>
      c.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${BODY}${trailers}`),
    );
    const client = await stage.client();
    const answer = await client.exchange(
      `${lines('POST /bad HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}${BODY}${trailers}`,
    );
    expect(stage.pod.requests[0]!.trailers).toEqual([['X-T', 'sum']]);
    expect(answer.trailers).toEqual([['X-T', 'sum']]);
    await expectUnharmed(client);
  });
});

describe('H02 TE', () => {
  it.each([
    ['one line', ['TE: trailers']],
    ['two lines', ['TE: gzip', 'TE: trailers']],
    ['in a list, other case', ['TE: deflate;q=0.5 , Trailers']],
  ])('%s: trailers survive', async (_, fields) => {
    const request = await passedOn(
      await scene(),
      lines('GET /h HTTP/1.1', 'Host: a', ...fields, 'Connection: TE'),
    );
    expect(fieldValues(request, 'te')).toEqual(['trailers']);
    expect(fieldValues(request, 'connection')).toEqual(['TE']);
  });

  it.each(['gzip', 'trailers2', 'xtrailers', ''])('%s: nothing survives', async (te) => {
    const request = await passedOn(
      await scene(),
      lines('GET /h HTTP/1.1', 'Host: a', `TE: ${te}`, 'Connection: TE'),
    );
    expect(fieldValues(request, 'te')).toEqual([]);
    expect(fieldValues(request, 'connection')).toEqual([]);
  });
});
