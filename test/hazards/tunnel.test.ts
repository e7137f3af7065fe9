/**
 * Open tunnels: they end when either side or the rule says so, and only then.
 *
 * Story: a Pod dies under an idle socket and its client learns it only when it writes (zalando/skipper#1669); an old leader
 * keeps its WebSockets; an unhealthy Pod's sockets are neither closed nor moved (cloudflare/pingora#571).
 * Sources: haproxy on-marked-down shutdown-sessions; stolon-proxy; SPEC 3. Case ids U06 of http-cases.json; U1, U3 of
 * field-cases.md.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import { lines, scene } from '../helpers/scene.ts';
import { loopNowMs, pause } from '../helpers/waiting.ts';
import { values } from '../helpers/wire.ts';
import { ASK, echo, opened, SWITCH } from './tunnels.ts';

describe('tunnels end', () => {
  it.each(['fin', 'reset'] as const)(
    'U1 the Pod dies (%s): the client sees it within 100 ms',
    async (how) => {
      const stage = await scene({ scripts: [echo] });
      const { client, connection } = await opened(stage);
      const began = loopNowMs();
      if (how === 'fin') connection.end();
      else connection.reset();
      await client.closed(1000);
      expect(loopNowMs() - began).toBeLessThan(100);
    },
  );

  it('half-closed by the client: what the Pod still says arrives', async () => {
    const stage = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write(SWITCH);
            c.socket.on('end', () => setTimeout(() => c.end('last words'), 30));
          },
        },
      ],
    });
    const { client } = await opened(stage);
    client.send('bye');
    client.end();
    await client.until((rest) => rest.toString('latin1') === 'last words', 'the last words');
    await client.closed();
  });

  it('U06 the leader is demoted: cut at once with onDemotion Close, left open with Drain', async () => {
    for (const onDemotion of ['Close', 'Drain'] as const) {
      const stage = await scene({
        scripts: [echo, echo],
        leader: 'db-0',
        rules: [{ selection: leaderSelection({ onDemotion }) }],
      });
      const { client, connection } = await opened(stage);
      client.send('x');
      await client.until((rest) => rest.length === 1, 'the echo');
      const began = loopNowMs();
      stage.plane.setLeader('db-1');
      if (onDemotion === 'Close') {
        await client.closed(1000);
        await stage.pod.until(() => connection.over, 'the Pod side to end');
        expect(loopNowMs() - began).toBeLessThan(500);
      } else {
        await pause(50);
        client.send('y');
        await client.until((rest) => rest.length === 2, 'the echo after the change');
      }
    }
  });

  it('U06 an unchanged leader: new snapshots cut nothing', async () => {
    const stage = await scene({
      scripts: [echo, echo],
      leader: 'db-0',
      rules: [{ selection: leaderSelection() }],
    });
    const { client } = await opened(stage);
    stage.plane.bump();
    stage.plane.setState('db-1', 'unready');
    stage.plane.setState('db-1', 'ready');
    await pause(30);
    client.send('x');
    await client.until((rest) => rest.length === 1, 'the echo');
  });

  it('U3 the Pod turns unready: Keep leaves it open, Close cuts it', async () => {
    for (const onUnready of ['Keep', 'Close'] as const) {
      const stage = await scene({ scripts: [echo], connection: { onUnready } });
      const { client } = await opened(stage);
      stage.plane.setState('db-0', 'unready');
      if (onUnready === 'Close') await client.closed(1000);
      else {
        await pause(50);
        client.send('x');
        await client.until((rest) => rest.length === 1, 'the echo');
      }
    }
  });

  it('an idle tunnel outlives head, body and idle timeouts of the listener’s requests', async () => {
    const stage = await scene({
      scripts: [echo],
      timeouts: { headMs: 100, bodyMs: 100 },
      rules: [{ timeouts: { requestMs: 150, backendRequestMs: 150 } }],
    });
    const { client } = await opened(stage);
    await pause(400);
    client.send('x');
    await client.until((rest) => rest.length === 1, 'the echo');
  });

  it('back-pressure: a Pod that floods a client that does not read is held back', async () => {
    let produced = 0;
    const stage = await scene({
      scripts: [
        {
          onRequest: (c) => {
            c.raw = true;
            c.write(SWITCH);
            const piece = Buffer.alloc(1 << 20);
            const pump = (): void => {
              while (!c.closed && c.socket.writable && produced < 1 << 30) {
                produced += piece.length;
                if (!c.socket.write(piece)) return;
              }
            };
            c.socket.on('drain', pump);
            pump();
          },
        },
      ],
    });
    const client = await stage.client();
    client.send(ASK);
    await client.head();
    client.socket.pause();
    await pause(300);
    expect(produced).toBeLessThan(64 << 20);
  });

  it('a request with a body that asks for an upgrade gets its body through', async () => {
    const { pod, client: dial } = await scene({ scripts: [echo] });
    const client = await dial();
    client.send(
      `${lines('POST /ws HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 4')}body`,
    );
    const answer = await client.response('POST');
    expect(answer.status).toBe(200);
    expect(pod.requests[0]!.body.toString()).toBe('body');
    expect(values(pod.requests[0]!, 'upgrade')).toEqual([]);
  });
});
