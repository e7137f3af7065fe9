import { expect } from 'vitest';
import { loopNowMs, pause, poll } from '../helpers/waiting.ts';
import { gate, reset, status } from './support/answers.ts';
import { scenario, timed } from './support/scenario.ts';
import { discoveryOf, LEADER_RULE, rule, SERVICE } from './support/sidecar-config.ts';

// Balance rules, weights and ejection (SPEC 2 and 3) over real DNS and Pods.

const READS = [rule({ type: 'Balance' })];

scenario('LeastRequest prefers Pods that are not busy', { leader: null, rules: READS }, async (scene) => {
  await scene.untilReady('db-0', 'db-1', 'db-2');
  const door = gate();
  for (const pod of scene.pods) pod.answer = door.answer;
  const busy = Array.from({ length: 8 }, (_, n) => scene.ask(`/busy-${n}`));
  await poll(() => scene.log('/busy').length === 8, 'busy');
  const load = scene.pods.map(({ requests }) => requests.length);
  // Two random choices of three keep the three within a few of each other.
  expect(Math.max(...load) - Math.min(...load)).toBeLessThanOrEqual(3);
  door.open();
  await Promise.all(busy);
  let isStuck = false;
  const stuck = new Promise<void>((resolve) => {
    scene.db0.answer = () => {
      isStuck = true;
      resolve();
    };
  });
  for (const pod of [scene.db1, scene.db2]) pod.answer = (_request, response) => void response.end(pod.name);
  // One after the other: none but the one that db-0 keeps is under way when the count begins.
  for (let n = 0; !isStuck; n++) await Promise.race([scene.ask(`/stuck-${n}`), stuck]);
  // One is in flight on db-0 for good: of any two, the other is less busy.
  const tally = await scene.tally(60);
  expect(tally['db-1']! + tally['db-2']!).toBe(60);
  expect(Math.min(tally['db-1']!, tally['db-2']!)).toBeGreaterThan(5);
  scene.db0.answer = status(200);
});

for (const algorithm of ['RoundRobin', 'Random'] as const)
  scenario(
    `${algorithm} reaches every ready Pod`,
    { leader: null, rules: [rule({ type: 'Balance', algorithm })] },
    async (scene) => {
      await scene.untilReady('db-0', 'db-1', 'db-2');
      const tally = await scene.tally(90);
      expect(Object.keys(tally).sort()).toEqual(['db-0', 'db-1', 'db-2']);
      for (const count of Object.values(tally)) {
        if (algorithm === 'RoundRobin') expect(count).toBe(30);
        else expect(count).toBeGreaterThan(9);
      }
    },
  );

scenario(
  'Followers: reads go past the leader, and to it when there is no follower; all Pods while nobody leads',
  { rules: [LEADER_RULE, rule({ type: 'Balance', over: 'Followers', algorithm: 'RoundRobin' })] },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    expect(await scene.tally(9)).toEqual({ 'db-0': 3, 'db-1': 3, 'db-2': 3 });
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    expect(await scene.tally(10)).toEqual({ 'db-1': 5, 'db-2': 5 });
    for (const pod of [scene.db1, scene.db2]) pod.healthy = false;
    await scene.until(
      ({ pods }) => pods.filter(({ state }) => state === 'ready').length === 1,
      'only the leader',
    );
    expect(await scene.tally(5)).toEqual({ 'db-0': 5 });
  },
);

