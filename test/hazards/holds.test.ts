/**
 * How long a request is held, and what is counted when its hold ends.
 *
 * Story: a request that is held again after each refusal waits for ever if each hold has the whole time anew; one that got a 503
 * was counted among those that were released.
 * Sources: SPEC 3 Holding; docs/metrics.md.
 */
import { describe, expect, it } from 'vitest';
import type { RuleConfig } from '../../src/model/config.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { ordinalSelection } from '../data/fixtures.ts';
import { HOLD, leaderSelection, type TestPlane } from '../helpers/data-plane.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, lines, scene } from '../helpers/scene.ts';
import { poll } from '../helpers/waiting.ts';

const POST = `${lines('POST /w HTTP/1.1', 'Host: a', 'Content-Length: 5')}hello`;

describe('how a hold ended, in headroute_hold_duration_seconds', () => {
  const count = ({ metrics }: TestPlane, outcome: string): number =>
    metrics.holdDuration.with('db', outcome).counts.reduce((sum, n) => sum + n, 0);
  const counts = (plane: TestPlane): Record<string, number> =>
    Object.fromEntries(['released', 'abandoned', 'timeout'].map((name) => [name, count(plane, name)]));

  it('sent on: released', async () => {
    const { plane, client: dial } = await scene({
      leader: { state: 'none' },
      rules: [{ selection: leaderSelection() }],
    });
    const pending = (await dial()).exchange(POST);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'the hold');
    plane.setLeader('db-0');
    expect((await pending).status).toBe(200);
    expect(counts(plane)).toEqual({ released: 1, abandoned: 0, timeout: 0 });
  });

  it('a Pod comes that may have no more requests: the second of two is overloaded, and was not released', async () => {
    const {
      pod,
      plane,
      client: dial,
    } = await scene({
      scripts: [{ onRequest: () => {} }],
      leader: { state: 'none' },
      connection: { maxPerPod: 1 },
      rules: [{ selection: leaderSelection() }],
    });
    (await dial()).send(POST);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'the first hold');
    const second = (await dial()).exchange(POST);
    await poll(() => plane.metric('headroute_held_requests') === 2, 'the second hold');
    plane.setLeader('db-0');
    expectProblem(await second, 'overloaded', false);
    await pod.request(1);
    expect(counts(plane)).toEqual({ released: 1, abandoned: 1, timeout: 0 });
    expect(plane.metric('headroute_held_requests')).toBe(0);
  });

  it('what it waited for cannot come any more: a 503, and not released', async () => {
    const { plane, client: dial } = await scene({
      leader: { state: 'none' },
      rules: [{ selection: leaderSelection() }],
    });
    const pending = (await dial()).exchange(POST);
    await poll(() => plane.metric('headroute_held_requests') === 1, 'the hold');
    plane.setLeader({ state: 'unconfigured' });
    expectProblem(await pending, 'no_leader', false);
    expect(counts(plane)).toEqual({ released: 0, abandoned: 1, timeout: 0 });
  });
});

describe('several holds of one request share one hold.timeout', () => {
  const match = (value: string) => [
    { path: { type: 'Exact' as const, value }, methods: [], headers: [], queryParams: [] },
  ];
  /** Waits for a Pod that there is not: its answer comes after exactly `timeoutMs`. */
  const watch = (path: string, timeoutMs: number): Partial<RuleConfig> => ({
    name: path,
    matches: match(path),
    selection: ordinalSelection({ ordinal: 7, whenUnavailable: 'Hold', hold: { ...HOLD, timeoutMs } }),
  });
  const NOT_ME = 'HTTP/1.1 421 X\r\nContent-Length: 0\r\n\r\n';

  it.each<[string, PodScript, boolean, number]>([
    ['the leader refuses its connection', {}, true, 0],
    ['the leader turns it away', { onRequest: (c) => c.write(NOT_ME) }, false, 1],
  ])(
    '%s after 400 of 700 ms: it ends before one that came after it and waits for 850 ms',
    async (_, script, refuses, sends) => {
      const ended: string[] = [];
      const logger = {
        ...silentLogger,
        info: (line: object) => void ended.push((line as { path: string }).path),
      };
      const {
        pod,
        plane,
        client: dial,
      } = await scene({
        scripts: [script],
        leader: { state: 'none' },
        learn: [{ status: [421], location: false, header: null }],
        rules: [
          watch('/400', 400),
          watch('/850', 850),
          { name: 'writes', selection: leaderSelection({ hold: { timeoutMs: 700 } }) },
        ],
        access: true,
        logger,
      });
      if (refuses) pod.refuse();
      const held = (count: number) =>
        poll(() => plane.metric('headroute_held_requests') === count, `${count} held`);
      const written = (await dial()).exchange(POST);
      await held(1);
      const [early, late] = [await dial(), await dial()];
      early.send(lines('GET /400 HTTP/1.1', 'Host: a'));
      late.send(lines('GET /850 HTTP/1.1', 'Host: a'));
      await held(3);
      await early.response();
      plane.setLeader('db-0');
      await poll(() => plane.outcomes.some(({ kind }) => kind !== 'held'), 'the leader to be tried');
      expectProblem(await written, 'hold_timeout', sends > 0);
      await late.response();
      expect(ended).toEqual(['/400', '/w', '/850']);
      expect(pod.requests.length).toBe(sends);
    },
  );
});
