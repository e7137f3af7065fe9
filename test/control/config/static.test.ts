/** `discovery.static` and `sentinel.static`: Pods that the configuration itself names. */
import { describe, expect, it } from 'vitest';
import type { SentinelLeaderSource } from '../../../src/model/config.ts';
import { configOf, LEADER, placesOf, problemsOf, sample } from './sample.ts';

type Backend = Record<string, unknown>;

const ONE = [{ name: 'db-0', address: '127.0.0.1:5433' }];

/** A document whose backend has these Pods, without service and port unless given. */
function withStatic(pods: unknown, backend: Backend = {}, discovery: object = {}) {
  const document = sample({ backend: { discovery: { static: pods, ...discovery }, ...backend } });
  const [only] = document.backends as [Backend];
  for (const key of ['service', 'port']) if (!(key in backend)) delete only[key];
  return document;
}

it('Pods are given by IPv4, by IPv6 in brackets, or by name', () => {
  const pods = [...ONE, { name: 'db-1', address: '[::1]:5434' }, { name: 'db-2', address: 'Redis-1:6379' }];
  const [backend] = configOf(withStatic(pods)).backends;
  expect(backend!.discovery.static).toEqual([
    { name: 'db-0', address: { host: '127.0.0.1', port: 5433 } },
    { name: 'db-1', address: { host: '::1', port: 5434 } },
    { name: 'db-2', address: { host: 'redis-1', port: 6379 } },
  ]);
  expect(backend).toMatchObject({ service: '', port: 0 });
  expect(configOf(sample()).backends[0]!.discovery.static).toBeNull();
});

const GOES_NOT = 'does not go with discovery.static, which names the Pods itself: remove one of the two';

it.each<[string, object, string[]]>([
  ['a service', withStatic(ONE, { service: 'a.b.c' }), [`service: ${GOES_NOT}`]],
  ['a port', withStatic(ONE, { port: 5432 }), [`port: ${GOES_NOT}`]],
  [
    'a statefulSet',
    withStatic(ONE, {}, { statefulSet: { name: 'db', replicas: 1 } }),
    [`discovery.statefulSet: ${GOES_NOT}`],
  ],
  ['no Pod', withStatic([]), ['discovery.static: needs at least one entry']],
  ['no address', withStatic([{ name: 'a' }]), ['discovery.static[0].address: is missing']],
  [
    'an address without host',
    withStatic([{ name: 'a', address: ':1' }]),
    ['discovery.static[0].address: has no host: write for example 127.0.0.1:5433 or redis-1:6379'],
  ],
  [
    'an address without port',
    withStatic([{ name: 'a', address: '::1' }]),
    ['discovery.static[0].address: "::1" has no port: write [::1]:8080'],
  ],
  [
    'port 0',
    withStatic([{ name: 'a', address: 'a:0' }]),
    ['discovery.static[0].address: has port 0: write the port that the Pod listens on'],
  ],
  [
    'every local address',
    withStatic([{ name: 'a', address: '0.0.0.0:1' }]),
    [
      'discovery.static[0].address: 0.0.0.0 is every local address, not that of a Pod: write 127.0.0.1 or [::1]',
    ],
  ],
  [
    'one name twice',
    withStatic([...ONE, { name: 'db-0', address: 'b:1' }]),
    ['discovery.static[1].name: "db-0" is the name of entry [0] already'],
  ],
  [
    'one address twice',
    withStatic([...ONE, { name: 'db-1', address: '127.0.0.1:5433' }]),
    ['discovery.static[1].address: 127.0.0.1 port 5433 is the address of entry [0] already'],
  ],
  [
    'DNS as the leader of Pods with one address',
    withStatic([...ONE, { name: 'db-1', address: '127.0.0.1:5434' }], {
      leader: { dns: { service: 'a.b' } },
    }),
    [
      'leader: dns tells Pods apart by their IP addresses, but several of discovery.static have 127.0.0.1: ask them with probe or a preset',
    ],
  ],
])('%s: told with what to do', (_what, document, problems) => {
  expect(problemsOf(document as Backend)).toEqual(problems.map((problem) => `backends[0].${problem}`));
});

it('neither Service nor Pods: both keys of a Service are missing, once', () => {
  expect(
    placesOf('apiVersion: headroute.dev/v1alpha1\nkind: ProxyConfig\nbackends:\n  - name: db\n'),
  ).toEqual([
    'f.yaml:1:1: listeners: is missing',
    'f.yaml:4:5: backends[0].service: is missing',
    'f.yaml:4:5: backends[0].port: is missing',
  ]);
});

it('more successes than the list has Pods are told', () => {
  const document = {
    ...withStatic(ONE, { leader: LEADER }),
    ...{
      listeners: sample({ rule: { selection: { type: 'FanOut', respond: 'First', minSuccess: 2 } } })
        .listeners,
    },
  };
  expect(problemsOf(document)).toEqual([
    'listeners[0].rules[0].selection.minSuccess: 2 can never be met: backend "db" has 1 Pods',
  ]);
});

describe('Sentinels', () => {
  const sentinel = { master: 'mymaster', static: [{ name: 'sentinel-0', address: 'sentinel-0:26379' }] };

  it('are given likewise', () => {
    const { leader } = configOf(withStatic(ONE, { leader: { sentinel } })).backends[0]!;
    expect(leader!.source as SentinelLeaderSource).toMatchObject({
      type: 'Sentinel',
      service: '',
      port: 0,
      static: [{ name: 'sentinel-0', address: { host: 'sentinel-0', port: 26379 } }],
    });
  });

  it('not by a Service besides', () => {
    const both = { ...sentinel, service: 'a.b.c', port: 1 };
    const problem = 'does not go with static, which names the Sentinels itself: remove one of the two';
    expect(problemsOf(withStatic(ONE, { leader: { sentinel: both } }))).toEqual(
      ['service', 'port'].map((key) => `backends[0].leader.sentinel.${key}: ${problem}`),
    );
  });
});
