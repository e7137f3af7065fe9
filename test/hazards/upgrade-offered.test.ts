/**
 * A Pod that offers an upgrade with an ordinary answer has not upgraded.
 *
 * Story: `Upgrade` on a 200 or 426 is taken for the switch itself, and the body for the new protocol's (nodejs/node#4844,
 * helidon-io/helidon#12544). RFC 9110 section 7.8: a server may send Upgrade in any answer, to say what it could speak.
 * Case id B29 of field-cases.md; sibling of U03, where the client asked.
 */
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectCanonical, expectUnharmed, lines, scene } from '../helpers/scene.ts';

const BODY = '{"error":"speak another protocol"}'.repeat(100);

function offering(status: string, framing: 'Content-Length' | 'chunked'): PodScript {
  return {
    onRequest: (c, r) => {
      if (r.target === '/unharmed') return c.answer(r.target, r);
      const body = `${r.target}${BODY}`;
      const head = `HTTP/1.1 ${status}\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n`;
      c.write(
        framing === 'chunked'
          ? `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
          : `${head}Content-Length: ${body.length}\r\n\r\n${body}`,
      );
    },
  };
}

describe.each(['200 OK', '426 Upgrade Required', '400 Bad Request'])(
  'B29 Upgrade offered with %s',
  (status) => {
    it.each(['Content-Length', 'chunked'] as const)(
      '%s: two pipelined requests get their bodies whole, and the connection is usable',
      async (framing) => {
        const { pod, pods, client: dial } = await scene({ scripts: [offering(status, framing)] });
        const client = await dial();
        client.send(lines('GET /1 HTTP/1.1', 'Host: a') + lines('GET /2 HTTP/1.1', 'Host: a'));
        for (const target of ['/1', '/2']) {
          const answer = await client.message();
          expect([answer.line, answer.body.toString()]).toEqual([`HTTP/1.1 ${status}`, `${target}${BODY}`]);
        }
        await expectUnharmed(client);
        expect(pod.connections).toHaveLength(1);
        expectCanonical(pods);
      },
    );

    it("Node's own client reads it", async () => {
      const { plane } = await scene({ scripts: [offering(status, 'Content-Length')] });
      const answer = await new Promise<string>((resolve, reject) => {
        const outgoing = request(
          { host: '127.0.0.1', port: plane.port, path: '/node', agent: false },
          (response) => {
            void text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
          },
        );
        outgoing.on('error', reject).end();
      });
      expect(answer).toBe(`${status.slice(0, 3)} /node${BODY}`);
    });
  },
);
