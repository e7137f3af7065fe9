/** `/metrics` and the log of the built program (SPEC 5; SPEC 1, logs; field-cases.md M1). */
import { expect, it } from 'vitest';
import { type Family, readExposition } from '../observe/exposition.ts';
import { DbPod } from './support/pod.ts';
import { LEADER, listener, SERVICE, sidecar, stage } from './support/stage.ts';

/** SPEC 5, name by name, with its type. */
const FAMILIES: Readonly<Record<string, string>> = {
  headroute_build_info: 'gauge',
  headroute_requests_total: 'counter',
  headroute_request_duration_seconds: 'histogram',
  headroute_request_failures_total: 'counter',
  headroute_requests_in_flight: 'gauge',
  headroute_upstream_requests_total: 'counter',
  headroute_retries_total: 'counter',
  headroute_held_requests: 'gauge',
  headroute_hold_duration_seconds: 'histogram',
  headroute_pods: 'gauge',
  headroute_pod_ready: 'gauge',
  headroute_pod_leader: 'gauge',
  headroute_leader_state: 'gauge',
  headroute_leader_changes_total: 'counter',
  headroute_leaderless_seconds_total: 'counter',
  headroute_probes_total: 'counter',
  headroute_dns_lookups_total: 'counter',
  headroute_dns_lookup_duration_seconds: 'histogram',
  headroute_connections: 'gauge',
  headroute_upstream_connections: 'gauge',
  headroute_config_last_reload_successful: 'gauge',
  headroute_config_last_reload_success_timestamp_seconds: 'gauge',
};

/** Every Pod has its turn. */
const IN_TURN = [
  { name: 'all', backendRefs: [{ name: 'db' }], selection: { type: 'Balance', algorithm: 'RoundRobin' } },
];

const NAME = /^[a-z_][a-z0-9_]*$/;

/** What `promtool check metrics` would say, as far as it is a rule: HELP there, units and suffixes in the name. */
function lint(name: string, { type, help }: Family): void {
  expect(name).toMatch(NAME);
  expect(help.length).toBeGreaterThan(0);
  expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
  expect(name).not.toMatch(/_(ms|millis|milliseconds|count|sum|bucket|gauge|counter|histogram)$/);
}

it.concurrent('every family of SPEC 5 shows its TYPE before there is anything to count, and the process its own', async (test) => {
  const scene = await stage(test, []);
  scene.dns.onQuery = () => ({ do: 'drop' });
  const running = await sidecar(test, scene.document());
  const response = await fetch(`http://${running.admin}/metrics`);
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const families = readExposition(await response.text());
  const types = Object.fromEntries([...families].map(([name, { type }]) => [name, type]));
  expect(types).toMatchObject(FAMILIES);
  expect(
    Object.keys(types).filter((name) => name.startsWith('process_') || name.startsWith('nodejs_')).length,
  ).toBeGreaterThan(3);
  for (const [name, family] of families) if (name.startsWith('headroute_')) lint(name, family);
});

it.concurrent('after traffic of every kind the exposition is still strictly right, bounded in labels, and adds up', async (test) => {
  const scene = await stage(test);
  scene.pods[0]!.leads = true;
  for (const pod of scene.pods)
    pod.onRequest = (connection, request) => {
      if (request.target === '/599') connection.write('HTTP/1.1 599 Odd\r\nContent-Length: 0\r\n\r\n');
      else if (request.target === '/777') connection.write('HTTP/1.1 777 Odder\r\nContent-Length: 0\r\n\r\n');
      else connection.answer(pod.name, request);
    };
  const running = await sidecar(
    test,
    scene.document({
      backends: [scene.backend({ leader: LEADER })],
      listeners: [listener({ rules: IN_TURN })],
    }),
  );
  await running.pods(2);
  for (const path of ['/', '/599', '/777', '/%22']) await (await fetch(running.url + path)).text();
  const families = readExposition(await running.scrape());
  const requests = families.get('headroute_requests_total')!.samples;
  const counted = requests.filter(({ value }) => value > 0);
  expect(new Set(counted.map(({ labels }) => labels.code))).toEqual(new Set(['200', '599', 'other']));
  expect(requests.reduce((sum, { value }) => sum + value, 0)).toBe(4);
  const count = families
    .get('headroute_request_duration_seconds')!
    .samples.find(({ name }) => name.endsWith('_count'));
  expect(count).toMatchObject({ labels: { rule: 'all', backend: 'db' }, value: 4 });
  const sent = families.get('headroute_upstream_requests_total')!.samples;
  expect(sent.reduce((sum, { value }) => sum + value, 0)).toBe(4);
  expect(new Set(sent.map(({ labels }) => labels.pod))).toEqual(new Set(['db-0', 'db-1']));
  for (const { samples } of families.values())
    for (const { labels } of samples) expect(labels.pod ?? '').not.toMatch(/\d+\.\d+\.\d+|:/);
  expect(
    families.get('headroute_leader_state')!.samples.map(({ labels, value }) => [labels.state, value]),
  ).toEqual([
    ['known', 1],
    ['none', 0],
    ['conflict', 0],
  ]);
});

