/**
 * Expect kept honest, and answers in the order of pipelined requests.
 *
 * Story: a proxy that answers 100 itself has read a body that nobody wants; one that reads a held-back body as the next
 * request is a desync (PortSwigger, CL-expect).
 * Sources: RFC 9110 section 10.1.1; RFC 9112 section 9.3.2; nginx-tests http_expect_100_continue.t. Case ids F25–F28.
 */
import { describe, expect, it } from 'vitest';
import { expectHonest, expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { pause } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';

const CHUNKED = lines('POST /c HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked');

describe('F25–F27 Expect', () => {
  it('F25 100-continue end to end: 100 comes from the Pod, then the body goes', async () => {
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onHead: (c, r) => {
            if (r.target === '/e') setTimeout(() => c.write('HTTP/1.1 100 Continue\r\n\r\n'), 50);
          },
          onRequest: (c, r) => c.answer(r.target === '/e' ? `got ${r.body}` : r.target, r),
        },
      ],
    });
    const client = await dial();
    client.send(lines('POST /e HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Expect: 100-continue'));
    await pod.until(
      (p) => /expect: 100-continue/i.test(p.connections[0]?.text ?? ''),
      'the Expect field at the Pod',
    );
    expect((await client.message()).status).toBe(100);
    client.send('hello');
    expect((await client.message()).body.toString()).toBe('got hello');
    await expectUnharmed(client);
  });

  it('F25 the client need not wait: the body is read as body', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    client.send(
      `${lines('POST /e HTTP/1.1', 'Host: a', 'Content-Length: 31', 'Expect: 100-continue')}GET /x HTTP/1.1\r\nHost: evil\r\n\r\n`,
    );
    expect((await client.response('POST')).status).toBe(200);
    expect(pod.requests.length).toBe(1);
    expect(pod.requests[0]!.body.length).toBe(31);
    await expectUnharmed(client);
  });

  it.each(['417 Expectation Failed', '401 Unauthorized', '200 OK'])(
    'F26 the Pod answers %s at once: relayed, no body to it, nothing misread',
    async (status) => {
      const { pod, client: dial } = await scene({
        scripts: [
          {
            onHead: (c, r) =>
              r.target === '/e'
                ? c.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nno`)
                : c.answer(r.target),
          },
        ],
      });
      const client = await dial();
      client.send(lines('POST /e HTTP/1.1', 'Host: a', 'Content-Length: 26', 'Expect: 100-continue'));
      const answer = await client.message();
      expect(answer.line).toContain(status);
      client.send('GET /x HTTP/1.1\r\nHost: e\r\n\r\n');
      // The connection either ends or the 26 bytes count as the body: never as a request.
      await Promise.race([client.closed(1500).catch(() => null), pause(100)]);
      if (client.ending === null && value(answer, 'connection') !== 'close') await expectUnharmed(client);
      expect(pod.connections.flatMap((c) => c.text.match(/GET \/x/g) ?? [])).toEqual([]);
      expect(client.rest.length).toBe(0);
      await expectUnharmed(await dial());
    },
  );

  it('F27 Expect: bogus: 417, nothing sent', async () => {
    const { pod, client: dial } = await scene();
    for (const text of ['bogus', '100-continue, bogus', '100-continued']) {
      const client = await dial();
      const answer = await client.exchange(
        `${lines('POST /e HTTP/1.1', 'Host: a', 'Content-Length: 2', `Expect: ${text}`)}hi`,
      );
      expect(answer.status).toBe(417);
      expectHonest(answer, [pod]);
    }
    expect(pod.total).toBe(0);
  });

  it('F27 HTTP/1.0 with Expect: 100-continue is served without a 100', async () => {
    const { client: dial } = await scene();
    const client = await dial();
    client.send(`${'POST /e HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n'}hi`);
    expect((await client.message()).status).toBe(200);
  });
});

describe('F28 pipelining', () => {
  it('three requests in one segment: answers in order although the first is slow', async () => {
    const { client: dial } = await scene({
      scripts: [
        { onRequest: (c, r) => void setTimeout(() => c.answer(r.target, r), r.target === '/1' ? 60 : 0) },
      ],
    });
    const client = await dial();
    client.send(['/1', '/2', '/3'].map((t) => lines(`GET ${t} HTTP/1.1`, 'Host: a')).join(''));
    const bodies = [];
    for (let i = 0; i < 3; i++) bodies.push((await client.response()).body.toString());
    expect(bodies).toEqual(['/1', '/2', '/3']);
    await expectUnharmed(client);
  });

  it('with bodies of both framings between', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    client.send(
      `${lines('POST /1 HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello${CHUNKED}3\r\nabc\r\n0\r\n\r\n${lines('HEAD /3 HTTP/1.1', 'Host: a')}${lines('PUT /4 HTTP/1.1', 'Host: a', 'Content-Length: 1')}x`,
    );
    expect((await client.response('POST')).body.toString()).toBe('/1');
    expect((await client.response('POST')).body.toString()).toBe('/c');
    expect((await client.response('HEAD')).status).toBe(200);
    expect((await client.response('PUT')).body.toString()).toBe('/4');
    expect(pod.requests.map((r) => r.body.toString())).toEqual(['hello', 'abc', '', 'x']);
  });

  it('a refused request after good ones: the good ones are answered first, then 400 and the end', async () => {
    const { pod, client: dial } = await scene({
      scripts: [{ onRequest: (c, r) => void setTimeout(() => c.answer(r.target, r), 20) }],
    });
    const client = await dial();
    client.send(
      `${lines('GET /1 HTTP/1.1', 'Host: a')}${lines('GET /2 HTTP/1.1', 'Host: a')}BAD\r\n\r\n${lines('GET /3 HTTP/1.1', 'Host: a')}`,
    );
    expect((await client.response()).body.toString()).toBe('/1');
    expect((await client.response()).body.toString()).toBe('/2');
    expectProblem(await client.response(), 'bad_request', false);
    expect(await client.closed()).toBe('fin');
    expect(pod.requests.map((r) => r.target)).toEqual(['/1', '/2']);
  });

  it('after Connection: close nothing more is read', async () => {
    const { pod, client: dial } = await scene();
    const client = await dial();
    client.send(
      lines('GET /1 HTTP/1.1', 'Host: a', 'Connection: close') + lines('GET /2 HTTP/1.1', 'Host: a'),
    );
    expect(value(await client.response(), 'connection')).toBe('close');
    expect(await client.closed()).toBe('fin');
    expect(pod.requests.length).toBe(1);
  });

  it('200 pipelined requests', async () => {
    const { client: dial } = await scene();
    const client = await dial();
    client.send(Array.from({ length: 200 }, (_, i) => lines(`GET /${i} HTTP/1.1`, 'Host: a')).join(''));
    for (let i = 0; i < 200; i++) expect((await client.response()).body.toString()).toBe(`/${i}`);
  });
});
