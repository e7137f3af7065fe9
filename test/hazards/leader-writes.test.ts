/**
 * Writes of a Leader rule: to the leader or to nobody; held, learnt from, dropped with their client.
 *
 * Story: pools send a leader's write to a follower (nginx proxy_next_upstream.t); a request aborted while queued still gets a
 * slot (gravitee-io/issues#11595); is a client's FIN an abort (haproxy#136, #2340)? Here, while held, it is.
 * Sources: SPEC 3 Retrying and Holding; spring-projects/spring-vault#98. Case ids C05 of http-cases.json; L5, R5, R7 of
 * field-cases.md.
 */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { UpstreamConnection } from '../../src/data/forward/upstream-connection.ts';
import type { Failure } from '../../src/model/failure.ts';
import { leaderSelection, type TestPlane } from '../helpers/data-plane.ts';
import type { RawClient } from '../helpers/raw-client.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, expectUnharmed, lines, type Scene, scene, totalOf } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';
import { value } from '../helpers/wire.ts';
import { thenDies } from './bad-pods.ts';

const POST = `${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;
const ok: PodScript = {};

describe('C05 a Leader rule: never another Pod', () => {
  const rules = [{ selection: leaderSelection({ hold: { timeoutMs: 300 } }) }];

  it('the leader refuses, nobody else leads: 503 hold_timeout with Retry-After, no byte to a follower', async () => {
    const { pods, client: dial } = await scene({ scripts: [ok, ok], leader: 'db-0', rules });
    pods[0]!.refuse();
    const client = await dial();
    expectProblem(await client.exchange(POST), 'hold_timeout', false);
    expect(totalOf(pods)).toBe(0);
  });

  it('the leader refuses, then another leads: the held write lands there once', async () => {
    const {
      pods,
      plane,
      client: dial,
    } = await scene({ scripts: [ok, ok], leader: 'db-0', rules: [{ selection: leaderSelection() }] });
    pods[0]!.refuse();
    const client = await dial();
    const pending = client.exchange(POST);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'the request to be held');
    plane.setLeader('db-1');
    expect((await pending).status).toBe(200);
    expect(pods[1]!.requests.map((r) => r.body.toString())).toEqual(['hello']);
    await expectUnharmed(client);
  });

  it.each([
    ['another leads', 'db-1', ['GET', 'POST']],
    ['nobody leads', { state: 'none' }, ['GET']],
    ['two claim it', { state: 'conflict' }, ['GET']],
  ] as const)(
    '%s in the turn of the loop in which it was picked: no byte of the write reaches it',
    async (_, next, methods) => {
      const { pods, plane, client: dial } = await scene({ scripts: [ok, ok], leader: 'db-0', rules });
      const client = await dial();
      // Connections to both are kept, so that the write needs none to be opened.
      for (const leader of ['db-1', 'db-0']) {
        plane.setLeader(leader);
        await expectUnharmed(client);
      }
      const before = pods[0]!.total;
      const use = vi.spyOn(UpstreamConnection.prototype, 'use');
      onTestFinished(() => use.mockRestore());
      use.mockImplementationOnce(function (this: UpstreamConnection, user) {
        UpstreamConnection.prototype.use.call(this, user);
        plane.setLeader(next);
      });
      const answer = await client.exchange(POST);
      expect(use).toHaveBeenCalled();
      if (next === 'db-1') expect(answer.status).toBe(200);
      else expectProblem(answer, 'hold_timeout', false);
      expect(pods[0]!.total - before).toBe(0);
      expect(pods[1]!.requests.map(({ method }) => method)).toEqual(methods);
    },
  );

  it('the leader reads the write and dies: 502 upstream_reset, never sent to the next leader', async () => {
    const {
      pods,
      plane,
      client: dial,
    } = await scene({ scripts: [thenDies(0, 'reset'), ok], leader: 'db-0', rules });
    const client = await dial();
    const answer = await client.exchange(POST);
    expectProblem(answer, 'upstream_reset', true);
    plane.setLeader('db-1');
    await pause(60);
    expect(pods[1]!.total).toBe(0);
  });

  it('no leader and a conflict: nothing is sent to anyone', async () => {
    for (const state of ['none', 'conflict'] as const)
      for (const timeoutMs of [0, 150]) {
        const { pods, client: dial } = await scene({
          scripts: [ok, ok],
          leader: { state },
          rules: [{ selection: leaderSelection({ hold: { timeoutMs } }) }],
        });
        const expected = timeoutMs > 0 ? 'hold_timeout' : state === 'none' ? 'no_leader' : 'leader_conflict';
        expectProblem(await (await dial()).exchange(POST), expected, false);
        expect(totalOf(pods)).toBe(0);
      }
  });
});

describe('L5 learn answers', () => {
  const learn = [
    { status: [421], location: false, header: null },
    { status: [307], location: true, header: null },
  ];
  const follower: PodScript = {
    onRequest: (c, r) =>
      r.method === 'GET'
        ? c.answer(r.target, r)
        : c.write(
            'HTTP/1.1 307 Temporary Redirect\r\nLocation: http://db-1:80/w\r\nContent-Length: 3\r\n\r\nno!',
          ),
  };
  /** db-0 leads at first. */
  const learning = (scripts: readonly PodScript[], hold: { timeoutMs?: number } = {}): Promise<Scene> =>
    scene({ scripts, leader: 'db-0', learn, rules: [{ selection: leaderSelection({ hold }) }] });

  it('1 KiB: held, then delivered once to the new leader', async () => {
    const { pods, plane, client: dial } = await learning([follower, ok]);
    const client = await dial();
    const body = 'x'.repeat(1024);
    const pending = client.exchange(`${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 1024')}${body}`);
    await poll(() => plane.outcomes.some((o) => o.kind === 'not_leader'), 'the learn answer to be reported');
    plane.setLeader('db-1');
    expect((await pending).status).toBe(200);
    expect(pods[1]!.requests.map((r) => r.body.toString())).toEqual([body]);
    expect(pods[0]!.requests.length).toBe(1);
    await expectUnharmed(client);
  });

  it('1 MiB, more than is kept: the answer is passed on, nothing sent again', async () => {
    const { pods, plane, client: dial } = await learning([follower, ok]);
    const client = await dial();
    const answer = await client.exchange(
      Buffer.concat([
        Buffer.from(lines('POST /w HTTP/1.1', 'Host: a', `Content-Length: ${1 << 20}`)),
        Buffer.alloc(1 << 20, 'x'),
      ]),
      'POST',
    );
    expect(answer.status).toBe(307);
    expect(value(answer, 'location')).toBe('http://db-1:80/w');
    expect(answer.body.toString()).toBe('no!');
    plane.setLeader('db-1');
    await pause(60);
    expect(pods[1]!.total).toBe(0);
  });

  it('a 307 without Location, or another status, is an ordinary answer', async () => {
    const { plane, client: dial } = await learning([
      { onRequest: (c) => c.write('HTTP/1.1 307 X\r\nContent-Length: 0\r\n\r\n') },
    ]);
    expect((await (await dial()).exchange(POST)).status).toBe(307);
    expect(plane.outcomes.filter((o) => o.kind === 'not_leader')).toEqual([]);
  });

  const turnedAway = async (): Promise<{ stage: Scene; client: RawClient }> => {
    const stage = await scene({
      scripts: [follower, { onRequest: () => {} }],
      leader: 'db-1',
      learn,
      connection: { maxPerPod: 1 },
      rules: [{ selection: leaderSelection({ hold: { maxRequests: 1 } }) }],
    });
    // db-1 has all that it may have at a time.
    (await stage.client()).send(POST);
    await stage.pods[1]!.request(1);
    stage.plane.setLeader('db-0');
    const client = await stage.client();
    client.send(POST);
    await poll(() => stage.plane.metric('headroute_held_requests') === 1, 'the request to be held');
    return { stage, client };
  };

  it.each<[Failure, (plane: TestPlane) => void]>([
    ['draining', ({ plane }) => void plane.shutdown(0)],
    ['no_leader', (plane) => plane.setLeader({ state: 'unconfigured' })],
    ['overloaded', (plane) => plane.setLeader('db-1')],
    ['no_endpoint', ({ cell }) => cell.publish({ ...cell.current(), version: 99, backends: new Map() })],
  ])('%s while it waits after a learn answer: sent is true, in body and header', async (failure, happens) => {
    const { stage, client } = await turnedAway();
    happens(stage.plane);
    expectProblem(await client.response('POST'), failure, true);
    expect(stage.pods.map(({ requests }) => requests.length)).toEqual([1, 1]);
  });

  it('hold_full after a learn answer: sent is true, in body and header', async () => {
    const { stage } = await turnedAway();
    expectProblem(await (await stage.client()).exchange(POST), 'hold_full', true);
    expect(stage.pods.map(({ requests }) => requests.length)).toEqual([2, 1]);
  });

  it('nobody leads afterwards: hold_timeout, and sent is true, for the first Pod had the bytes', async () => {
    const { pods, client: dial } = await learning([follower, ok], { timeoutMs: 200 });
    const answer = await (await dial()).exchange(POST);
    expectProblem(answer, 'hold_timeout', true);
    expect(pods[1]!.total).toBe(0);
    expect(pods[0]!.requests.length).toBe(1);
  });
});

