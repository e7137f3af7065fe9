/**
 * Request bodies on their way to the Pod: intact in any pieces, no framing made up, forbidden trailers dropped.
 *
 * Story: `Trailer` on a GET ends the http-proxy process (F22); bodiless DELETE got Content-Length 0 and chunked
 * (http-party/node-http-proxy#960).
 * Sources: RFC 9110 section 6.5; RFC 9112 sections 7.1.1 and 9.3; uNetworking/h1spec; llhttp test/request/pipelining.md.
 * Case ids F18, F21, F22, F29 of http-cases.json; F1 of field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import { fieldValues } from '../helpers/raw-pod.ts';
import { expectUnharmed, lines, scene } from '../helpers/scene.ts';

const CHUNKED = lines('POST /c HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked');

describe('F18, F21 chunked requests', () => {
  it.each([
    [';a=b', '5;a=b\r\nhello\r\n0\r\n\r\n'],
    ['quoted', '5;a="b;c\\"d"\r\nhello\r\n0\r\n\r\n'],
    ['name only, on the last chunk too', '5;a;b=c\r\nhello\r\n0;last\r\n\r\n'],
    ['upper case and leading zeros', '0005\r\nhello\r\n000\r\n\r\n'],
  ])('F18 extension %s: accepted, not forwarded', async (_, body) => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    expect((await client.exchange(CHUNKED + body)).status).toBe(200);
    expect(pod.requests[0]!.body.toString()).toBe('hello');
    expect(pod.violations).toEqual([]);
    expect(pod.connections[0]!.text).not.toContain(';');
    await expectUnharmed(client);
  });

  it('F21 trailers: kept, but those that frame, route or authenticate', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    const forbidden = [
      'Content-Length: 5',
      'Transfer-Encoding: chunked',
      'Host: evil',
      'Authorization: x',
      'Connection: close',
      'Trailer: y',
      'content_length: 3',
    ];
    for (const field of forbidden) {
      const answer = await client.exchange(`${CHUNKED}5\r\nhello\r\n0\r\nX-T: sum\r\n${field}\r\n\r\n`);
      if (answer.status !== 200) {
        // 400 is allowed too, and ends the connection.
        expect(answer.status).toBe(400);
        return;
      }
      expect(pod.requests.at(-1)!.trailers).toEqual([['X-T', 'sum']]);
    }
    expect(pod.violations).toEqual([]);
    await expectUnharmed(client);
  });

  it('F22 Trailer on a GET without a body: 200, the process lives', async () => {
    const { client: dial } = await scene();
    const client = await dial();
    expect((await client.exchange(lines('GET /t HTTP/1.1', 'Host: a', 'Trailer: X-T'))).status).toBe(200);
    await expectUnharmed(client);
  });
});

describe('F1 no body, no framing', () => {
  it.each(['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'PROPFIND', 'M-SEARCH'])(
    '%s without a body gets neither field',
    async (method) => {
      const { pod, client: dial } = await scene();
      const client = await dial();
      await client.exchange(lines(`${method} /x HTTP/1.1`, 'Host: a'), method);
      expect(fieldValues(pod.requests[0]!, 'content-length')).toEqual([]);
      expect(fieldValues(pod.requests[0]!, 'transfer-encoding')).toEqual([]);
      await expectUnharmed(client);
    },
  );

  it('Content-Length: 0 is kept; GET and DELETE may have bodies', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    await client.exchange(lines('POST /x HTTP/1.1', 'Host: a', 'Content-Length: 0'));
    await client.exchange(`${lines('DELETE /x HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`);
    await client.exchange(
      `${lines('GET /x HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    );
    expect(fieldValues(pod.requests[0]!, 'content-length')).toEqual(['0']);
    expect(pod.requests.slice(1).map((r) => r.body.toString())).toEqual(['hello', 'hello']);
    await expectUnharmed(client);
  });
});

describe('F29 fragmentation', () => {
  const requests: [string, string][] = [
    ['GET', lines('GET /f HTTP/1.1', 'Host: a', 'X-A: b')],
    ['POST', `${lines('POST /f HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`],
    [
      'chunked',
      `${lines('POST /f HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}5;e=f\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`,
    ],
  ];
  it.each(requests)('%s byte by byte', async (_, bytes) => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    for (const byte of bytes) {
      client.send(byte);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    expect((await client.response()).body.toString()).toBe('/f');
    if (_ !== 'GET') expect(pod.requests[0]!.body.toString()).toBe('hello');
    await expectUnharmed(client);
  });

  it('every split into two', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    let n = 0;
    for (const [, bytes] of requests)
      for (let at = 1; at < bytes.length; at++) {
        client.send(bytes.slice(0, at));
        await new Promise((resolve) => setImmediate(resolve));
        client.send(bytes.slice(at));
        expect((await client.response()).body.toString()).toBe('/f');
        n++;
      }
    expect(pod.requests.length).toBe(n);
    expect(pod.violations).toEqual([]);
  });

  it('answers in every split, too', async () => {
    const answer =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n';
    let at = 0;
    const { client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            const split = at++;
            c.write(answer.slice(0, split));
            setImmediate(() => c.write(answer.slice(split)));
          },
        },
      ],
    });
    const client = await dial();
    for (let i = 0; i < answer.length; i++) {
      const got = await client.exchange(lines('GET / HTTP/1.1', 'Host: a'));
      expect(got.body.toString()).toBe('hello');
      expect(got.trailers).toEqual([['X-T', '1']]);
    }
  });
});
