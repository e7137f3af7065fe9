/** What makes leadership be asked for again, how often, and what a revision tells those that wait. */
import { afterEach, describe, expect, it } from 'vitest';
import { dnsSource } from '../../../src/control/leadership/dns-source.ts';
import { EvidenceRounds } from '../../../src/control/leadership/evidence.ts';
import type { Search } from '../../../src/control/leadership/search.ts';
import type { BackendConfig, LeaderConfig } from '../../../src/model/config.ts';
import { backendConfig } from '../../helpers/config.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';
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

let w: World;
afterEach(() => w?.plane.close());

const asked = (address: string): number[] =>
  w.probes.filter(({ what }) => what === `leader ${address}`).map(({ atMs }) => atMs);
const failed = (name: string): void =>
  w.plane.report({ kind: 'failed', podId: w.pod(name).id, reason: 'reset' });
const revision = (): number => w.backend().leadership.revision;

/** Asked once a minute, so that what is asked in between is asked on evidence. */
const rarely = probedBackend({ periodMs: 60_000 });

describe('evidence', () => {
  it('during a round asks for another one after it', async () => {
    w = await twoPods(world(config([rarely])), claimant({ delayMs: 50 }), follower({ delayMs: 50 }));
    await w.run(200);
    const before = revision();
    w.probes.length = 0;
    failed('db-0');
    await w.run(25);
    failed('db-0');
    await w.run(500);
    // The second begins a tenth of a second after the first.
    const [first, second, ...more] = asked(A);
    expect([second! - first!, more]).toEqual([100, []]);
    expect(revision()).toBe(before + 2);
  });

  it('a request that fails on a Pod that does not lead is none', async () => {
    w = await twoPods(world(config([rarely])));
    await w.run(200);
    w.probes.length = 0;
    failed('db-1');
    w.plane.report({ kind: 'connect_failed', podId: w.pod('db-1').id, reason: 'refused' });
    await w.run(500);
    expect([asked(A), asked(B)]).toEqual([[], []]);
    failed('db-0');
    expect([asked(A).length, asked(B).length]).toEqual([1, 1]);
  });

  it('the leader is lost: whoever takes over is looked for at once', async () => {
    w = await twoPods(world(config([rarely])), claimant(), follower());
    await w.run(200);
    w.probes.length = 0;
    w.members([member('db-1', B)]);
    await w.run(20);
    expect(w.backend().leadership.state).toBe('none');
    expect(asked(B)).toHaveLength(1);
  });

  it('rounds of many Pods are further apart: a millisecond for each', () => {
    const clock = new VirtualClock();
    const begun: number[] = [];
    const round = (_first: ReadonlySet<number>, finished: () => void): void => {
      begun.push(clock.nowMs());
      finished();
    };
    const rounds = new EvidenceRounds(
      clock,
      () => 500,
      round,
      () => {},
    );
    for (let ms = 0; ms < 2000; ms += 10) {
      rounds.evidence(null);
      clock.advance(10);
    }
    rounds.close();
    expect(begun).toEqual([0, 500, 1000, 1500, 2000]);
  });
});

describe('the revision', () => {
  it('grows with the term of the leader that stays', async () => {
    w = world(config([probedBackend({ term: { json: '/term' } })]));
    await twoPods(w, claimant({ term: '1' }));
    await w.run(200);
    const before = revision();
    w.pods.set(A, claimant({ term: '2' }));
    await w.run(1000);
    expect(w.backend().leadership).toMatchObject({ term: '2', revision: before + 1 });
  });

  it('a round grows it once, not with everything that is published later', async () => {
    w = await twoPods(world(config([rarely])));
    await w.run(200);
    failed('db-0');
    await w.run(200);
    const before = revision();
    w.pods.set(B, follower({ health: 'failure' }));
    await w.run(6100);
    expect(w.pod('db-1').state).toBe('unready');
    expect(revision()).toBe(before);
  });
});

