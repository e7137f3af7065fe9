/** `discovery.static` of the built program: routing, leaders and reloads as with Pods from DNS. */
import { expect, it } from 'vitest';
import type { DbPod } from './support/pod.ts';
import { type Document, LEADER, listener, sidecar, stage } from './support/stage.ts';

const FAST = { httpGet: { path: '/healthz' }, period: '100ms', timeout: '5s', failureThreshold: 1 };
const IN_FORCE = 'the changed configuration is in force';

function backend(pods: readonly DbPod[], part: Document = {}): Document {
  const list = pods.map(({ name, port }) => ({ name, address: `127.0.0.1:${port}` }));
  return { name: 'db', discovery: { static: list }, health: FAST, ...part };
}

const rules: Document[] = [
  {
    name: 'tenant',
    matches: [{ path: { type: 'PathPrefix', value: '/t' } }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'Ordinal', key: { pathSegment: 2 }, mapping: { type: 'Exact' } },
  },
  { name: 'writes', backendRefs: [{ name: 'db' }], selection: { type: 'Leader', hold: { timeout: '0s' } } },
];

it.concurrent('leader and ordinals of Pods at one address are told apart by their ports', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1', 'db-2']);
  scene.pods[1]!.leads = true;
  const running = await sidecar(
    test,
    scene.document({
      backends: [backend(scene.pods, { leader: LEADER })],
      listeners: [listener({ rules })],
    }),
  );
  await running.until(async () => (await running.state()).backends[0]!.leadership.leader === 'db-1', 'led');
  expect(await (await fetch(running.url)).text()).toBe('db-1');
  for (const pod of scene.pods)
    expect(await (await fetch(`${running.url}/t/${pod.name.at(-1)}`)).text()).toBe(pod.name);
  expect(scene.dns.queries).toEqual([]);
});

it.concurrent('a reload keeps what is known of Pods that stay, under another list and another name', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1', 'db-2']);
  const [zero, one, two] = scene.pods as [DbPod, DbPod, DbPod];
  const document = (pods: readonly DbPod[], name = 'db'): Document =>
    scene.document({
      backends: [backend(pods, { name })],
      listeners: [listener({ rules: [{ name: 'all', backendRefs: [{ name }] }] })],
    });
  const running = await sidecar(test, document([zero, one]));
  await running.pods(2);
  const joined = (name: string): number =>
    running.logs.filter((line) => line.msg === 'Pod joined' && line.pod === name).length;
  // A held answer shows that the Pod that stays is the same one, with what is under way on it.
  const answers = new Map<DbPod, () => void>();
  for (const pod of [zero, one])
    pod.onRequest = (connection, request) => answers.set(pod, () => connection.answer(pod.name, request));
  const waiting = [fetch(running.url), fetch(running.url)];
  await running.until(async () => answers.size === 2, 'one request on each');

  running.write(document([one, two]));
  await running.log(IN_FORCE);
  const pods = (await running.state()).backends[0]!.pods;
  expect(pods.map(({ name, state }) => [name, state]).sort()).toEqual([
    ['db-1', 'ready'],
    ['db-2', 'ready'],
  ]);
  for (const answer of answers.values()) answer();
  for (const response of await Promise.all(waiting)) expect(response.status).toBe(200);

  running.write(document([one, two], 'renamed'));
  await running.log(IN_FORCE, 2);
  // The same list under another name has the very same Pods: nobody joins again.
  expect([joined('db-0'), joined('db-1'), joined('db-2')]).toEqual([1, 2, 1]);
  const { name, pods: now } = (await running.state()).backends[0]!;
  expect([name, now.map((pod) => [pod.name, pod.state])]).toEqual([
    'renamed',
    [
      ['db-1', 'ready'],
      ['db-2', 'ready'],
    ],
  ]);
});

it.concurrent('from a Service to a list and back no request fails', async (test) => {
  const scene = await stage(test, ['db-0', 'db-1']);
  const running = await sidecar(test, scene.document());
  await running.pods(2);
  const statuses = new Set<number>();
  for (const [n, next] of [backend(scene.pods), scene.backend()].entries()) {
    running.write(scene.document({ backends: [next] }));
    do statuses.add((await fetch(running.url)).status);
    while (running.count(IN_FORCE) <= n);
  }
  expect([...statuses]).toEqual([200]);
});
