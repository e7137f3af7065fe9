/** The whole path on the built program: health, weights and addresses (SPEC 2 and 3; field-cases.md H5). */
import { createServer } from 'node:net';
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { readExposition } from '../observe/exposition.ts';
import { LEADER, listener, sidecar, stage } from './support/stage.ts';

it.concurrent('H5 (traefik#5231, #6117): all Pods fail their probes: 503 no_endpoint, shown unready with the reason, gauges 0, readyz still 200', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1', 'db-2']);
  const running = await sidecar(test, scene.document());
  await running.pods(3);
  expect(await running.metric('headroute_pods', { backend: 'db', state: 'ready' })).toBe(3);
  for (const pod of scene.pods) pod.health = 500;
  await running.pods(3, 'unready');
  for (const path of ['/', '/again']) {
    const response = await fetch(running.url + path);
    expect([response.status, response.headers.get('x-headroute-failure')]).toEqual([503, 'no_endpoint']);
    await response.text();
  }
  expect(scene.pods.flatMap((pod) => pod.requests)).toEqual([]);
  const { pods } = (await running.state()).backends[0]!;
  for (const pod of pods)
    expect(pod).toMatchObject({ state: 'unready', reason: expect.stringContaining('500') });
  const families = readExposition(await running.scrape());
  const value = (name: string, key: string, of: string) =>
    families.get(name)!.samples.find(({ labels }) => labels[key] === of)?.value;
  expect(
    ['ready', 'unready', 'ejected', 'draining'].map((state) => value('headroute_pods', 'state', state)),
  ).toEqual([0, 3, 0, 0]);
  expect(['db-0', 'db-1', 'db-2'].map((pod) => value('headroute_pod_ready', 'pod', pod))).toEqual([0, 0, 0]);
  expect(families.get('headroute_probes_total')!.samples).toContainEqual(
    expect.objectContaining({ labels: { backend: 'db', pod: 'db-0', kind: 'health', result: 'failure' } }),
  );
  // Readiness is the sidecar's own: it never depends on a Pod's health.
  expect((await running.readyz()).status).toBe(200);
  const explained = await fetch(`http://${running.debug}/explain?method=GET&url=/`);
  expect(await explained.json()).toMatchObject({
    outcome: { type: 'fail', failure: 'no_endpoint', status: 503 },
  });
  // One comes back, and is used at once.
  scene.pods[2]!.health = 200;
  await running.pods(1);
  expect(await (await fetch(running.url)).text()).toBe('db-2');
});

it.concurrent('weights 90 and 10 send about a tenth to the second backend; weight 0 sends none', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1']);
  const canary = await stage(test, ['canary-0']);
  const never = await stage(test, ['never-0']);
  const backendRefs = [
    { name: 'db', weight: 90 },
    { name: 'canary', weight: 10 },
    { name: 'never', weight: 0 },
  ];
  const running = await sidecar(
    test,
    scene.document({
      backends: [scene.backend(), canary.backend({ name: 'canary' }), never.backend({ name: 'never' })],
      listeners: [listener({ rules: [{ name: 'all', backendRefs }] })],
    }),
  );
  await running.pods(2);
  await running.pods(1, 'ready', 'canary');
  await running.pods(1, 'ready', 'never');
  const client = await RawClient.connect(running.port());
  const total = 1000;
  const counts = new Map<string, number>();
  for (let n = 0; n < total; n++) {
    const { body } = await client.exchange('GET / HTTP/1.1\r\nHost: db\r\n\r\n');
    counts.set(body.toString(), (counts.get(body.toString()) ?? 0) + 1);
  }
  client.destroy();
  // Binomial with p = 0.1: six standard deviations around 100 are 43 to 157.
  expect(counts.get('canary-0')).toBeGreaterThan(43);
  expect(counts.get('canary-0')).toBeLessThan(157);
  expect(counts.get('never-0')).toBe(undefined);
  expect(Math.min(counts.get('db-0') ?? 0, counts.get('db-1') ?? 0)).toBeGreaterThan(300);
  const labels = { rule: 'all', backend: 'canary', code: '200' };
  expect(await running.metric('headroute_requests_total', labels)).toBe(counts.get('canary-0'));
});

