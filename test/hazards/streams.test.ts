/**
 * Streams: large bodies intact, events unbuffered, both directions at once, the Pod told when the client left, memory
 * bounded by back-pressure.
 *
 * Story: http-proxy left 20 of 20 upstream requests open after the client went away (R14).
 * Sources: httpxy "destroy upstream proxy request when client aborts"; caddy client_disconnect_test.go; haproxy
 * http_abortonclose.vtc; issue 11 items 5 and 6. Case id R14.
 */
import { describe, expect, it } from 'vitest';
import { lines, scene } from '../helpers/scene.ts';
import { loopNowMs, pause, poll } from '../helpers/waiting.ts';

const CHUNKED = lines('POST /c HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked');

describe('bodies pass intact', () => {
  it.each(['length', 'chunked'])('4 MiB both ways, %s', async (framing) => {
    const body = Buffer.alloc(4 << 20);
    for (let i = 0; i < body.length; i += 4) body.writeUInt32LE((i * 2654435761) >>> 0, i);
    const chunks = (): Buffer[] => {
      const out: Buffer[] = [];
      for (let at = 0, n = 1; at < body.length; n = (n * 7 + 1) % 70_000) {
        const piece = body.subarray(at, at + n + 1);
        out.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
        at += piece.length;
      }
      out.push(Buffer.from('0\r\n\r\n'));
      return out;
    };
    const wire = framing === 'length' ? body : Buffer.concat(chunks());
    const field = framing === 'length' ? `Content-Length: ${body.length}` : 'Transfer-Encoding: chunked';
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onConnect: (c) => {
            // Parsing once at the end, not on every segment.
            c.raw = true;
            const tail = framing === 'length' ? body.subarray(-16) : Buffer.from('\r\n0\r\n\r\n');
            void c.pod
              .until(
                () => c.received.length > wire.length && c.received.subarray(-tail.length).equals(tail),
                'all of it',
                8000,
              )
              .then(() => c.write(Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${field}\r\n\r\n`), wire])));
          },
        },
      ],
    });
    const client = await dial();
    client.send(Buffer.concat([Buffer.from(lines('POST /big HTTP/1.1', 'Host: a', field)), wire]));
    const answer = await client.response('POST', 10_000);
    expect(answer.body.equals(body)).toBe(true);
    expect(pod.last.received.includes(framing === 'length' ? body : body.subarray(0, 2))).toBe(true);
  });

  it('server-sent events are not held back', async () => {
    const { pod, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) =>
            c.write(
              'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n',
            ),
        },
      ],
    });
    const client = await dial();
    client.send(lines('GET /events HTTP/1.1', 'Host: a', 'Accept: text/event-stream'));
    await client.head();
    // None comes before the client has the one before.
    for (let n = 1; n <= 5; n++) {
      pod.last.write('9\r\ndata: x\n\n\r\n');
      await client.until((rest) => rest.toString('latin1').split('data: x').length === n + 1, `event ${n}`);
    }
    pod.last.write('0\r\n\r\n');
    expect((await client.response()).body.toString()).toBe('data: x\n\n'.repeat(5));
  });

  it('a body and its answer may flow at the same time', async () => {
    const { client: dial } = await scene({
      scripts: [
        {
          onConnect: (c) => {
            c.raw = true;
            let started = false;
            c.socket.on('data', (data) => {
              if (!started) {
                started = true;
                c.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
              } else if (data.toString('latin1').includes('ping')) c.write('4\r\npong\r\n');
              else if (data.toString('latin1').endsWith('0\r\n\r\n')) c.write('0\r\n\r\n');
            });
          },
        },
      ],
    });
    const client = await dial();
    client.send(CHUNKED);
    await client.head();
    for (let i = 1; i <= 3; i++) {
      client.send('4\r\nping\r\n');
      await client.until((rest) => rest.toString('latin1').split('pong').length === i + 1, `pong ${i}`);
    }
    client.send('0\r\n\r\n');
    expect((await client.response('POST')).body.toString()).toBe('pongpongpong');
  });
});

describe('R14 the client leaves', () => {
  it.each(['before the answer', 'in the middle of it', 'in the middle of its body'])(
    '%s: the Pod sees its connection end, no failure is counted',
    async (when) => {
      const {
        pod,
        plane,
        client: dial,
      } = await scene({
        scripts: [
          {
            onRequest: (c) => {
              if (when === 'in the middle of it')
                c.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nsome');
            },
          },
        ],
      });
      const client = await dial();
      if (when === 'in the middle of its body')
        client.send(`${lines('POST /leave HTTP/1.1', 'Host: a', 'Content-Length: 10000')}some`);
      else client.send(lines('GET /leave HTTP/1.1', 'Host: a'));
      await pod.until((p) => p.total > 0, 'the request');
      if (when === 'in the middle of it') await client.head();
      client.destroy();
      const began = loopNowMs();
      await pod.connectionOver();
      expect(loopNowMs() - began).toBeLessThan(1000);
      await poll(() => plane.metric('headroute_request_failures_total', 'client_gone') === 1, 'client_gone');
      expect(plane.outcomes.filter((o) => o.kind === 'failed')).toEqual([]);
      expect(plane.metric('headroute_requests_in_flight')).toBe(0);
    },
  );

  it('while its upload is held back by a Pod that does not read: the Pod sees the end all the same', async () => {
    const {
      pod,
      plane,
      client: dial,
    } = await scene({
      scripts: [{ onConnect: (c) => void c.socket.pause() }],
    });
    const client = await dial();
    client.send(lines('POST /deaf HTTP/1.1', 'Host: a', `Content-Length: ${64 << 20}`));
    client.send(Buffer.alloc(64 << 20));
    await poll(() => plane.metric('headroute_requests_in_flight') === 1, 'the request in flight');
    await pause(300);
    client.reset();
    await poll(() => plane.metric('headroute_request_failures_total', 'client_gone') === 1, 'client_gone');
    expect(plane.metric('headroute_requests_in_flight')).toBe(0);
    pod.connections[0]!.socket.resume();
    await pod.connectionOver();
  });

  it('20 of 20 upstream requests are closed', async () => {
    const { pod, client: dial } = await scene({ scripts: [{ onRequest: () => {} }] });
    const clients = await Promise.all(Array.from({ length: 20 }, () => dial()));
    for (const client of clients) client.send(lines('GET /hang HTTP/1.1', 'Host: a'));
    await pod.until((p) => p.requests.length === 20, '20 requests');
    for (const client of clients) client.reset();
    await pod.until((p) => p.open === 0, 'all upstream connections to end', 1000);
  });

  it('stalled downloads are held back at the Pod: memory stays bounded', async () => {
    const endless = Buffer.alloc(256 << 10, 'x');
    let produced = 0;
    const { client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`);
            const pump = (): void => {
              while (!c.closed && c.socket.writable) {
                produced += endless.length;
                if (!c.socket.write(endless)) return;
              }
            };
            c.socket.on('drain', pump);
            pump();
          },
        },
      ],
    });
    const before = process.memoryUsage();
    const clients = await Promise.all(Array.from({ length: 50 }, () => dial()));
    for (const client of clients) {
      client.send(lines('GET /1g HTTP/1.1', 'Host: a'));
      client.socket.pause();
    }
    await poll(() => produced >= 50 * endless.length, 'every Pod to begin');
    await pause(500);
    const after = process.memoryUsage();
    // Pods and clients live in this process too: the Pods' own write queues are part of it.
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(
      100 << 20,
    );
    for (const client of clients) client.destroy();
  });
});
