/** Who leads by whom it has followed (SPEC 3, Lineage; docs/adr/0009-lineage.md), history by history. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  A,
  B,
  claimant,
  config,
  follower,
  member,
  probedBackend,
  twoPods,
  type World,
  world,
} from '../harness.ts';

const SHOWS = { lineage: { id: { json: '/id' }, previous: { json: '/previous' } } };
const C = '10.0.0.3';
const GONE = { health: 'refused', leader: 'refused', delayMs: 0 } as const;
const SILENT = { leader: 'timeout', health: 'success' } as const;

let w: World;
afterEach(() => w.plane.close());

const leads = (): string | null => w.backend().leadership.leader?.name ?? null;
const state = (): string => w.backend().leadership.state;
const reason = (): string => w.backend().leadership.reason;

/** db-0 leads with the id a; db-1 and db-2 follow it. */
async function threePods(part: Parameters<typeof probedBackend>[0] = {}): Promise<void> {
  w = world(config([probedBackend({ ...SHOWS, ...part })]));
  w.pods.set(C, follower());
  await twoPods(w, claimant({ lineage: ['a'] }), follower());
  w.members([member('db-0', A), member('db-1', B), member('db-2', C)]);
  await w.run(30);
  expect(leads()).toBe('db-0');
}

/** Every leader from now on, in order. */
function leaders(): (string | null)[] {
  const seen: (string | null)[] = [];
  w.cell.subscribe(() => {
    if (seen.length === 0 || seen.at(-1) !== leads()) seen.push(leads());
  });
  return seen;
}

describe('a planned failover: the old one says for ten seconds that it leads, too', () => {
  it('the successor leads at once, and stays when the old one gives up', async () => {
    await threePods();
    const seen = leaders();
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(1100);
    expect(leads()).toBe('db-1');
    expect(reason()).toBe('db-1 claims to lead; it has succeeded db-0, which claims too');
    await w.run(10_000);
    w.pods.set(A, follower());
    await w.run(2000);
    expect(seen.filter((name) => name !== null)).toEqual(['db-1']);
  });

  it('the old one does not lead again while the new one is only silent, however long', async () => {
    await threePods();
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(1100);
    w.pods.set(B, claimant(SILENT));
    const seen = leaders();
    await w.run(60_000);
    expect(seen).toEqual([null]);
    expect(reason()).toBe('db-0 claims, but db-1, which led last, has succeeded it');
  });

  it('it does once the new one says that it does not lead: the promotion was taken back', async () => {
    await threePods();
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(1100);
    w.pods.set(B, follower());
    await w.run(1100);
    expect(leads()).toBe('db-0');
  });

  it('it does not, either, after a reload of how is asked, or one that changes whose Pods they are', async () => {
    await threePods();
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(1100);
    w.plane.apply(config([probedBackend({ ...SHOWS, timeoutMs: 400 })]), 'second');
    await w.run(1100);
    expect(leads()).toBe('db-1');
    w.pods.set(B, claimant(SILENT));
    await w.run(5000);
    expect(leads()).toBeNull();
    const { plane } = w;
    const other = { ...probedBackend(SHOWS), port: 'other' };
    const next = plane.prepare(config([other]), 'third');
    w.members([member('db-0', A), member('db-1', B), member('db-2', C)]);
    await w.run(700);
    next.commit();
    await w.run(2000);
    expect(reason()).toBe('db-0 claims, but db-1, which led last, has succeeded it');
  });

  it('it can be let lead by hand', async () => {
    await threePods();
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(1100);
    w.pods.set(B, claimant(SILENT));
    await w.run(5000);
    w.plane.forgetTerm('db');
    await w.run(200);
    expect(leads()).toBe('db-0');
  });
});

