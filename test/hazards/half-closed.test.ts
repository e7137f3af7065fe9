/**
 * Clients that end their side amid an answer: the request is cancelled, what came of the answer never looks like all of it,
 * and a client that then reads nothing does not keep its connection.
 *
 * Story: `printf 'GET …' | nc` ends its side at once; a proxy that cancels upstream and then closes politely makes a broken-off
 * answer a whole one wherever the end of the connection is the end of the body.
 * Sources: RFC 9112 sections 6.3 (rule 8), 8, 9.6; SPEC 6 promise 2; envoyproxy/envoy#17160, httpwg/http-core#22 (half-closed clients).
 * Siblings of R7, R14, U05; case id B18 of field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import { lines, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';

const PLAIN = 'HTTP/1.1 200 OK\r\n\r\nsome';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n';
const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nsome';

describe('R7, R14 a FIN amid the answer cancels it', () => {
  it.each([
    ['that ends with the connection', PLAIN, 'GET / HTTP/1.1', 'reset'],
    ['in chunks, to HTTP/1.0', CHUNKED, 'GET / HTTP/1.0', 'reset'],
    // Their framing shows that they are not whole.
    ['in chunks', CHUNKED, 'GET / HTTP/1.1', 'fin'],
    ['with Content-Length', LENGTH, 'GET / HTTP/1.1', 'fin'],
  ])('%s: it does not look whole', async (_, answer, request, ending) => {
    const { pod, plane, client: dial } = await scene({ scripts: [{ onRequest: (c) => c.write(answer) }] });
    const client = await dial();
    client.send(lines(request, 'Host: a'));
    await client.until((rest) => rest.includes('some'), 'a part of the answer');
    client.end();
    expect(await client.closed()).toBe(ending);
    await pod.connectionOver();
    expect(plane.metric('headroute_request_failures_total', 'client_gone')).toBe(1);
    expect(plane.metric('headroute_requests_total')).toBe(0);
  });

  it('one that then leaves the rest unread does not keep its connection', async () => {
    const { plane, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
            c.write(Buffer.alloc(32 << 20));
          },
        },
      ],
      timeouts: { idleMs: 200 },
    });
    const client = await dial();
    client.socket.pause();
    client.send(lines('GET / HTTP/1.1', 'Host: a'));
    await poll(() => plane.metric('headroute_upstream_connections', 'active') === 1, 'the request');
    // Until the kernel takes no more for it.
    await pause(200);
    client.end();
    await poll(() => plane.metric('headroute_connections') === 0, 'the connection to end', 4000);
    expect(plane.metric('headroute_requests_in_flight')).toBe(0);
    expect(plane.metric('headroute_upstream_connections')).toBe(0);
  });
});

describe('B18 a FIN right behind the request, as `nc -N` and socat send it, cancels it', () => {
  it.each([
    ['GET', ''],
    ['POST', 'hello'],
  ])('%s: no answer, the connection ends, and the Pod is left in peace', async (method, body) => {
    const { pod, plane, client: dial } = await scene({ scripts: [{ onRequest: () => {} }] });
    const client = await dial();
    client.send(lines(`${method} / HTTP/1.1`, 'Host: a', `Content-Length: ${body.length}`) + body);
    client.end();
    expect([await client.closed(), client.all.toString()]).toEqual(['fin', '']);
    await poll(() => plane.metric('headroute_request_failures_total', 'client_gone') === 1, 'client_gone');
    await pod.until((p) => p.open === 0, 'no connection that waits for an answer');
    expect(plane.outcomes.filter(({ kind }) => kind === 'failed')).toEqual([]);
    expect(plane.metric('headroute_requests_in_flight')).toBe(0);
  });

  it('the same behind an earlier request: that one is answered', async () => {
    const { client: dial } = await scene({
      scripts: [{ onRequest: (c, r) => r.target === '/1' && c.answer('one', r) }],
    });
    const client = await dial();
    client.send(lines('GET /1 HTTP/1.1', 'Host: a'));
    expect((await client.message()).body.toString()).toBe('one');
    client.send(lines('GET /2 HTTP/1.1', 'Host: a'));
    client.end();
    expect([await client.closed(), client.rest.length]).toEqual(['fin', 0]);
  });
});
