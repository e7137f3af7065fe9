import { expect } from 'vitest';
import { loopNowMs, pause, poll } from '../helpers/waiting.ts';
import { gate } from './support/answers.ts';
import { failures, Load } from './support/load.ts';
import { scenario, timed } from './support/scenario.ts';
import { rule } from './support/sidecar-config.ts';

// Pods that leave, return and are replaced: case N9 and promise 7 of SPEC 6.

const READS = [rule({ type: 'Balance' })];

// coredns/coredns#7091
timed(
  'N9 a Pod that is gone while its record stays: no request to it once its probes failed, drained when it leaves DNS',
  {
    leader: null,
    rules: READS,
    backend: ({ role }) => ({
      health: {
        httpGet: { path: '/healthz', port: role },
        period: '60ms',
        timeout: '300ms',
        failureThreshold: 2,
      },
    }),
  },
  async (scene) => {
    const { db2 } = scene;
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const load = new Load(scene.port, 4, 'GET');
    await pause(100);
    // A SYN that is never answered looks like a probe that gets no answer.
    db2.onProbe = () => true;
    const silentMs = loopNowMs();
    await scene.untilPod('db-2', ({ state }) => state === 'unready', 'unready');
    // failureThreshold 2: period + two timeouts at most.
    expect(loopNowMs() - silentMs).toBeLessThan(60 * 2 + 300 * 2 + 200);
    await pause(20);
    const count = db2.requests.length;
    expect(count).toBeGreaterThan(0);
    await db2.crash();
    await pause(250);
    expect((await scene.backend()).pods.map(({ name }) => name)).toContain('db-2');
    scene.publish(['db-0', 'db-1']);
    await scene.until(({ pods }) => pods.length === 2, 'gone');
    await load.stop();
    expect(db2.requests.length).toBe(count);
    expect(failures(load.writes)).toEqual([]);
    expect(await scene.metric('headroute_pod_ready', 'pod="db-2"')).toBe(0);
  },
);

timed(
  'Promise 7: a Pod that leaves DNS is drained: what is in flight finishes, nothing new comes',
  { leader: null, rules: READS },
  async (scene) => {
    const { db2 } = scene;
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const door = gate();
    for (const pod of scene.pods) pod.answer = door.answer;
    const inFlight = Array.from({ length: 12 }, (_, n) => scene.write(`/slow-${n}`));
    await poll(() => scene.log('/slow').length === 12, 'all are in flight');
    const count = db2.requests.length;
    expect(count).toBeGreaterThan(0);
    scene.publish(['db-0', 'db-1']);
    await scene.untilPod('db-2', ({ state }) => state === 'draining', 'drains');
    for (const pod of scene.pods) pod.answer = (_request, response) => void response.end(pod.name);
    for (let n = 0; n < 20; n++) expect((await scene.ask(`/new-${n}`)).status).toBe(200);
    door.open();
    const seen = await Promise.all(inFlight);
    expect(seen.map((one) => one.status)).toEqual(Array(12).fill(200));
    expect(db2.requests.length).toBe(count);
    await scene.until(({ pods }) => pods.length === 2, 'forgotten once drained');
  },
);

timed(
  'Promise 7: a rolling restart of every Pod, each with a new address, fails no request',
  {},
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const reads = new Load(scene.port, 3, 'GET');
    const writes = new Load(scene.port, 3, 'POST');
    const names = ['db-0', 'db-1', 'db-2'];
    let leader = 'db-0';
    for (const name of ['db-2', 'db-1', 'db-0']) {
      const old = scene.pods.findLast((pod) => pod.name === name)!;
      if (leader === name) {
        // A clean step-down before it goes.
        leader = 'db-2';
        old.claim = false;
        scene.pods.findLast((pod) => pod.name === leader)!.claim = {};
      }
      scene.publish(names.filter((other) => other !== name));
      await scene.until(
        ({ pods }) => !pods.some((pod) => pod.name === name && pod.state !== 'draining'),
        `${name} leaves`,
      );
      // terminationGracePeriod: it ends when nothing is under way.
      await pause(80);
      await old.crash();
      const fresh = await scene.replace(name);
      scene.publish(names);
      await scene.until(
        ({ pods }) => pods.some(({ addresses, state }) => addresses.includes(fresh.ip) && state === 'ready'),
        `${name} is back`,
      );
    }
    await scene.untilLeader('db-2');
    await pause(100);
    await Promise.all([reads.stop(), writes.stop()]);
    expect(failures(reads.writes)).toEqual([]);
    expect(failures(writes.writes)).toEqual([]);
    expect(scene.pods.slice(3).every((pod) => pod.requests.length > 0)).toBe(true);
  },
);

scenario(
  'A name that moves to another address is another Pod: the old one drains',
  { pods: 2, leader: null, rules: [rule({ type: 'Ordinal', ordinal: 1 })] },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    expect((await scene.ask('/a')).status).toBe(200);
    const count = scene.db1.requests.length;
    const fresh = await scene.replace('db-1');
    scene.publish(['db-0', 'db-1']);
    await scene.until(
      ({ pods }) => pods.some(({ addresses, state }) => addresses[0] === fresh.ip && state === 'ready'),
      'the new one',
    );
    for (let n = 0; n < 5; n++) expect((await scene.ask(`/b${n}`)).status).toBe(200);
    expect(fresh.requests).toHaveLength(5);
    expect(scene.db1.requests).toHaveLength(count);
  },
);

scenario(
  'An empty Service is not believed for emptyHold, then there is no endpoint',
  { leader: null, rules: READS, backend: {} },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    scene.publish([]);
    const emptied = performance.now();
    await pause(150);
    expect((await scene.ask('/still')).status).toBe(200);
    await scene.until(({ pods }) => pods.every(({ state }) => state === 'draining'), 'empty');
    expect(performance.now() - emptied).toBeGreaterThan(280);
    expect(await scene.ask('/r')).toMatchObject({ status: 503, failure: 'no_endpoint' });
    scene.publish(['db-1']);
    await scene.untilReady('db-1');
    expect((await scene.ask('/r')).body).toBe('db-1');
  },
);

scenario(
  'A Pod that joins gets its first request after its first good probe',
  { published: ['db-0', 'db-1'], leader: null, rules: READS },
  async (scene) => {
    const { db2 } = scene;
    db2.healthy = false;
    await scene.untilReady('db-0', 'db-1');
    const load = new Load(scene.port, 3, 'GET');
    scene.publish(['db-0', 'db-1', 'db-2']);
    await scene.untilPod('db-2', ({ reason }) => reason.includes('503'), 'was probed');
    await pause(100);
    expect(db2.byteCount).toBe(0);
    const goodMs = performance.now();
    db2.healthy = true;
    await db2.changes.until(() => db2.requests.length > 0, 'takes part', 5000);
    expect(db2.requests[0]!.atMs).toBeGreaterThan(goodMs);
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
  },
);