it.concurrent('all four selections in one file, each to the right Pod', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1', 'db-2']);
  scene.pods[1]!.leads = true;
  const backendRefs = [{ name: 'db' }];
  const running = await sidecar(
    test,
    scene.document({
      backends: [scene.backend({ leader: LEADER })],
      listeners: [
        listener({
          debugHeaders: true,
          rules: [
            { name: 'writes', matches: [{ method: ['POST'] }], backendRefs, selection: { type: 'Leader' } },
            {
              name: 'tenant',
              matches: [{ path: { type: 'PathPrefix', value: '/t/' } }],
              backendRefs,
              selection: {
                type: 'Ordinal',
                key: { pathSegment: 2 },
                mapping: { type: 'Exact' },
                whenUnavailable: 'Fail',
              },
            },
            {
              name: 'search',
              matches: [{ path: { type: 'Exact', value: '/search' } }],
              backendRefs,
              selection: { type: 'FanOut', respond: 'All' },
            },
            {
              name: 'reads',
              backendRefs,
              selection: { type: 'Balance', over: 'Followers', algorithm: 'RoundRobin' },
            },
          ],
        }),
      ],
    }),
  );
  await running.pods(3);
  await running.until(
    async () => (await running.state()).backends[0]!.leadership.leader === 'db-1',
    'db-1 to lead',
  );
  const get = async (path: string, init?: RequestInit) => (await fetch(running.url + path, init)).text();
  expect(await get('/w', { method: 'POST', body: 'x' })).toBe('db-1');
  expect(await get('/t/2/x')).toBe('db-2');
  expect(await get('/t/db-0')).toBe('db-0');
  expect(JSON.parse(await get('/search'))).toMatchObject({ succeeded: 3, failed: 0 });
  expect(new Set([await get('/'), await get('/')])).toEqual(new Set(['db-0', 'db-2']));
  const response = await fetch(`${running.url}/t/0`);
  expect(await response.text()).toBe('db-0');
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'x-headroute-rule': 'tenant',
    'x-headroute-pod': 'db-0',
    'x-headroute-attempts': '1',
  });
});

const ipv6 = await new Promise<boolean>((resolve) => {
  const server = createServer();
  server.once('error', () => resolve(false));
  server.listen(0, '::1', () => server.close(() => resolve(true)));
});

it.runIf(ipv6).concurrent(
  'I5 (kuma#18341): listeners, admin and debug on [::1]; `:port` serves both families',
  async (test) => {
    const scene = await stage(test, ['db-0']);
    const running = await sidecar(
      test,
      scene.document({
        listeners: [listener({ address: '[::1]:0' }), listener({ name: 'every', address: ':0' })],
        admin: { address: ':0' },
        debug: { address: '[::1]:0' },
      }),
    );
    expect(running.address()).toMatch(/^\[::1\]:\d+$/);
    await running.pods(1);
    expect(await (await fetch(running.url)).text()).toBe('db-0');
    const forwarded = scene.pods[0]!.requests[0]!.fields.find(([name]) => name === 'X-Forwarded-For');
    expect(forwarded?.[1]).toBe('::1');
    const [, adminPort] = /:(\d+)$/.exec(running.admin)!;
    for (const host of ['127.0.0.1', '[::1]']) {
      expect((await fetch(`http://${host}:${adminPort}/livez`)).status).toBe(200);
      expect((await fetch(`http://${host}:${running.port('every')}`)).status).toBe(200);
    }
    expect(
      scene.pods[0]!.requests.map(({ fields }) => fields.find(([name]) => name === 'X-Forwarded-For')?.[1]),
    ).toEqual(['::1', '127.0.0.1', '::1']);
  },
);
