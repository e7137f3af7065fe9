import { expect } from 'vitest';
import { loopNowMs, pause } from '../helpers/waiting.ts';
import { keepAliveAgent } from './support/client.ts';
import { type Scenario, scenario } from './support/scenario.ts';
import { discoveryOf, type Json, rule } from './support/sidecar-config.ts';

// Rules that name their Pod (SPEC 2, Ordinal keys), over real DNS and Pods.

const SEGMENT = { key: { pathSegment: 2 } };
const JUMP = { type: 'JumpHash', replicas: 3, start: 0 };

function ordinal(part: Json): Json {
  return rule({ type: 'Ordinal', ...part });
}

async function where(scene: Scenario, keys: readonly string[]): Promise<Map<string, string>> {
  const seen = new Map<string, string>();
  const agent = keepAliveAgent(20);
  for (let i = 0; i < keys.length; i += 20)
    await Promise.all(
      keys.slice(i, i + 20).map(async (key) => {
        const { status, body, failure } = await scene.ask(`/t/${key}/x`, { agent });
        seen.set(key, status === 200 ? body : failure);
      }),
    );
  agent.destroy();
  return seen;
}

const KEYS = Array.from({ length: 120 }, (_, n) => (n % 2 === 0 ? `tenant-${n}` : String(n * 7919)));

// memcached/memcached-proxylibs#9, zalando/skipper#1803
for (const [whenUnavailable, instead] of [
  ['Fail', 'ordinal_unavailable'],
  ['NextOrdinal', 'db-2'],
  ['Leader', 'db-0'],
] as const)
  scenario(
    `O1 a missing middle moves no other key; its own go by whenUnavailable: ${whenUnavailable}`,
    { rules: [ordinal({ ...SEGMENT, mapping: JUMP, whenUnavailable })] },
    async (scene) => {
      scene.db0.claim = {};
      await scene.untilLeader('db-0');
      await scene.untilReady('db-0', 'db-1', 'db-2');
      const before = await where(scene, KEYS);
      expect(new Set(before.values())).toEqual(new Set(['db-0', 'db-1', 'db-2']));
      await scene.db1.crash();
      scene.publish(['db-0', 'db-2']);
      await scene.until(({ pods }) => pods.every(({ name }) => name !== 'db-1'), 'db-1 gone');
      const after = await where(scene, KEYS);
      for (const [key, pod] of before)
        expect(`${key} ${after.get(key)}`).toBe(`${key} ${pod === 'db-1' ? instead : pod}`);
    },
  );

