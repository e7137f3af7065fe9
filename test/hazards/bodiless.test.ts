/**
 * Answers without a body, with trailers, until the end of the connection, to HTTP/1.0; and bytes after an answer.
 *
 * Story: a body after HEAD, 204 or 304 becomes the next request's answer; one `Trailer` field ends three processes (R12).
 * Sources: RFC 9110 sections 6.4.1, 15.3.5; RFC 9112 sections 6.1, 7, 8; haproxy http_bodyless_response.vtc; linkerd
 * http1_bodyless_responses, http1_response_end_of_file; nodejs/node#41562. Case ids R06, R12, R15.
 */
import { describe, expect, it } from 'vitest';
import { expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { pause } from '../helpers/waiting.ts';
import { value, values } from '../helpers/wire.ts';
import { badPod, GET_BAD } from './bad-pods.ts';

describe('R06 answers that have no body', () => {
  const cases: [string, string, string, string | undefined][] = [
    ['HEAD with a body', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', '5'],
    [
      'HEAD with a chunked body',
      'HEAD',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      undefined,
    ],
    ['204 with a body', 'GET', 'HTTP/1.1 204 No Content\r\n\r\nhello', undefined],
    [
      '204 with Content-Length',
      'GET',
      'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
      undefined,
    ],
    ['304 with a body', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello', '5'],
    [
      '304 chunked with a body',
      'GET',
      'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      undefined,
    ],
  ];
  for (const [name, method, bytes, length] of cases)
    it(`${name}: no body byte comes through, the next answer is its own`, async () => {
      const stage = await badPod((c) => c.write(bytes));
      const client = await stage.client();
      const answer = await client.exchange(lines(`${method} /bad HTTP/1.1`, 'Host: a'), method);
      expect(answer.status).toBe(Number(bytes.slice(9, 12)));
      expect(answer.body.length).toBe(0);
      if (length !== undefined) expect(value(answer, 'content-length')).toBe(length);
      if (answer.status === 204) {
        expect(values(answer, 'content-length')).toEqual([]);
        expect(values(answer, 'transfer-encoding')).toEqual([]);
      }
      expect(client.rest.length).toBe(0);
      await expectUnharmed(client);
      await expectUnharmed(client, '/again');
    });

  it('well-behaved HEAD, 204 and 304 keep both connections', async () => {
    const stage = await scene({
      scripts: [
        {
          onRequest: (c, r) => {
            if (r.target === '/204') c.write('HTTP/1.1 204 No Content\r\n\r\n');
            else if (r.target === '/304')
              c.write('HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 77\r\n\r\n');
            else c.answer(r.target, r);
          },
        },
      ],
    });
    const client = await stage.client();
    const head = await client.exchange(lines('HEAD /hello HTTP/1.1', 'Host: a'), 'HEAD');
    expect(value(head, 'content-length')).toBe('6');
    expect((await client.exchange(lines('GET /204 HTTP/1.1', 'Host: a'))).status).toBe(204);
    const notModified = await client.exchange(lines('GET /304 HTTP/1.1', 'Host: a'));
    expect(value(notModified, 'content-length')).toBe('77');
    await expectUnharmed(client);
    expect(stage.pod.connections.length).toBe(1);
  });
});

describe('R12 Trailer', () => {
  it('with Content-Length: 200, without the Trailer field, and the process lives', async () => {
    const stage = await badPod((c) =>
      c.write('HTTP/1.1 200 OK\r\nTrailer: X-T\r\nContent-Length: 2\r\n\r\nok'),
    );
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expect(answer.body.toString()).toBe('ok');
    expect(values(answer, 'trailer')).toEqual([]);
    await expectUnharmed(client);
  });

  it('trailers of a chunked answer are kept; those that would frame or route are not', async () => {
    const stage = await badPod((c) =>
      c.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5\r\nhello\r\n0\r\nX-T: sum\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: evil\r\n\r\n',
      ),
    );
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expect(answer.body.toString()).toBe('hello');
    expect(answer.trailers).toEqual([['X-T', 'sum']]);
    await expectUnharmed(client);
  });
});

describe('other framings of an answer', () => {
  it('until the end of the connection: whole on FIN, and then the client connection ends or is chunked', async () => {
    const stage = await badPod((c) => c.end('HTTP/1.1 200 OK\r\nX: 1\r\n\r\nuntil the end'));
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expect(answer.body.toString()).toBe('until the end');
    if (answer.framing === 'close') expect(await client.closed()).toBe('fin');
    else await expectUnharmed(client);
  });

  it('until the end, but reset: never a whole message', async () => {
    const stage = await badPod((c) => {
      c.write('HTTP/1.1 200 OK\r\nX: 1\r\n\r\nuntil the');
      setTimeout(() => c.reset(), 30);
    });
    const client = await stage.client();
    client.send(GET_BAD);
    const ending = await client.closed();
    const text = client.all.toString('latin1') + client.rest.toString('latin1');
    if (/transfer-encoding: chunked/i.test(text)) expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
    else expect(ending).toBe('reset');
  });

  it('an HTTP/1.0 Pod', async () => {
    const stage = await badPod((c) => c.end('HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold'));
    const client = await stage.client();
    const answer = await client.exchange(GET_BAD);
    expect(answer.line).toBe('HTTP/1.1 200 OK');
    expect(answer.body.toString()).toBe('old');
    await expectUnharmed(client);
  });

  it('R15 chunked to an HTTP/1.0 client: de-chunked, ended by the connection', async () => {
    const stage = await badPod((c) =>
      c.write(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-T: 1\r\n\r\n',
      ),
    );
    const client = await stage.client();
    const answer = await client.exchange('GET /bad HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
    expect(answer.framing).toBe('close');
    expect(answer.body.toString()).toBe('hello world');
    expect(values(answer, 'transfer-encoding')).toEqual([]);
  });

  it('R15 a cut chunked answer to an HTTP/1.0 client does not look whole: reset, not FIN', async () => {
    const stage = await badPod((c) =>
      c.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    );
    const client = await stage.client();
    client.send('GET /bad HTTP/1.0\r\nHost: a\r\n\r\n');
    const ending = await client.closed();
    if (/^HTTP\/1\.1 200/.test(client.all.toString('latin1') + client.rest.toString('latin1')))
      expect(ending).toBe('reset');
  });

  it('a valid chunk extension of the Pod is not passed on; an empty reason and odd statuses are', async () => {
    const stage = await badPod((c, r) =>
      r.target === '/bad/ext'
        ? c.write('HTTP/1.1 299 \r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;z\r\n\r\n')
        : c.write('HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok'),
    );
    const client = await stage.client();
    const answer = await client.exchange(lines('GET /bad/ext HTTP/1.1', 'Host: a'));
    expect(answer.status).toBe(299);
    expect(answer.body.toString()).toBe('hello');
    expect(answer.raw.toString('latin1')).not.toContain('a=b');
    await expectUnharmed(client);
  });
});

describe('bytes after an answer (response smuggling)', () => {
  it.each([0, 1, 20])('a second answer %i ms later is never given to the next request', async (delay) => {
    const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
    const stage = await badPod((c) => {
      c.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood${delay === 0 ? evil : ''}`);
      if (delay > 0) setTimeout(() => c.write(evil), delay);
    });
    const client = await stage.client();
    expect((await client.exchange(GET_BAD)).body.toString()).toBe('good');
    if (delay > 0) await pause(delay + 30);
    await expectUnharmed(client);
    await expectUnharmed(await stage.client());
    expect(stage.plane.metric('headroute_upstream_poisoned_total')).toBe(1);
  });
});