it.concurrent('M1 (linkerd2#819, cilium#23162): 1,000 Pods replaced, under the same names and under new ones, leave as many series as at the start and no memory', async (test) => {
  const count = 25;
  const scene = await stage(test, ['one']);
  // Two servers that take turns behind 25 names: a Pod is its name at an address and port.
  const [odd, even] = [scene.pods[0]!, await DbPod.start('two')];
  test.onTestFinished(() => even.close());
  const publish = (first: number, port: number): void =>
    scene.dns.setService(
      SERVICE,
      'http',
      80,
      Array.from({ length: count }, (_, n) => ({ name: `db-${first + n}`, addresses: ['127.0.0.1'], port })),
      1,
    );
  publish(0, odd.port);
  const { host, port } = scene.dns.address;
  const running = await sidecar(
    test,
    scene.document({
      backends: [
        scene.backend({
          discovery: { nameservers: [`${host}:${port}`], refresh: { min: '20ms', max: '20ms' }, absence: 1 },
          health: { tcpSocket: {}, period: '1s' },
        }),
      ],
      listeners: [listener({ rules: IN_TURN })],
    }),
  );
  const settled = (first: number, at: number): Promise<true> =>
    running.until(async () => {
      const { pods } = (await running.state()).backends[0]!;
      return (
        pods.length === count &&
        pods.every((pod) => pod.state === 'ready' && pod.port === at && Number(pod.name.slice(3)) >= first)
      );
    }, `Pods from db-${first} in place`);
  const seen = async (): Promise<{ ofPods: Set<string>; others: number; bytes: number }> => {
    for (let n = 0; n < 2 * count; n++) await (await fetch(running.url)).text();
    const families = readExposition(await running.scrape());
    const ofPods = new Set<string>();
    let others = 0;
    for (const { samples } of families.values())
      for (const { name, labels } of samples)
        if (labels.pod !== undefined) ofPods.add(`${name} ${labels.pod} ${labels.kind ?? ''}`);
        else if (name.startsWith('headroute_')) others++;
    return { ofPods, others, bytes: families.get('process_resident_memory_bytes')!.samples[0]!.value };
  };
  await settled(0, odd.port);
  const before = await seen();
  for (let round = 1; round <= 40; round++) {
    const first = round % 2 === 1 ? 0 : round * count;
    const at = round % 2 === 1 ? even.port : odd.port;
    publish(first, at);
    await settled(first, at);
  }
  publish(0, odd.port);
  await settled(0, odd.port);
  const after = await seen();
  expect(after.ofPods).toEqual(before.ofPods);
  // A look-up that timed out on a busy machine is a series too.
  expect(after.others - before.others).toBeLessThan(5);
  // V8 keeps what the many questions here made: 40 MB of which a collection leaves none. 1,000 Pods kept would be more.
  expect(after.bytes - before.bytes).toBeLessThan(80e6);
});

it.concurrent('the log is JSON, one object a line on stderr, with level, time and msg; POST /log and a reload change its level', async (test) => {
  const scene = await stage(test);
  const document = scene.document({ log: { level: 'info', access: true } });
  const running = await sidecar(test, document);
  await running.pods(2);
  await (await fetch(`${running.url}/seen?q=1`)).text();
  const access = await running.until(
    async () => running.logs.find((line) => JSON.stringify(line).includes('/seen')),
    'the access line',
  );
  expect(access.level).toBe('info');
  expect((await fetch(`http://${running.debug}/log?level=loud`, { method: 'POST' })).status).toBe(400);
  expect((await fetch(`http://${running.debug}/log?level=error`, { method: 'POST' })).status).toBe(200);
  await fetch(`http://${running.debug}/drain`, { method: 'POST' });
  await fetch(`http://${running.debug}/undrain`, { method: 'POST' });
  running.write(scene.document({ log: { level: 'debug' } }));
  await running.log('the changed configuration is in force');
  expect(running.count('draining')).toBe(0);
  running.signal('SIGTERM');
  await running.exited();
  expect(running.otherLines).toEqual([]);
  expect(running.stdout).toBe('');
  for (const line of running.logs) {
    expect(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).toContain(line.level);
    expect(new Date(line.time).toISOString()).toBe(line.time);
    expect(line.msg).toMatch(/\S/);
  }
});

it.concurrent('a log collector that goes away does not take the sidecar with it', async (test) => {
  const scene = await stage(test);
  const running = await sidecar(test, scene.document({ log: { level: 'trace', access: true } }));
  await running.pods(2);
  running.closeStreams();
  for (let n = 0; n < 20; n++) expect((await fetch(running.url)).status).toBe(200);
  running.signal('SIGTERM');
  expect(await running.exited()).toEqual({ status: 0, signal: null });
});
