import { expect, it } from 'vitest';
import { RESERVED_KEYS } from '../../../src/control/config/grammar/reserved.ts';
import { LEADER, problemsOf, sample } from './sample.ts';

const RESERVED: [string, Parameters<typeof sample>[0]][] = [
  ['listeners[0].tls', { listener: { tls: {} } }],
  ['listeners[0].protocol', { listener: { protocol: 'HTTP2' } }],
  ['backends[0].health.grpc', { backend: { health: { grpc: { port: 1 } } } }],
  [
    'backends[0].leader.learn[0].grpcStatus',
    { backend: { leader: { ...LEADER, learn: [{ status: 503, grpcStatus: 9 }] } } },
  ],
  ['backends[0].discovery.source', { backend: { discovery: { source: 'EndpointSlice' } } }],
  ['backends[0].discovery.zone', { backend: { discovery: { zone: 'a' } } }],
  ['backends[0].leader.type', { backend: { leader: { type: 'Lease' } } }],
  ['backends[0].connection.proxyProtocol', { backend: { connection: { proxyProtocol: 'v2' } } }],
  ['listeners[0].proxyProtocol', { listener: { proxyProtocol: true } }],
  ['listeners[0].rules[0].selection.affinity', { rule: { selection: { type: 'Balance', affinity: {} } } }],
  ['listeners[0].rules[0].selection.freshness', { rule: { selection: { freshness: {} } } }],
  ['listeners[0].rules[0].selection.maxLag', { rule: { selection: { maxLag: '1s' } } }],
  ['listeners[0].rules[0].hedge', { rule: { hedge: {} } }],
  ['backends[0].leader.handoff', { backend: { leader: { ...LEADER, handoff: {} } } }],
  ['backends[0].observe', { backend: { observe: {} } }],
  ['listeners[0].rules[0].filters', { rule: { filters: [] } }],
  [
    'listeners[0].rules[0].selection.mapping.type',
    { rule: { selection: { type: 'Ordinal', key: { header: 'X' }, mapping: { type: 'RendezvousHash' } } } },
  ],
  ['listeners[0].rules[0].retry.idempotencyKey', { rule: { retry: { idempotencyKey: 'X' } } }],
  ['workers', { document: { workers: 2 } }],
  ['tracing', { document: { tracing: {} } }],
  ['rehearse', { document: { rehearse: {} } }],
  ['backends[0].leader.lease', { backend: { leader: { ...LEADER, lease: { name: 'db' } } } }],
];

it('each reserved key is among them', () => {
  const walked = new Set(RESERVED.map(([path]) => path.split('.').at(-1)));
  expect([...RESERVED_KEYS].filter((key) => !walked.has(key))).toEqual([]);
});

it('an empty address is reserved under debug alone', () => {
  expect(problemsOf(sample({ listener: { address: '' } })).join()).not.toContain('not supported yet');
  expect(problemsOf(sample({ document: { admin: { address: '' } } })).join()).not.toContain('not supported');
});

it.each(RESERVED)('what is reserved is refused by name: %s', (path, parts) => {
  const problems = problemsOf(sample(parts));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(new RegExp(`^${path.replace(/[[\]]/g, '\\$&')}: .*is not supported yet$`));
});
