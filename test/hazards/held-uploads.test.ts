/**
 * Writes that wait for a leader, or are on their way to one: the client's time for its body begins when a Pod takes it, and what
 * the kernel has not taken yet does not follow to a Pod that has stopped leading.
 *
 * Story: a client that waits for `100 Continue` is told that its body is late, because the leader was.
 * Sources: RFC 9110 section 10.1.1; SPEC 2 (`timeouts.body`: between two reads), SPEC 3 Holding, SPEC 6 promise 4. Siblings of
 * L4, L5, C05, F25.
 */
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { H1Upstream } from '../../src/data/forward/h1-upstream.ts';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, lines, scene } from '../helpers/scene.ts';
import { pause, poll } from '../helpers/waiting.ts';

const ask = (...fields: string[]): string => lines('POST /w HTTP/1.1', 'Host: a', ...fields);
const LENGTH = 'Content-Length: 5';

describe('L4 held for longer than timeouts.body', () => {
  it.each([
    ['a client that waits for 100 Continue', [LENGTH, 'Expect: 100-continue'], '', 'hello'],
    ['a client in the middle of its body', [LENGTH], 'he', 'llo'],
  ])('%s: has its time when the leader is there', async (_, fields, before, after) => {
    const {
      pod,
      plane,
      client: dial,
    } = await scene({
      leader: { state: 'none' },
      rules: [{ selection: leaderSelection() }],
      timeouts: { bodyMs: 1500 },
      scripts: [
        { onHead: (c) => c.write('HTTP/1.1 100 Continue\r\n\r\n'), onRequest: (c, r) => c.answer('done', r) },
      ],
    });
    const client = await dial();
    client.send(ask(...fields) + before);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'the hold');
    await pause(1700);
    plane.setLeader('db-0');
    await client.until((rest) => rest.includes('100 Continue'), 'the Pod to ask for it');
    // Deadlines are looked at twenty times a second.
    await pause(150);
    client.send(after);
    expect((await client.response('POST')).status).toBe(200);
    expect((await pod.request(1)).body.toString()).toBe('hello');
  });
});

describe('promise 4: a whole write that waits in this process', () => {
  it('does not follow to a leader that was demoted', async () => {
    // As where the Pod's window is small: on loopback the kernel takes at once what is kept.
    const { send } = H1Upstream.prototype;
    const waits = vi.spyOn(H1Upstream.prototype, 'send').mockImplementation(function (
      this: H1Upstream,
      ...args: Parameters<typeof send>
    ) {
      send.apply(this, args);
      return 'waits';
    });
    const later = vi.spyOn(H1Upstream.prototype, 'whenFlushed').mockImplementation(() => {});
    onTestFinished(() => {
      waits.mockRestore();
      later.mockRestore();
    });
    const {
      pods,
      plane,
      client: dial,
    } = await scene({
      scripts: [{ onRequest: () => {} }, {}],
      leader: 'db-0',
      rules: [{ selection: leaderSelection() }],
    });
    const client = await dial();
    client.send(`${ask(LENGTH)}hello`);
    await pods[0]!.request(1);
    plane.setLeader('db-1');
    expectProblem(await client.response('POST'), 'upstream_reset', true);
    await pods[0]!.connectionOver();
    expect(pods[1]!.total).toBe(0);
  });

  it('one that the kernel has is left to end as it may', async () => {
    let answer = (): void => {};
    const onRequest: PodScript['onRequest'] = (c, r) => {
      answer = () => c.answer('done', r);
    };
    const {
      pods,
      plane,
      client: dial,
    } = await scene({
      scripts: [{ onRequest }, {}],
      leader: 'db-0',
      rules: [{ selection: leaderSelection() }],
    });
    const client = await dial();
    client.send(`${ask(LENGTH)}hello`);
    await pods[0]!.request(1);
    plane.setLeader('db-1');
    await pause(20);
    answer();
    expect((await client.response('POST')).body.toString()).toBe('done');
    expect(plane.plane.report().tunnels).toEqual([]);
  });
});