describe('kill -9, and the killed one comes back', () => {
  beforeEachKill();

  it('empty: it takes nothing from the new leader, and does not conflict with it', async () => {
    const seen = leaders();
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(11_000);
    w.pods.set(A, follower());
    await w.run(2000);
    expect(seen.every((name) => name === 'db-1')).toBe(true);
  });

  it('the words say so', async () => {
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(3000);
    expect(reason()).toBe('db-1 claims to lead; db-0 claims too but was never promoted');
  });

  it('empty, and the new leader falls silent: it does not lead instead', async () => {
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(3000);
    w.pods.set(B, claimant(SILENT));
    await w.run(20_000);
    expect(leads()).toBeNull();
    expect(reason()).toBe(
      'db-0 claims but was never promoted, and db-1, which led last, has not said that it leads no more',
    );
  });

  it('… nor when the new leader turns unready', async () => {
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(3000);
    w.pods.set(B, claimant({ health: 'failure', lineage: ['b', 'a'] }));
    await w.run(20_000);
    expect(leads()).toBeNull();
  });

  it('… but after 30 s it does: there may be nobody else any more', async () => {
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(3000);
    w.pods.set(B, claimant(SILENT));
    await w.run(35_000);
    expect(leads()).toBe('db-0');
  });

  it('… and at once when the new leader has left DNS', async () => {
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(3000);
    w.pods.set(B, GONE);
    w.members([member('db-0', A), member('db-2', C)]);
    await w.run(200);
    expect(leads()).toBe('db-0');
  });

  it('with its data, and the id of before as the previous one: right or wrong, so refused', async () => {
    w.pods.set(A, claimant({ lineage: ['a2', 'a'] }));
    await w.run(3000);
    expect(state()).toBe('conflict');
    expect(reason()).toBe(
      'db-0 (id a2, promoted from a) and db-1 (id b, promoted from a) claim to lead, and none has succeeded all others',
    );
    w.pods.set(A, follower());
    await w.run(200);
    expect(leads()).toBe('db-1');
  });

  it('with its data, and the new leader falls silent: it does not lead instead', async () => {
    w.pods.set(A, claimant({ lineage: ['a2', 'a'] }));
    await w.run(3000);
    w.pods.set(B, claimant(SILENT));
    await w.run(20_000);
    expect(leads()).toBeNull();
  });

  it('the next failover goes on from the new leader', async () => {
    w.pods.set(B, GONE);
    w.pods.set(C, claimant({ lineage: ['c', 'b'] }));
    await w.run(3000);
    expect(leads()).toBe('db-2');
    // The first one of all, which nobody told.
    w.pods.set(A, claimant({ lineage: ['a'] }));
    w.pods.set(C, claimant(SILENT));
    await w.run(40_000);
    expect(reason()).toBe('db-0 claims, but db-2, which led last, has succeeded it');
  });

  function beforeEachKill(): void {
    const start = async (): Promise<void> => {
      await threePods();
      w.pods.set(A, GONE);
      w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
      await w.run(3000);
      expect(leads()).toBe('db-1');
    };
    beforeEach(start);
  }
});

describe('what lineage does not say', () => {
  it.each<[string, readonly [string, string?] | undefined]>([
    ['follows a third: two failovers within a look', ['x', 'y']],
    ['shows no lineage', undefined],
    ['shows the same id', ['a', 'y']],
  ])('one that %s conflicts', async (_, lineage) => {
    await threePods();
    w.pods.set(B, claimant(lineage === undefined ? {} : { lineage }));
    await w.run(1100);
    expect(state()).toBe('conflict');
  });

  it('two that follow each other conflict', async () => {
    await threePods();
    w.pods.set(A, claimant({ lineage: ['a', 'b'] }));
    await w.run(1100);
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(1100);
    expect(state()).toBe('conflict');
  });

  it('a newcomer conflicts with one that has not led before: nobody knows who was first', async () => {
    w = world(config([probedBackend(SHOWS)]));
    await twoPods(w, claimant({ lineage: ['a'] }), claimant({ lineage: ['b', 'x'] }));
    await w.run(1100);
    expect(state()).toBe('conflict');
  });

  it('the leader that had a break is no leader without a break', async () => {
    await threePods();
    w.pods.set(A, claimant(SILENT));
    await w.run(4000);
    w.pods.set(A, claimant({ lineage: ['a'] }));
    w.pods.set(B, claimant({ lineage: ['b'] }));
    await w.run(1100);
    expect(state()).toBe('conflict');
  });

  it('of three the one that succeeded one of them only does not lead', async () => {
    await threePods();
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    w.pods.set(C, claimant({ lineage: ['c', 'b'] }));
    await w.run(1100);
    expect(state()).toBe('conflict');
    w.pods.set(A, follower());
    await w.run(300);
    expect(leads()).toBe('db-2');
  });

  it('the leader that was restarted in its place leads on, under another reign', async () => {
    await threePods();
    const { reign, revision } = w.backend().leadership;
    w.pods.set(A, claimant({ lineage: ['a2'] }));
    await w.run(1100);
    expect(leads()).toBe('db-0');
    expect(w.backend().leadership.reign).toBeGreaterThan(reign);
    expect(w.backend().leadership.revision).toBeGreaterThan(revision);
  });

  it('under HighestTerm the higher term comes first, whatever the lineage', async () => {
    w = world(
      config([
        (() => {
          const backend = probedBackend({ ...SHOWS, term: { json: '/term' } });
          return { ...backend, leader: { ...backend.leader!, onConflict: 'HighestTerm' as const } };
        })(),
      ]),
    );
    await twoPods(w, claimant({ lineage: ['a'], term: '9' }), follower());
    w.pods.set(B, claimant({ lineage: ['b', 'a'], term: '8' }));
    await w.run(1100);
    expect(leads()).toBe('db-0');
  });

  it('an unready claimant neither leads nor conflicts', async () => {
    await threePods();
    w.pods.set(B, follower({ health: 'failure' }));
    await w.run(8000);
    w.pods.set(B, claimant({ lineage: ['b', 'x'], health: 'failure' }));
    await w.run(2000);
    expect(leads()).toBe('db-0');
  });

  it('one that has succeeded the leader ends its reign though it is unready, and leads once it is ready', async () => {
    await threePods();
    w.pods.set(B, follower({ health: 'failure' }));
    await w.run(8000);
    w.pods.set(B, claimant({ lineage: ['b', 'a'], health: 'failure' }));
    await w.run(2000);
    expect(reason()).toBe('db-0 claims, but db-1, which claims but is unready, has succeeded it');
    w.pods.set(B, claimant({ lineage: ['b', 'a'] }));
    await w.run(200);
    expect(leads()).toBe('db-1');
  });
});
