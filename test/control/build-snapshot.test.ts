/** What makes a part of a snapshot another one, and what it holds then. */
import { describe, expect, it } from 'vitest';
import { type BackendInput, buildSnapshot, type LeadershipInput } from '../../src/control/build-snapshot.ts';
import { emptySnapshot } from '../../src/model/empty.ts';
import type { PodView } from '../../src/model/pod.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../../src/model/snapshot.ts';
import { pod } from '../data/fixtures.ts';
import { backendConfig, configWith } from '../helpers/config.ts';

const backend = backendConfig();
const config = configWith({ backends: [backend] });
const first = pod(0);

const nobody: LeadershipInput = {
  state: 'none',
  leaderId: null,
  term: null,
  claimants: [],
  revision: 1,
  reign: 0,
  reason: 'no Pod claims to lead',
};

function build(
  previous: RoutingSnapshot | null,
  part: Partial<BackendInput> = {},
  hash = 'x',
): RoutingSnapshot {
  const input: BackendInput = { config: backend, pods: [first], leadership: nobody, ...part };
  return buildSnapshot(previous ?? emptySnapshot(config, hash), config, hash, [input]);
}

const db = (snapshot: RoutingSnapshot): BackendSnapshot => snapshot.backends.get('db')!;

describe('what is equal is the very same', () => {
  it('the whole snapshot, where nothing changed', () => {
    const before = build(null);
    expect(
      build(before, { pods: [{ ...first, addresses: [...first.addresses] }], leadership: { ...nobody } }),
    ).toBe(before);
  });

  it.each<[string, Partial<PodView>]>([
    ['state', { state: 'unready' }],
    ['reason', { reason: 'answered 204' }],
    ['name', { name: 'db-00' }],
    ['label', { label: '' }],
    ['dnsName', { dnsName: 'other' }],
    ['ordinal', { ordinal: 3 }],
    ['port', { port: 81 }],
    ['addresses', { addresses: ['127.0.0.2'] }],
    ['order of addresses', { addresses: ['::1', '127.0.0.1'] }],
  ])('a Pod with another %s is another view, and its backend another', (_, part) => {
    const before = build(null, { pods: [{ ...first, addresses: ['127.0.0.1', '::1'] }] });
    const changed = { ...db(before).pods[0]!, ...part };
    const after = build(before, { pods: [changed] });
    expect(db(after).pods).toEqual([changed]);
    expect(after.version).toBe(before.version + 1);
  });

  it.each<[string, Partial<LeadershipInput>]>([
    ['revision', { revision: 2 }],
    ['yielding', { yielding: 7 }],
    ['reign', { reign: 7 }],
    ['state', { state: 'conflict' }],
    ['term', { term: '7' }],
    ['reason', { reason: 'db-0 claims but is unready' }],
    ['claimants', { claimants: ['db-0'] }],
    ['leader', { state: 'known', leaderId: first.id }],
  ])('leadership with another %s is shown', (_, part) => {
    const before = build(null);
    const after = build(before, { leadership: { ...nobody, ...part } });
    const { leaderId: _id, ...shown } = part;
    expect(db(after).leadership).toMatchObject(shown);
    expect(after).not.toBe(before);
    expect(db(after).pods).toBe(db(before).pods);
    expect(db(after).byOrdinal).toBe(db(before).byOrdinal);
  });

  it('another configuration of the backend, or of the whole, is shown though all else is equal', () => {
    const before = build(null);
    const other = backendConfig({ ejection: { consecutiveFailures: 5, baseTimeMs: 10_000, maxPercent: 50 } });
    expect(db(build(before, { config: other })).config).toBe(other);
    expect(build(before, {}, 'y')).toMatchObject({ configHash: 'y', version: before.version + 1 });
    expect(db(build(before, {}, 'y'))).toBe(db(before));
  });
});

describe('order and ordinals', () => {
  it('Pods stand by ordinal, then name, then age', () => {
    const [ten, two, nameless, older, newer] = [
      pod(10),
      pod(2),
      pod(-1, 'ready', { name: '10.0.0.9' }),
      pod(3, 'draining'),
      pod(3),
    ];
    const other = pod(-1, 'ready', { name: '10.0.0.8' });
    const { pods } = db(build(null, { pods: [ten, newer, two, older, nameless, other] }));
    expect(pods).toEqual([other, nameless, two, older, newer, ten]);
  });

  it.each<[string, PodView[], number | null]>([
    ['the ready one of two', [pod(1, 'unready'), pod(1, 'ready')], 1],
    ['the ready one, though it is the older', [pod(1, 'ready'), pod(1, 'unready')], 0],
    ['the newer of two ready ones', [pod(1), pod(1)], 1],
    ['the newer of two unready ones', [pod(1, 'unready'), pod(1, 'unready')], 1],
    ['an ejected one where there is no other', [pod(1, 'ejected')], 0],
    ['nobody, where the only one drains', [pod(1, 'draining')], null],
    ['the unready successor of one that drains', [pod(1, 'draining'), pod(1, 'unready')], 1],
  ])('an ordinal is %s', (_, pods, index) => {
    for (const order of [pods, pods.toReversed()]) {
      const { byOrdinal } = db(build(null, { pods: order }));
      expect(byOrdinal.get(1)).toBe(index === null ? undefined : pods[index]);
    }
  });

  it('followers are the ready Pods but the leader, and every ready Pod while nobody leads', () => {
    const pods = [pod(0), pod(1), pod(2, 'unready')];
    const led = build(null, { pods, leadership: { ...nobody, state: 'known', leaderId: pods[0]!.id } });
    expect(db(led).followers).toEqual([pods[1]]);
    expect(db(build(led, { pods })).followers).toEqual([pods[0], pods[1]]);
  });
});
