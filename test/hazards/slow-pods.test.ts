/**
 * Pods that are slow: a timeout is an answer, not a reason to ask again.
 *
 * Story: a Pod that is slow because it is busy gets the same request once more, from everybody at once.
 * Sources: SPEC 2 `timeouts`, SPEC 3 Retrying (a timeout is neither a reset nor a status of `retry.codes`).
 */
import { describe, expect, it } from 'vitest';
import type { PodConnection } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { value } from '../helpers/wire.ts';

describe('Pods that are slow', () => {
  it('backend_timeout: no answer within timeouts.backendRequest, the upstream connection is cut', async () => {
    const {
      pod,
      plane,
      client: dial,
    } = await scene({
      scripts: [{ onRequest: (c, r) => r.target !== '/never' && c.answer(r.target, r) }],
      rules: [{ timeouts: { requestMs: 0, backendRequestMs: 150 } }],
    });
    const client = await dial();
    const answer = await client.exchange(
      `${lines('POST /never HTTP/1.1', 'Host: a', 'Content-Length: 2')}hi`,
    );
    expectProblem(answer, 'backend_timeout', true);
    await pod.until((p) => p.last.over, 'the upstream connection to be cut');
    expect(pod.requests.length).toBe(1);
    expect(plane.metric('headroute_request_failures_total', 'backend_timeout')).toBe(1);
    await expectUnharmed(await dial());
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'POST'])(
    'backend_timeout of a %s: one delivery, 504, not sent again to that Pod or another, whatever retry says',
    async (method) => {
      const silent = { onRequest: () => {} };
      const {
        pods,
        plane,
        client: dial,
      } = await scene({
        scripts: [silent, silent],
        rules: [
          {
            timeouts: { requestMs: 0, backendRequestMs: 120 },
            retry: { attempts: 2, codes: [502, 503, 504], backoffMs: 1, budget: null },
          },
        ],
      });
      const answer = await (await dial()).exchange(
        lines(`${method} /never HTTP/1.1`, 'Host: a', 'Content-Length: 0'),
      );
      expect([answer.status, value(answer, 'x-headroute-failure')]).toEqual([504, 'backend_timeout']);
      expect(value(answer, 'x-headroute-sent')).toBe('true');
      expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
      expect(plane.metric('headroute_retries_total')).toBe(0);
    },
  );

  it('backend_timeout amid the answer: cut, one delivery', async () => {
    const half = {
      onRequest: (c: PodConnection) => c.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'),
    };
    const { pods, client: dial } = await scene({
      scripts: [half, half],
      rules: [{ timeouts: { requestMs: 0, backendRequestMs: 120 } }],
    });
    const client = await dial();
    client.send(lines('GET /never HTTP/1.1', 'Host: a'));
    await client.closed();
    expect(client.rest.toString()).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    expect(client.rest.toString()).toMatch(/\r\n\r\nhalf$/);
    expect(pods[0]!.requests.length + pods[1]!.requests.length).toBe(1);
  });

  it('request_timeout runs on over all attempts: a second Pod has what the first left', async () => {
    const { pods, client: dial } = await scene({
      scripts: [
        { onRequest: (c) => c.write('HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n') },
        { onRequest: () => {} },
      ],
      random: () => 0,
      rules: [
        {
          timeouts: { requestMs: 250, backendRequestMs: 0 },
          retry: { attempts: 2, codes: [503], backoffMs: 1, budget: null },
        },
      ],
    });
    const answer = await (await dial()).exchange(lines('GET /never HTTP/1.1', 'Host: a'));
    expectProblem(answer, 'request_timeout', true);
    expect(pods.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  it('a Pod that accepts and never reads: the client is held back, memory bounded, the deadline holds', async () => {
    const { pod, client: dial } = await scene({
      scripts: [{ onConnect: (c) => c.socket.pause() }],
      rules: [{ timeouts: { requestMs: 0, backendRequestMs: 600 } }],
    });
    const client = await dial();
    const rss = process.memoryUsage().rss;
    client.send(lines('POST /deaf HTTP/1.1', 'Host: a', `Content-Length: ${256 << 20}`));
    const piece = Buffer.alloc(1 << 20);
    let written = 0;
    const pump = (): void => {
      while (written < 256 << 20 && client.socket.writable) {
        written += piece.length;
        if (!client.socket.write(piece)) return;
      }
    };
    client.socket.on('drain', pump);
    pump();
    const answer = await client.response('POST');
    expectProblem(answer, 'backend_timeout', true);
    expect(written).toBeLessThan(64 << 20);
    expect(process.memoryUsage().rss - rss).toBeLessThan(100 << 20);
    expect(pod.requests.length).toBe(0);
  });
});