describe('held clients that leave', () => {
  const leaderless = (): Promise<Scene> =>
    scene({ leader: { state: 'none' }, rules: [{ selection: leaderSelection() }] });

  it('R5 100 held, clients 1–50 close, a leader appears: only 51–100 are sent, in order', async () => {
    const { pod, plane, client: dial } = await leaderless();
    const clients = [];
    for (let n = 1; n <= 100; n++) {
      const client = await dial();
      client.send(lines(`POST /${n} HTTP/1.1`, 'Host: a', 'Content-Length: 0'));
      clients.push(client);
      if (n % 10 === 0) await poll(() => plane.metric('headroute_held_requests') === n, `${n} held`);
    }
    for (const [n, client] of clients.slice(0, 50).entries()) n % 2 === 0 ? client.end() : client.reset();
    await poll(() => plane.metric('headroute_held_requests') === 50, 'the gauge to fall');
    expect(pod.total).toBe(0);
    plane.setLeader('db-0');
    await Promise.all(clients.slice(50).map((client) => client.response('POST')));
    const order = pod.requests.map((r) => Number(r.target.slice(1)));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 51));
    expect(plane.metric('headroute_request_failures_total', 'client_gone')).toBe(50);
  });

  // Past 64 KiB the client is not read while it is held; a FIN can be seen only once what was sent before it has arrived.
  it.each([
    ['reset', 100 << 10, 100 << 10],
    ['reset', 1 << 20, 1 << 20],
    ['reset', 1 << 20, 1 << 19],
    ['fin', 100 << 10, 100 << 10],
    ['fin', 100 << 10, 90 << 10],
  ])(
    'R5, R7 %s of a held client with a body of %i B, %i B of them sent: dropped from the queue, never sent',
    async (how, length, sent) => {
      const { pod, plane, client: dial } = await leaderless();
      const client = await dial();
      client.send(lines('POST /big HTTP/1.1', 'Host: a', `Content-Length: ${length}`));
      client.send(Buffer.alloc(sent));
      await poll(() => plane.metric('headroute_held_requests') === 1, 'the hold');
      await pause(20);
      if (how === 'reset') client.reset();
      else client.end();
      await poll(() => plane.metric('headroute_held_requests') === 0, 'the gauge to fall', 2000);
      expect(plane.metric('headroute_request_failures_total', 'client_gone')).toBe(1);
      plane.setLeader('db-0');
      await pause(20);
      expect(pod.total).toBe(0);
    },
  );

  it('R7 FIN after a whole POST while held: dropped, never sent', async () => {
    const { pod, plane, client: dial } = await leaderless();
    const client = await dial();
    client.send(POST);
    client.end();
    await poll(() => plane.metric('headroute_request_failures_total', 'client_gone') === 1, 'client_gone');
    plane.setLeader('db-0');
    await client.closed();
    await pause(30);
    expect(pod.total).toBe(0);
  });

  it('R7 FIN after the request went up: the upstream request is cancelled', async () => {
    const { pod, client: dial } = await scene({ scripts: [{ onRequest: () => {} }] });
    const client = await dial();
    client.send(POST);
    await pod.request(1);
    client.end();
    await pod.connectionOver(0, 1000);
  });
});
