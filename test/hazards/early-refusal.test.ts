/**
 * A Pod that refuses an upload by its head alone is heard at once: by a client that waits for `100 Continue` before any byte of
 * its body went, and by one that sends without asking.
 *
 * Story: the 401 is lost behind the upload, or the client waits out its second for a 100 that never comes
 * (tinyproxy/tinyproxy#79, rekby/lets-proxy#58). RFC 9110 section 10.1.1; RFC 9112 section 9.6.
 * Heads as `curl -T` and `curl -F` send them. Case id B32 of field-cases.md; siblings of F26 and R13.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { lines, scene } from '../helpers/scene.ts';

const SIZE = 8 << 20;
const REFUSAL = 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="db"\r\nContent-Length: 7\r\n';

/** Answers by the head; then reads on, or ends its side, as `how` says. */
function refusing(how: 'reads on' | 'closes'): PodScript {
  return {
    onConnect: (c) => {
      c.raw = true;
      let refused = false;
      c.socket.on('data', () => {
        if (refused || !c.text.includes('\r\n\r\n')) return;
        refused = true;
        if (how === 'closes') c.end(`${REFUSAL}Connection: close\r\n\r\ndenied!`);
        else c.write(`${REFUSAL}\r\ndenied!`);
      });
    },
  };
}

const HEADS = [
  [
    'curl -T',
    lines('PUT /up HTTP/1.1', 'Host: a', 'Accept: */*', `Content-Length: ${SIZE}`, 'Expect: 100-continue'),
  ],
  [
    'curl -F',
    lines(
      'POST /form HTTP/1.1',
      'Host: a',
      'Accept: */*',
      `Content-Length: ${SIZE}`,
      'Content-Type: multipart/form-data; boundary=------------------------d2c1fdf848308fb5',
      'Expect: 100-continue',
    ),
  ],
  [
    'curl -T of a pipe',
    lines('PUT /up HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Expect: 100-continue'),
  ],
] as const;

describe.each(['reads on', 'closes'] as const)('B32 a Pod that answers 401 to the head and %s', (how) => {
  it.each(HEADS)('%s: read with no byte of the body sent', async (_, head) => {
    const { pod, client: dial } = await scene({ scripts: [refusing(how)] });
    const client = await dial();
    client.send(head);
    const answer = await client.message('PUT');
    expect([answer.line, answer.body.toString()]).toEqual(['HTTP/1.1 401 Unauthorized', 'denied!']);
    expect(pod.last.text.endsWith('\r\n\r\n')).toBe(true);
  });

  it('a client that sends all of its 8 MiB without asking reads it, every time', async () => {
    const { client: dial } = await scene({ scripts: [refusing(how)] });
    for (let n = 0; n < 10; n++) {
      const client = await dial();
      client.send(lines('POST /up HTTP/1.1', 'Host: a', `Content-Length: ${SIZE}`));
      for (let sent = 0; sent < SIZE; sent += 256 << 10) client.send(Buffer.alloc(256 << 10));
      const answer = await client.message('POST', 5000);
      expect([answer.status, answer.body.toString()]).toEqual([401, 'denied!']);
      client.destroy();
    }
  });

  it.each([
    ['that expects 100', { Expect: '100-continue', 'Content-Length': SIZE }],
    ['that does not', { 'Content-Length': SIZE }],
  ])("Node's own client, %s", async (_, headers) => {
    const { plane } = await scene({ scripts: [refusing(how)] });
    const seen = await new Promise<string>((resolve, reject) => {
      const outgoing: ClientRequest = request({
        host: '127.0.0.1',
        port: plane.port,
        method: 'PUT',
        headers,
        agent: false,
      });
      outgoing.on('continue', () => reject(new Error('a 100 that no Pod said')));
      outgoing.on('response', (response: IncomingMessage) => {
        void text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
      });
      outgoing.on('error', reject);
      if ('Expect' in headers) outgoing.flushHeaders();
      else outgoing.write(Buffer.alloc(1 << 20));
    });
    expect(seen).toBe('401 denied!');
  });
});
