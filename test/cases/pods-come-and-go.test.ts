import { createServer } from 'node:net';
import { expect } from 'vitest';
import { pause, poll } from '../helpers/waiting.ts';
import { gate } from './support/answers.ts';
import { failures, Load } from './support/load.ts';
import { scenario, timed } from './support/scenario.ts';
import { rule } from './support/sidecar-config.ts';

// Health and discovery end to end: cases H1 to H5, N9, N10 and promise 7 of SPEC 6.

const READS = [rule({ type: 'Balance' })];

// caddyserver/caddy#6291
scenario(
  'H1 a probe that is answered with a redirect follows it nowhere; `expect` narrows what counts',
  {
    pods: 2,
    leader: null,
    rules: READS,
    backend: ({ role }) => ({
      health: {
        httpGet: { path: '/probe', port: role },
        expect: { status: [200] },
        period: '60ms',
        timeout: '1s',
        failureThreshold: 1,
      },
    }),
    moreBackends: ({ ports, nameserver }) => [
      {
        name: 'lenient',
        service: 'db.test.svc.cluster.local',
        port: 'http',
        discovery: { nameservers: [nameserver], refresh: { min: '50ms', max: '200ms' } },
        health: { httpGet: { path: '/probe', port: ports.role }, period: '60ms', timeout: '1s' },
      },
    ],
  },
  async (scene) => {
    let followed = 0;
    const elsewhere = createServer((socket) => {
      followed++;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => elsewhere.once('listening', resolve));
      const { port } = elsewhere.address() as { port: number };
      for (const [n, pod] of scene.pods.entries())
        pod.onProbe = (path, response) => {
          if (path === '/login') followed++;
          const Location = n === 0 ? '/login' : `http://127.0.0.1:${port}/login`;
          response.writeHead(path === '/probe' ? 302 : 200, { Location }).end();
          return true;
        };
      const { pods } = await scene.until(
        (now) => now.pods.length === 2 && now.pods.every((pod) => pod.reason.includes('302')),
        'reason',
      );
      expect(pods.map(({ state }) => state)).toEqual(['unready', 'unready']);
      expect(await scene.ask('/r')).toMatchObject({ status: 503, failure: 'no_endpoint' });
      // 200 to 399 is success for a health probe, as for the kubelet.
      expect(await scene.metric('headroute_pods', 'backend="lenient"', 'state="ready"')).toBe(2);
      expect(followed).toBe(0);
    } finally {
      elsewhere.close();
    }
  },
);

// apache/apisix#4796
scenario(
  'H3 requests that succeed lift no Pod that its probe calls bad',
  {
    pods: 2,
    leader: null,
    rules: [
      {
        ...rule({ type: 'Ordinal', ordinal: 0, whenUnavailable: 'Fail' }),
        name: 'zero',
        matches: [{ path: { type: 'PathPrefix', value: '/zero' } }],
      },
      ...READS,
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    const load = new Load(scene.port, 4, 'GET');
    await poll(() => scene.db0.requests.length > 5, 'db-0 answers well');
    scene.db0.healthy = false;
    await scene.untilPod('db-0', ({ state }) => state === 'unready', 'unready');
    // Answers that were under way come in, successes, while the probe keeps failing.
    // What was picked before that has arrived.
    await pause(40);
    const before = scene.db0.requests.length;
    expect(before).toBeGreaterThan(0);
    const start = performance.now();
    while (performance.now() - start < 400) {
      expect((await scene.backend()).pods[0]).toMatchObject({ name: 'db-0', state: 'unready' });
      await pause(10);
    }
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
    expect(scene.db0.requests.length).toBe(before);
    expect(await scene.ask('/zero')).toMatchObject({ status: 503, failure: 'ordinal_unavailable' });
  },
);

// apache/apisix#4906
for (const [what, headers, expected] of [
  ['the DNS name of the Pod', undefined, (name: string) => `${name}.db.test.svc.cluster.local`],
  ['what the probe headers say', [{ name: 'Host', value: 'health.example' }], () => 'health.example'],
] as const)
  scenario(
    `H4 the Host of a probe is ${what}`,
    {
      pods: 2,
      leader: null,
      rules: READS,
      backend: ({ role }) => ({
        health: {
          httpGet: { path: '/own', port: role, headers },
          period: '60ms',
          timeout: '1s',
          failureThreshold: 1,
        },
      }),
      before: ({ pods }) => {
        for (const pod of pods)
          pod.onProbe = (path, response, request) => {
            if (path !== '/own') return false;
            const host = String(request.headers.host).replace(/:\d+$/, '');
            response.writeHead(host === expected(pod.name) ? 200 : 421).end();
            return true;
          };
      },
    },
    async (scene) => {
      await scene.untilReady('db-0', 'db-1');
      expect((await scene.ask('/r')).status).toBe(200);
    },
  );

// traefik/traefik#5231, #6117
scenario(
  'H5 when every Pod fails nothing is routed, and metrics and state say so',
  { leader: null, rules: READS },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    for (const pod of scene.pods) pod.healthy = false;
    await scene.until(({ pods }) => pods.every(({ state }) => state === 'unready'), 'all unready');
    const before = scene.log().length;
    const seen = await scene.ask('/r');
    expect(seen).toMatchObject({ status: 503, failure: 'no_endpoint' });
    expect(seen.headers).toHaveProperty('retry-after');
    expect(scene.log().length).toBe(before);
    expect(await scene.metric('headroute_pods', 'state="ready"')).toBe(0);
    expect(await scene.metric('headroute_pods', 'state="unready"')).toBe(3);
  },
);

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
    const silentMs = performance.now();
    await scene.untilPod('db-2', ({ state }) => state === 'unready', 'unready');
    // failureThreshold 2: period + two timeouts at most.
    expect(performance.now() - silentMs).toBeLessThan(60 * 2 + 300 * 2 + 200);
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

// kubernetes/dns#472
scenario(
  'N10 an unready Pod that DNS publishes is never routed, and /state shows why',
  {
    leader: null,
    rules: READS,
    before: ({ pods }) => {
      pods[1]!.healthy = false;
    },
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-2');
    const { pods } = await scene.untilPod('db-1', ({ reason }) => reason.includes('503'), 'says why');
    expect(pods.find(({ name }) => name === 'db-1')).toMatchObject({
      state: 'unready',
      health: { ok: false },
    });
    const seen = await Promise.all(Array.from({ length: 40 }, (_, n) => scene.ask(`/${n}`)));
    expect(seen.every((one) => one.status === 200)).toBe(true);
    expect(scene.db1.byteCount).toBe(0);
    expect(await scene.explain('GET', '/r')).toContain('is unready');
  },
);

scenario(
  'A refused connection counts as a failed probe and brings another at once: the Pod is out long before its period',
  {
    pods: 2,
    leader: null,
    rules: READS,
    backend: { health: { tcpSocket: {}, period: '20s', timeout: '200ms', failureThreshold: 2 } },
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1');
    await scene.db0.killData();
    const seen = await Promise.all(
      Array.from({ length: 12 }, (_, n) => scene.ask(`/${n}`, { method: 'POST', body: 'x' })),
    );
    expect(seen.map((one) => one.body)).toEqual(Array(12).fill('db-1'));
    await scene.untilPod('db-0', ({ state }) => state === 'unready', 'unready', 1500);
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
