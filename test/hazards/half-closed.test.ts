/**
 * Clients that end their side amid an answer: the request is cancelled, what came of the answer never looks like all of it,
 * and a client that then reads nothing does not keep its connection.
 *
 * Story: `printf 'GET …' | nc` ends its side at once; a proxy that cancels upstream and then closes politely makes a broken-off
 * answer a whole one wherever the end of the connection is the end of the body.
 * Sources: RFC 9112 sections 6.3 (rule 8), 8, 9.6; SPEC 6 promise 2; issue 11 item 6. Siblings of R7, R14, U05.
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
