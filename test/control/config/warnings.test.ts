import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseConfig } from '../../../src/control/config/parse.ts';
import { formatWarning } from '../../../src/control/config/problem.ts';
import { LEADER, sample, textOf } from './sample.ts';

function warningsOf(document: Parameters<typeof textOf>[0]): string[] {
  const result = parseConfig(textOf(document), 'f.yaml', {});
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.warnings.map((warning) => formatWarning(warning).replace(/^f\.yaml:\d+:\d+: warning: /, ''));
}

const writes = {
  name: 'writes',
  matches: [{ method: ['GET', 'POST', 'PUT'] }],
  backendRefs: [{ name: 'db' }],
  selection: { type: 'Leader' },
};

const beside = (...rules: object[]) =>
  warningsOf(sample({ backend: { leader: LEADER }, listener: { rules: [writes, ...rules] } }));

const under = (value: string, rule: object = {}, match: object = {}) => ({
  name: 'other',
  matches: [{ path: { value }, ...match }],
  backendRefs: [{ name: 'db' }],
  ...rule,
});

it('the example of the contract has the one that the contract names, with its place', () => {
  const example = readFileSync(new URL('./files/contract.yaml', import.meta.url), 'utf8');
  const result = parseConfig(example, 'f.yaml', {});
  expect(result.ok && result.warnings.map(formatWarning)).toEqual([
    'f.yaml:70:9: warning: listeners[0].rules[1]: takes POST, PUT, PATCH, DELETE under /t/ from writes, being more specific, and its Pod need not lead: if only reads are meant, add method: [GET, HEAD] to its matches',
  ]);
});

it('a service that only a search list would complete, wherever one is named', () => {
  expect(warningsOf(sample({ backend: { service: 'db' } }))).toEqual([
    'backends[0].service: "db" is asked as it stands, without search domains: a Service is db.NAMESPACE.svc.cluster.local',
  ]);
  expect(warningsOf(sample({ backend: { service: 'db.prod.svc' } }))).toEqual([]);
  expect(warningsOf(sample({ backend: { leader: { dns: { service: 'db-leader.prod' } } } }))).toEqual([
    expect.stringMatching(/^backends\[0\]\.leader\.dns\.service: "db-leader\.prod" is asked as it stands/),
  ]);
  const sentinel = { service: 'redis', port: 26379, master: 'm' };
  expect(warningsOf(sample({ backend: { leader: { sentinel } } }))).toEqual([
    expect.stringMatching(/^backends\[0\]\.leader\.sentinel\.service: "redis"/),
  ]);
});

it('a wait that the request never lives to see the end of', () => {
  const rule = (selection: object, request: string) =>
    warningsOf(sample({ backend: { leader: LEADER }, rule: { selection, timeouts: { request } } }));
  expect(rule({ type: 'Leader' }, '5s')).toEqual([
    'listeners[0].rules[0].timeouts.request: 5s ends every wait before selection.hold.timeout (10s) does: make that shorter, so that the answer says what was waited for',
  ]);
  expect(rule({ type: 'Leader' }, '10s')).toEqual([]);
  expect(rule({ type: 'Leader' }, '0s')).toEqual([]);
  expect(rule({ type: 'Leader', hold: { timeout: '0s' } }, '5s')).toEqual([]);
  expect(rule({ type: 'Ordinal', ordinal: 0 }, '5s')).toEqual([]);
  expect(rule({ type: 'Ordinal', ordinal: 0, whenUnavailable: 'Hold' }, '5s')).toHaveLength(1);
});

it('a rule that takes writes from a Leader rule without saying so', () => {
  expect(beside(under('/t'))).toEqual([
    expect.stringContaining(
      'listeners[0].rules[1]: takes POST, PUT under /t from writes, being more specific',
    ),
  ]);
  expect(beside(under('/t', { selection: { type: 'FanOut', allowUnsafe: true } }))).toHaveLength(1);
});

it.each([
  ['that names its methods', under('/t', {}, { method: 'POST' })],
  ['that goes to the leader too', under('/t', { selection: { type: 'Leader' } })],
  ['that refuses writes', under('/t', { selection: { type: 'FanOut' } })],
  ['that is less specific', { name: 'reads', backendRefs: [{ name: 'db' }] }],
])('no word of a rule %s', (_what, rule) => expect(beside(rule)).toEqual([]));

it('no word of a rule whose writes another sends to the leader before', () => {
  expect(
    beside(under('/t'), {
      ...writes,
      name: 'tenant-writes',
      matches: [{ path: { value: '/t' }, method: ['POST', 'PUT'] }],
    }),
  ).toEqual([]);
  expect(
    beside(under('/t'), {
      ...writes,
      name: 'tenant-writes',
      matches: [{ path: { value: '/t' }, method: 'POST' }],
    }),
  ).toEqual([expect.stringContaining('takes PUT under /t from writes')]);
});

it('no word of a rule for another host, another backend or another value of a header', () => {
  const other = { name: 'other', service: 'o.prod.svc.cluster.local', port: 80 };
  const db = { name: 'db', service: 'db.prod.svc.cluster.local', port: 80, leader: LEADER };
  expect(
    warningsOf(
      sample({
        document: { backends: [db, other] },
        listener: { rules: [writes, under('/t', { backendRefs: [{ name: 'other' }] })] },
      }),
    ),
  ).toEqual([]);
  const header = (value: string) => ({ headers: [{ name: 'X-A', value }] });
  const rules = [{ ...writes, matches: [{ method: 'POST', ...header('1') }] }, under('/t', {}, header('2'))];
  expect(warningsOf(sample({ backend: { leader: LEADER }, listener: { rules } }))).toEqual([]);
  const hosts = [{ ...writes, hostnames: ['a.example.com'] }, under('/t', { hostnames: ['b.example.com'] })];
  expect(warningsOf(sample({ backend: { leader: LEADER }, listener: { rules: hosts } }))).toEqual([]);
});

it('a backend that no rule names', () => {
  const idle = { name: 'idle', service: 'i.prod.svc.cluster.local', port: 80 };
  const db = { name: 'db', service: 'db.prod.svc.cluster.local', port: 80 };
  const document = { backends: [db, idle] };
  expect(warningsOf(sample({ document }))).toEqual([
    'backends[1]: no rule sends to idle, but its Pods are looked up and probed all the same',
  ]);
  expect(
    warningsOf(sample({ document, rule: { backendRefs: [{ name: 'db' }, { name: 'idle', weight: 0 }] } })),
  ).toEqual([]);
});
