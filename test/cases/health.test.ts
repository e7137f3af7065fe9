import { createServer } from 'node:net';
import { expect } from 'vitest';
import { pause, poll } from '../helpers/waiting.ts';
import { gate } from './support/answers.ts';
import { ask } from './support/client.ts';
import { failures, Load } from './support/load.ts';
import { scenario } from './support/scenario.ts';
import { rule } from './support/sidecar-config.ts';

// Health end to end: cases H1 to H5 and N10.

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
    const { db0 } = scene;
    const plain = db0.answer;
    const door = gate();
    let first: (() => void) | null = null;
    db0.answer = (request, response, entry) => {
      if (!entry.url.startsWith('/zero')) plain(request, response, entry);
      else if (first === null) first = () => void request.socket.resetAndDestroy();
      else door.answer(request, response, entry);
    };
    const underWay = Array.from({ length: 4 }, (_, n) => scene.write(`/zero/${n}`));
    await poll(() => db0.got('/zero').length === 4, 'under way');
    db0.healthy = false;
    await scene.untilPod('db-0', ({ state }) => state === 'unready', 'unready');
    // A reset, then successes, come in while the probe keeps failing.
    first!();
    await pause(40);
    door.open();
    const answered = (await Promise.all(underWay)).map(({ status, failure }) => failure || status);
    expect(answered.sort()).toEqual([200, 200, 200, 'upstream_reset']);
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

scenario(
  'B17 (caddy#6410): who waits for /readyz is served at once, however slow the first probes are',
  {
    before: ({ pods }) => {
      for (const pod of pods)
        pod.onProbe = (_path, response) => {
          setTimeout(() => response.end(), 150);
          return true;
        };
    },
  },
  async (scene) => {
    await poll(async () => (await ask(scene.app.admin.port, '/readyz')).status === 200, '/readyz', 8000);
    expect(await scene.ask('/r')).toMatchObject({ status: 200 });
  },
);
