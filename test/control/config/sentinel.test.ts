import { expect, it } from 'vitest';
import { redactConfig } from '../../../src/admin/redact-config.ts';
import type { SentinelLeaderSource } from '../../../src/model/config.ts';
import { configOf, LEADER, placesOf, problemsOf, sample } from './sample.ts';

const SENTINEL = { service: 'Sentinel.prod.svc.cluster.local.', port: 'sentinel', master: 'mymaster' };

function sourceOf(leader: object): SentinelLeaderSource {
  const { source } = configOf(sample({ backend: { leader } })).backends[0]!.leader!;
  return source as SentinelLeaderSource;
}

it('Sentinels come with the probe of preset redis, whether the type is written or not', () => {
  const source = sourceOf({ type: 'Sentinel', sentinel: SENTINEL });
  expect(source).toMatchObject({
    type: 'Sentinel',
    service: 'sentinel.prod.svc.cluster.local',
    port: 'sentinel',
    master: 'mymaster',
    auth: null,
    probe: {
      type: 'Probe',
      probe: { type: 'tcp', reply: 'RESP', auth: null },
      lineage: { id: { line: 'master_replid' } },
      periodMs: 1000,
    },
  });
  expect(sourceOf({ sentinel: SENTINEL })).toEqual(source);
  expect(sourceOf({ preset: 'redis', sentinel: SENTINEL })).toEqual(source);
});

it('the Pods and the Sentinels each have their own credentials', () => {
  const source = sourceOf({
    auth: { password: 'pods' },
    sentinel: { ...SENTINEL, port: 26379, auth: { username: 'u', password: 'sentinels' } },
  });
  expect(source.port).toBe(26379);
  expect(source.auth).toEqual({ username: 'u', password: 'sentinels' });
  expect(source.probe.probe).toMatchObject({ auth: { username: null, password: 'pods' } });
});

it('what is given of the probe wins over the preset, key by key', () => {
  const { probe } = sourceOf({ sentinel: SENTINEL, probe: { period: '200ms' } });
  expect(probe).toMatchObject({ periodMs: 200, probe: { type: 'tcp' }, lineage: {} });
  expect(sourceOf({ sentinel: SENTINEL, ...LEADER }).probe.probe.type).toBe('http');
});

it.each([
  ['no Sentinels', { type: 'Sentinel' }, 'leader: needs sentinel'],
  ['no service', { sentinel: { port: 1, master: 'm' } }, 'leader.sentinel.service: is missing'],
  ['no port', { sentinel: { service: 'a.b.c', master: 'm' } }, 'leader.sentinel.port: is missing'],
  ['no master', { sentinel: { service: 'a.b.c', port: 1 } }, 'leader.sentinel.master: is missing'],
  [
    'a master that is no name',
    { sentinel: { ...SENTINEL, master: 'my master' } },
    'leader.sentinel.master: "my master" is not the name of a master: letters',
  ],
  [
    'an unknown key',
    { sentinel: { ...SENTINEL, quorum: 2 } },
    'leader.sentinel.quorum: unknown key; known here: service, port, static, master, auth',
  ],
  [
    'another preset',
    { preset: 'etcd', sentinel: SENTINEL },
    'leader.preset: does not go with type Sentinel: write preset: redis, or leave it out',
  ],
  [
    'another source beside it',
    { sentinel: SENTINEL, ordinal: 0 },
    'leader.ordinal: does not go with type Sentinel',
  ],
  [
    'the type of another source',
    { ...LEADER, type: 'Probe', sentinel: SENTINEL },
    'leader.sentinel: does not go with type Probe',
  ],
])('%s: told with what to do', (_what, leader, problem) => {
  expect(problemsOf(sample({ backend: { leader } }))).toEqual([
    expect.stringContaining(`backends[0].${problem}`),
  ]);
});

it('a mistake is told with its file, line and column', () => {
  const leader = { sentinel: { ...SENTINEL, master: '' } };
  expect(placesOf(sample({ backend: { leader } }))).toEqual([
    expect.stringMatching(/^f\.yaml:\d+:\d+: backends\[0\]\.leader\.sentinel\.master: is empty/),
  ]);
});

it('GET /config shows neither password, and none that came from the environment', () => {
  /* biome-ignore-start lint/suspicious/noTemplateCurlyInString: the syntax of the configuration file */
  const config = configOf(
    sample({
      backend: {
        leader: {
          auth: { password: '${PODS}' },
          probe: { tcp: { expect: { contains: '${PODS}' } } },
          sentinel: { ...SENTINEL, auth: { password: '${SENTINELS}' } },
        },
      },
    }),
    { PODS: 's3cret-pods', SENTINELS: 's3cret-sentinels' },
  );
  /* biome-ignore-end lint/suspicious/noTemplateCurlyInString: end of it */
  const text = JSON.stringify(redactConfig(config));
  expect(text).toContain('mymaster');
  expect(text).not.toContain('s3cret');
});
