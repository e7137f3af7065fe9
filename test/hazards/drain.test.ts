/**
 * Shutdown and drain: what is in flight finishes, what is idle closes, what was just sent is answered.
 *
 * Story: shutdown closed idle connections in the face of a request that had just been sent (nodejs/node#60617).
 * Sources: linkerd shutdown.rs; nginx http_keepalive_shutdown.t; SPEC 1 and 4 (POST /drain). Case ids U09 of http-cases.json,
 * K4 of field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import { RawClient } from '../helpers/raw-client.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, scene } from '../helpers/scene.ts';
import { loopNowMs, pause, poll } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';

const get = (target: string): string => lines(`GET ${target} HTTP/1.1`, 'Host: a');
const slow: PodScript = {
  onRequest: (c, r) => {
    if (r.target === '/stream') {
      c.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n');
      setTimeout(() => c.write('3\r\ntwo\r\n0\r\n\r\n'), 200);
    } else setTimeout(() => c.answer(r.target, r), r.target === '/slow' ? 200 : 0);
  },
};

describe('U09 shutdown with open connections', () => {
  it('idle ones close, a slow answer and a stream finish, new connections are refused', async () => {
    const { pod, plane, client: dial } = await scene({ scripts: [slow] });
    const [idle, waiting, streaming] = [await dial(), await dial(), await dial()];
    await expectUnharmed(idle);
    waiting.send(get('/slow'));
    streaming.send(get('/stream'));
    await streaming.head();
    await pod.until((p) => p.requests.length === 3, 'both requests');
    const done = plane.plane.shutdown(5000);
    expect(await idle.closed(1000)).toBe('fin');
    await expect(RawClient.connect(plane.port)).rejects.toThrow();
    const answer = await waiting.response();
    expect(answer.body.toString()).toBe('/slow');
    expect(value(answer, 'connection')).toBe('close');
    expect(await waiting.closed()).toBe('fin');
    expect((await streaming.response()).body.toString()).toBe('onetwo');
    await streaming.closed();
    const began = loopNowMs();
    await done;
    expect(loopNowMs() - began).toBeLessThan(1000);
    await poll(() => pod.open === 0, 'no upstream connection left');
  });

  it('what does not finish is cut at the deadline', async () => {
    const { pod, plane, client: dial } = await scene({ scripts: [{ onRequest: () => {} }] });
    const client = await dial();
    client.send(get('/never'));
    await pod.request(1);
    const began = performance.now();
    const beganLoop = loopNowMs();
    await plane.plane.shutdown(300);
    expect(performance.now() - began).toBeGreaterThan(250);
    expect(loopNowMs() - beganLoop).toBeLessThan(1500);
    await client.closed();
    await poll(() => pod.open === 0, 'no upstream connection left');
  });

  it('an open WebSocket is left until the deadline, then cut', async () => {
    const { plane, client: dial } = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
            c.socket.on('data', (data) => c.write(data));
          },
        },
      ],
    });
    const client = await dial();
    const answer = await client.exchange(
      lines('GET /ws HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket'),
    );
    expect(answer.status).toBe(101);
    const done = plane.plane.shutdown(300);
    await pause(50);
    client.send('x');
    await client.until((rest) => rest.length === 1, 'the echo during shutdown');
    await client.closed(1500);
    await done;
  });

  it('a held request is answered when a leader appears during shutdown', async () => {
    const { plane, client: dial } = await scene({
      leader: { state: 'none' },
      rules: [{ selection: leaderSelection() }],
    });
    const client = await dial();
    client.send(`${lines('POST /held HTTP/1.1', 'Host: a', 'Content-Length: 0')}`);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'the hold');
    const done = plane.plane.shutdown(2000);
    await pause(20);
    plane.setLeader('db-0');
    const answer = await client.response('POST');
    expect(answer.status).toBe(200);
    await client.closed();
    await done;
  });
});

describe('K4 a request that comes as the shutdown begins', () => {
  it.each([0, 0, 1, 2, 3, 5])(
    'POST on an idle connection, %i ms around it: answered, or closed before its first byte was taken',
    async (delay) => {
      const { pod, plane, client: dial } = await scene();
      const client = await dial();
      await expectUnharmed(client);
      const post = `${lines('POST /late HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;
      client.send(post.slice(0, 10));
      if (delay > 0) await pause(delay);
      const done = plane.plane.shutdown(2000);
      client.send(post.slice(10));
      // The first byte was on its way before the shutdown: with a delay it has surely arrived.
      const outcome = await client.response('POST').catch(() => null);
      if (delay > 0) expect(outcome?.status).toBe(200);
      if (outcome === null) expect(pod.requests.filter((r) => r.method === 'POST')).toEqual([]);
      else {
        expect(value(outcome, 'connection')).toBe('close');
        expect(await client.closed()).toBe('fin');
        expect(pod.requests.filter((r) => r.method === 'POST').length).toBe(outcome.status === 200 ? 1 : 0);
      }
      await done;
    },
  );

  it('pipelined requests that had arrived are all answered', async () => {
    const { plane, client: dial } = await scene({ scripts: [slow] });
    const client = await dial();
    client.send(get('/slow') + get('/b') + get('/c'));
    await pause(30);
    const done = plane.plane.shutdown(3000);
    expect((await client.response()).body.toString()).toBe('/slow');
    // The first answer may announce the end; then the others were never started and may safely be sent elsewhere.
    await client.closed();
    await done;
  });
});

describe('POST /drain', () => {
  it('new requests get 503 draining and close; those in flight finish; the process stays', async () => {
    const { pod, plane, client: dial } = await scene({ scripts: [slow] });
    const [busy, idle] = [await dial(), await dial()];
    await expectUnharmed(idle);
    busy.send(get('/slow'));
    await pod.request(2);
    plane.plane.drain();
    const sent = pod.total;
    const client = idle.ending === null ? idle : await dial();
    client.send(get('/new'));
    const answer = await client.response();
    expectProblem(answer, 'draining', false);
    expect(value(answer, 'connection')).toBe('close');
    expect(pod.total).toBe(sent);
    expect((await busy.response()).body.toString()).toBe('/slow');
    const other = await dial();
    expectProblem(await other.exchange(get('/new')), 'draining', false);
  });
});