scenario(
  'whenUnavailable Hold: waits for its own Pod, then for no longer than the hold',
  {
    leader: null,
    rules: [
      ordinal({
        ...SEGMENT,
        mapping: { type: 'Exact' },
        whenUnavailable: 'Hold',
        hold: { timeout: '1500ms' },
      }),
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    scene.db1.healthy = false;
    await scene.untilPod('db-1', ({ state }) => state === 'unready', 'unready');
    const [gone, never] = await Promise.all([scene.ask('/t/1'), scene.ask('/t/9')]);
    expect(never).toMatchObject({ status: 503, failure: 'hold_timeout' });
    expect(gone).toMatchObject({ status: 503, failure: 'hold_timeout' });
    expect(JSON.parse(gone.body).detail).toContain('db-1');
    expect(gone.doneMs - gone.sentMs).toBeGreaterThan(1400);
    const held = scene.ask('/t/db-1');
    await scene.heldCount(1);
    expect((await scene.ask('/t/2')).body).toBe('db-2');
    scene.db1.healthy = true;
    expect((await held).body).toBe('db-1');
  },
);

// k8sgpt-ai/k8sgpt#1759
for (const type of ['Modulo', 'JumpHash'] as const)
  scenario(
    `O3 ordinals that start at 5: ${type} gives 5 to 7`,
    {
      pods: ['db-5', 'db-6', 'db-7'],
      leader: null,
      rules: [ordinal({ ...SEGMENT, mapping: { type, replicas: 3, start: 5 } })],
      before: ({ dns, ports }) => void [dns, ports],
    },
    async (scene) => {
      await scene.untilReady('db-5', 'db-6', 'db-7');
      const seen = await where(scene, KEYS);
      expect(new Set(seen.values())).toEqual(new Set(['db-5', 'db-6', 'db-7']));
      if (type === 'Modulo')
        for (const [key, pod] of seen)
          if (/^\d+$/.test(key)) expect(`${key} ${pod}`).toBe(`${key} db-${5 + (Number(key) % 3)}`);
    },
  );

scenario(
  'O3 a StatefulSet that starts at 5, looked up by the names of its Pods',
  {
    pods: ['db-5', 'db-6', 'db-7'],
    leader: null,
    moreBackends: ({ nameserver, ports }) => [
      {
        name: 'set',
        service: 'db.test.svc.cluster.local',
        port: ports.data,
        discovery: { ...discoveryOf(nameserver), statefulSet: { name: 'db', replicas: 3, start: 5 } },
      },
    ],
    rules: [
      {
        name: 'all',
        backendRefs: [{ name: 'set' }],
        selection: { type: 'Ordinal', ...SEGMENT, mapping: { type: 'Modulo', replicas: 3, start: 5 } },
      },
    ],
  },
  async (scene) => {
    await scene.untilReady('db-5', 'db-6', 'db-7');
    const deadline = loopNowMs() + 3000;
    for (const [key, pod] of [
      ['0', 'db-5'],
      ['1', 'db-6'],
      ['2', 'db-7'],
      ['18446744073709551615', 'db-5'],
    ] as const) {
      let seen = await scene.ask(`/t/${key}`);
      while (seen.status !== 200 && loopNowMs() < deadline) {
        await pause(10);
        seen = await scene.ask(`/t/${key}`);
      }
      expect(`${key} ${seen.body}`).toBe(`${key} ${pod}`);
    }
    expect(scene.dns.queries.some(({ name }) => name === 'db-5.db.test.svc.cluster.local')).toBe(true);
    expect(scene.dns.queries.some(({ name }) => name.startsWith('db-0.'))).toBe(false);
  },
);

scenario(
  'Keys by header, query parameter, cookie and the own Pod; a fixed ordinal',
  {
    leader: null,
    config: { self: { podName: 'db-1' } },
    rules: [
      {
        ...ordinal({ key: { header: 'X-Shard' }, mapping: { type: 'Exact' } }),
        name: 'h',
        matches: [{ path: { type: 'Exact', value: '/h' } }],
      },
      {
        ...ordinal({ key: { queryParam: 'shard' }, mapping: { type: 'Exact' } }),
        name: 'q',
        matches: [{ path: { type: 'Exact', value: '/q' } }],
      },
      {
        ...ordinal({ key: { cookie: 'shard' }, mapping: { type: 'Modulo', replicas: 3 } }),
        name: 'c',
        matches: [{ path: { type: 'Exact', value: '/c' } }],
      },
      { ...ordinal({ key: { self: true } }), name: 's', matches: [{ path: { type: 'Exact', value: '/s' } }] },
      { ...ordinal({ ordinal: 2 }), name: 'f', matches: [{ path: { type: 'Exact', value: '/f' } }] },
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const get = async (path: string, headers: Record<string, string> = {}): Promise<string> => {
      const { status, body, failure } = await scene.ask(path, { headers });
      return status === 200 ? body : `${status} ${failure}`;
    };
    expect(await get('/h', { 'X-Shard': '2' })).toBe('db-2');
    expect(await get('/h', { 'x-shard': 'db-0' })).toBe('db-0');
    expect(await get('/h')).toBe('400 key_missing');
    expect(await get('/h', { 'X-Shard': '-1' })).toBe('400 key_missing');
    expect(await get('/h', { 'X-Shard': '01' })).toBe('400 key_missing');
    expect(await get('/h', { 'X-Shard': '7' })).toBe('503 ordinal_unavailable');
    expect(await get('/q?a=1&shard=1')).toBe('db-1');
    expect(await get('/q?shard=%32')).toBe('db-2');
    expect(await get('/q?Shard=1')).toBe('400 key_missing');
    expect(await get('/c', { Cookie: 'other=2; shard=4' })).toBe('db-1');
    expect(await get('/c', { Cookie: 'shards=4' })).toBe('400 key_missing');
    expect(await get('/s')).toBe('db-1');
    expect(await get('/f')).toBe('db-2');
  },
);

scenario(
  'Range: by bytes, bounds excluded, the last one open',
  {
    leader: null,
    rules: [
      ordinal({
        ...SEGMENT,
        mapping: {
          type: 'Range',
          ranges: [{ below: 'h', ordinal: 0 }, { below: 'p', ordinal: 1 }, { ordinal: 2 }],
        },
      }),
    ],
  },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const seen = await where(scene, ['a', 'gzzz', 'h', 'ozz', 'p', 'zebra', 'H', '0', '%C3%A9']);
    expect(Object.fromEntries(seen)).toEqual({
      a: 'db-0',
      gzzz: 'db-0',
      h: 'db-1',
      ozz: 'db-1',
      p: 'db-2',
      zebra: 'db-2',
      H: 'db-0',
      '0': 'db-0',
      '%C3%A9': 'db-2',
    });
    expect((await scene.ask('/t')).failure).toBe('key_missing');
  },
);