scenario(
  'Weights between backends',
  {
    pods: 1,
    leader: null,
    moreBackends: ({ ports, nameserver }) =>
      ['canary', 'never'].map((name) => ({
        name,
        service: `${name}.test.svc.cluster.local`,
        port: ports.data,
        discovery: discoveryOf(nameserver),
      })),
    before: ({ dns, pods }) => {
      // The canary is the same Pod: the backend shows in X-Headroute-Rule's stead by the metric.
      for (const name of ['canary', 'never'])
        dns.setRecords(`${name}.test.svc.cluster.local`, 'A', [pods[0]!.ip], 0);
    },
    rules: [
      rule(
        { type: 'Balance' },
        {
          backendRefs: [
            { name: 'db', weight: 75 },
            { name: 'canary', weight: 25 },
            { name: 'never', weight: 0 },
          ],
        },
      ),
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0');
    await poll(() => scene.dns.queries.some(({ name }) => name.startsWith('canary')), 'canary asked');
    const deadline = loopNowMs() + 3000;
    while ((await scene.metric('headroute_pods', 'state="ready"')) < 3 && loopNowMs() < deadline)
      await pause(10);
    await scene.tally(400);
    const of = (name: string): Promise<number> =>
      scene.metric('headroute_requests_total', `backend="${name}"`, 'code="200"');
    // 100 expected, standard deviation 8.7: five of them on each side.
    expect(await of('canary')).toBeGreaterThan(56);
    expect(await of('canary')).toBeLessThan(144);
    expect((await of('db')) + (await of('canary'))).toBe(400);
    expect(await of('never')).toBe(0);
  },
);

const EJECTION = { consecutiveFailures: 3, baseTime: '1s', maxPercent: 50 };

timed(
  'Ejection: a Pod that resets everything is taken out after a row of failures, and comes back',
  {
    leader: null,
    rules: [rule({ type: 'Balance', algorithm: 'RoundRobin' }, { retry: { attempts: 2, backoff: '1ms' } })],
    backend: { ejection: EJECTION },
  },
  async (scene) => {
    const { db0 } = scene;
    await scene.untilReady('db-0', 'db-1', 'db-2');
    db0.answer = reset;
    // Reads are tried again elsewhere: no client sees it.
    expect((await scene.tally(15)).upstream_reset).toBeUndefined();
    const { pods } = await scene.untilPod('db-0', ({ state }) => state === 'ejected', 'ejected');
    expect(pods[0]!.reason).toContain('3 requests failed in a row');
    expect(await scene.metric('headroute_pods', 'state="ejected"')).toBe(1);
    const count = db0.requests.length;
    expect(await scene.tally(20)).toEqual({ 'db-1': 10, 'db-2': 10 });
    expect(db0.requests.length).toBe(count);
    // A single success in between ends a row; maxPercent 50 of three is one Pod at a time.
    scene.db1.answer = reset;
    await scene.tally(20);
    expect((await scene.backend()).pods[1]).toMatchObject({ name: 'db-1', state: 'ready' });
    scene.db1.answer = (_request, response) => void response.end('db-1');
    db0.answer = (_request, response) => void response.end('db-0');
    await scene.untilPod('db-0', ({ state }) => state === 'ready', 'back', 3000);
    expect((await scene.tally(9))['db-0']).toBe(3);
  },
);

scenario(
  'Without `ejection` nothing is ejected',
  {
    pods: 2,
    leader: null,
    rules: [rule({ type: 'Balance', algorithm: 'RoundRobin' }, { retry: { attempts: 0 } })],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    scene.db0.answer = reset;
    expect(await scene.tally(40)).toEqual({ upstream_reset: 20, 'db-1': 20 });
    expect((await scene.backend()).pods.map(({ state }) => state)).toEqual(['ready', 'ready']);
  },
);

scenario(
  'Two listeners, hosts and no rule: each request goes by the rule that matches it',
  {
    pods: 2,
    leader: null,
    rules: [
      {
        name: 'host',
        hostnames: ['*.example.com'],
        backendRefs: [{ name: 'db' }],
        selection: { type: 'Ordinal', ordinal: 1 },
      },
      {
        name: 'path',
        matches: [{ path: { type: 'PathPrefix', value: '/only' } }],
        backendRefs: [{ name: 'db' }],
        selection: { type: 'Ordinal', ordinal: 0 },
      },
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    const get = async (path: string, Host: string): Promise<string> => {
      const seen = await scene.ask(path, { headers: { Host } });
      return seen.status === 200 ? seen.body : `${seen.status} ${seen.failure}`;
    };
    expect(await get('/only', 'a.example.com')).toBe('db-1');
    expect(await get('/only/x', SERVICE)).toBe('db-0');
    expect(await get('/only', 'example.com')).toBe('db-0');
    expect(await get('/onlyx', 'example.com')).toBe('404 no_route');
  },
);