describe('what was seen', () => {
  const terms = (part: Partial<LeaderConfig> = {}): BackendConfig => {
    const { leader, ...backend } = probedBackend({ term: { json: '/term' } });
    return { ...backend, leader: { ...leader!, ...part } };
  };

  it.each([
    ['of a conflict that nobody won', claimant({ term: '7' }), 'conflict'],
    ['of a claimant that is unready', claimant({ term: '7', health: 'refused' }), 'none'],
  ])('the highest term %s stays seen when it claims no more', async (_, first, state) => {
    w = await twoPods(world(config([terms()])), first, claimant({ term: '3', health: 'refused' }));
    w.pods.set(B, claimant({ term: '3' }));
    await w.run(3000);
    expect(w.backend().leadership.state).toBe(state);
    w.pods.set(A, follower());
    await w.run(3000);
    expect(w.backend().leadership).toMatchObject({
      state: 'none',
      reason: expect.stringContaining('db-1 claims with term 3, but term 7 was seen'),
    });
  });

  it('a leader that is lost and found again is no other one', async () => {
    w = await twoPods(world(config([probedBackend()])));
    for (let n = 0; n < 3; n++) {
      w.pods.set(A, follower());
      await w.run(1100);
      expect(w.backend().leadership.state).toBe('none');
      w.pods.set(A, claimant());
      await w.run(1100);
      expect(w.backend().leadership.state).toBe('known');
    }
    expect(w.metrics.leaderChanges.with('db').value).toBe(0);
  });
});

it('promise 4: a claim lapses D after its last probe began, however late that was answered', async () => {
  const source = { periodMs: 400, timeoutMs: 1000, failureThreshold: 2 };
  w = await twoPods(world(config([probedBackend(source)])), claimant({ delayMs: 900 }));
  await w.run(2000);
  expect(w.backend().leadership.state).toBe('known');
  // The one under way still claims; those after it are silent.
  const claims = w.metrics.probes.with('db', 'db-0', 'leader', 'success');
  const before = claims.value;
  while (claims.value === before) await w.run(5);
  const lastBeganMs = asked(A)
    .filter((atMs) => atMs <= w.clock.nowMs() - 900)
    .at(-1)!;
  w.pods.set(A, claimant({ leader: 'timeout' }));
  let lostMs = 0;
  w.cell.subscribe(() => {
    if (lostMs === 0 && w.backend().leadership.state === 'none') lostMs = w.clock.nowMs();
  });
  await w.run(4000);
  const boundMs = source.periodMs * source.failureThreshold + source.timeoutMs;
  expect(lostMs - lastBeganMs).toBeLessThanOrEqual(boundMs + 905);
  expect(lostMs).toBeGreaterThan(0);
});

it('Ordinal: after the only Pod has left and come back evidence still counts', async () => {
  const leader: LeaderConfig = { source: { type: 'Ordinal', ordinal: 1 }, onConflict: 'Refuse', learn: [] };
  w = world(config([backendConfig({ leader })]));
  w.pods.set(B, follower());
  w.members([member('db-1', B)]);
  await w.run(200);
  w.members([]);
  await w.run(200);
  w.members([member('db-1', B)]);
  await w.run(200);
  expect(w.backend().leadership.state).toBe('known');
  const before = revision();
  w.plane.report({ kind: 'not_leader', podId: w.pod('db-1').id, hint: null });
  await w.run(200);
  expect(revision()).toBe(before + 1);
});

it('DNS: evidence asks for the name again, and is over when health was asked, too', () => {
  let looked = 0;
  const ends: (() => void)[] = [];
  const source = dnsSource(
    () => ({ refreshSoon: () => void looked++, trouble: () => null, close() {} }),
    { onClaims() {}, onNewClaim() {}, onOtherAnswer() {} },
    (finished) => ends.push(finished),
    { isOn: false } as Search,
  );
  let over = false;
  source.round(new Set(), () => {
    over = true;
  });
  expect([looked, over]).toEqual([1, false]);
  ends[0]!();
  expect(over).toBe(true);
});
