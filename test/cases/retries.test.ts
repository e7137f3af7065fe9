import { expect } from 'vitest';
import { poll } from '../helpers/waiting.ts';
import { gate, reset, status } from './support/answers.ts';
import { scenario } from './support/scenario.ts';
import { type Json, LEADER_RULE, rule } from './support/sidecar-config.ts';

// Retries, limits and what shows of them (SPEC 2 and 3), over real DNS and Pods.

const READS = [rule({ type: 'Balance' })];

scenario(
  'connection.maxPerPod: another Pod takes what one may not, then overloaded',
  { pods: 2, leader: null, rules: READS, backend: { connection: { maxPerPod: 2 } } },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    const door = gate();
    for (const pod of scene.pods) pod.answer = door.answer;
    const taken = Array.from({ length: 4 }, (_, n) => scene.write(`/w-${n}`));
    await poll(() => scene.log('/w-').length === 4, 'four in flight');
    expect(scene.pods.map(({ requests }) => requests.length)).toEqual([2, 2]);
    const over = await scene.write('/over');
    expect(over).toMatchObject({ status: 503, failure: 'overloaded' });
    expect(over.headers['retry-after']).toBeDefined();
    expect(over.headers['x-headroute-sent']).toBe('false');
    expect(scene.log('/over')).toEqual([]);
    door.open();
    expect((await Promise.all(taken)).map((seen) => seen.status)).toEqual([200, 200, 200, 200]);
    expect((await scene.write('/later')).status).toBe(200);
  },
);

scenario(
  'debugHeaders name rule, Pod and attempts, on own errors too; without them nothing',
  {
    pods: 2,
    rules: [
      LEADER_RULE,
      rule({ type: 'Balance', algorithm: 'RoundRobin' }, { retry: { attempts: 2, codes: [503] } }),
    ],
    listener: { debugHeaders: true },
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    scene.db0.answer = status(503);
    for (let n = 0; n < 4; n++) {
      const { headers, body } = await scene.ask('/r');
      expect(body).toBe('db-1');
      expect(headers['x-headroute-rule']).toBe('all');
      expect(headers['x-headroute-pod']).toBe('db-1');
      expect(['1', '2']).toContain(headers['x-headroute-attempts']);
    }
    for (const pod of scene.pods) pod.answer = reset;
    const failed = await scene.ask('/r');
    expect(failed.headers).toMatchObject({
      'x-headroute-failure': 'upstream_reset',
      'x-headroute-attempts': '3',
    });
  },
);

const RETRY = (budget?: Json): Json =>
  rule(
    { type: 'Balance', algorithm: 'RoundRobin' },
    { retry: { attempts: 2, codes: [503], backoff: '1ms', ...(budget ? { budget } : {}) } },
  );

scenario(
  'retry.codes: safe methods are tried on other Pods, others get the answer as it is',
  { leader: null, rules: [RETRY()] },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    scene.db0.answer = status(503);
    expect(await scene.tally(12)).not.toHaveProperty('503');
    expect(scene.log('/m/').length).toBe(12 + scene.db0.requests.length);
    expect(scene.db0.requests.length).toBeGreaterThan(0);
    scene.db1.answer = status(503, {}, 'from db-1');
    scene.db2.answer = status(503);
    const before = scene.log().length;
    expect((await scene.ask('/all-fail')).status).toBe(503);
    // Never the same Pod twice while another is ready.
    expect(
      scene
        .log('/all-fail')
        .map(({ pod }) => pod)
        .sort(),
    ).toEqual(['db-0', 'db-1', 'db-2']);
    expect((await scene.write('/post')).status).toBe(503);
    expect(scene.log('/post')).toHaveLength(1);
    expect(scene.log().length).toBe(before + 4);
    expect(await scene.metric('headroute_retries_total', 'rule="all"', 'reason="status"')).toBe(
      scene.log().length - 14,
    );
  },
);

scenario(
  'retry.budget bounds retries when every Pod fails',
  { leader: null, rules: [RETRY({ percent: 20, minPerSecond: 1 })] },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    for (const pod of scene.pods) pod.answer = status(503);
    const start = performance.now();
    await scene.tally(60);
    const seconds = Math.ceil((performance.now() - start) / 1000) + 1;
    const retries = scene.log('/m/').length - 60;
    expect(retries).toBeGreaterThan(5);
    expect(retries).toBeLessThanOrEqual(12 + seconds);
  },
);
