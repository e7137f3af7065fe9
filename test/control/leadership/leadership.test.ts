import { afterEach, describe, expect, it } from 'vitest';
import type { LeaderProbeSource } from '../../../src/model/config.ts';
import { backendConfig } from '../../helpers/config.ts';
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
afterEach(() => w.plane.close());

const probed = (part: Partial<LeaderProbeSource> = {}): World => world(config([probedBackend(part)]));
const leads = (): string | null => w.backend().leadership.leader?.name ?? null;

describe('the reign of a leader, by which a request knows who turned it away', () => {
  const reign = (): number => w.backend().leadership.reign;

  it.each<[string, () => Promise<void>]>([
    [
      'it stops claiming and claims again',
      async () => {
        w.pods.set(A, follower());
        await w.run(1000);
        w.pods.set(A, claimant());
      },
    ],
    [
      'it falls silent until its claim lapses',
      async () => {
        w.pods.set(A, claimant({ leader: 'timeout' }));
        await w.run(3000);
        w.pods.set(A, claimant());
      },
    ],
    ['it shows another term', async () => void w.pods.set(A, claimant({ term: '8' }))],
  ])('is another once %s', async (_, happens) => {
    w = await twoPods(probed(), claimant({ term: '7' }));
    const before = reign();
    await happens();
    await w.run(2000);
    expect(leads()).toBe('db-0');
    expect(reign()).toBeGreaterThan(before);
  });

  it.each<[string, () => Promise<void>]>([
    [
      'rounds on evidence',
      async () => {
        for (let n = 0; n < 3; n++) {
          w.plane.report({ kind: 'not_leader', podId: w.pod('db-0').id, hint: null });
          await w.run(300);
        }
      },
    ],
    [
      'another that claims beside it for a while',
      async () => {
        w.pods.set(B, claimant());
        await w.run(1000);
        expect(w.backend().leadership.state).toBe('conflict');
        w.pods.set(B, follower());
      },
    ],
    [
      'an unready spell of its own',
      async () => {
        w.pods.set(A, claimant({ health: 'failure' }));
        await w.run(8000);
        expect(w.backend().leadership.state).toBe('none');
        w.pods.set(A, claimant());
      },
    ],
    [
      'one probe without an answer',
      async () => {
        w.pods.set(A, claimant({ leader: 'timeout' }));
        await w.run(1450);
        w.pods.set(A, claimant());
      },
    ],
  ])('outlives %s', async (_, happens) => {
    w = await twoPods(probed());
    const before = reign();
    await happens();
    await w.run(3000);
    expect(leads()).toBe('db-0');
    expect(reign()).toBe(before);
  });
});

describe('leadership by probe', () => {
  it('knows the leader after one round, and its followers', async () => {
    w = await twoPods(probed());
    expect(w.backend().leadership).toMatchObject({ state: 'known', claimants: ['db-0'] });
    expect(leads()).toBe('db-0');
    expect(w.backend().leadership.leader).toBe(w.pod('db-0'));
    expect(w.backend().followers.map(({ name }) => name)).toEqual(['db-1']);
  });

  it('L1 (autobase#539) an unready claimant neither leads nor conflicts', async () => {
    w = await twoPods(probed(), claimant({ health: 'refused' }), follower());
    expect(w.backend().leadership).toMatchObject({ state: 'none', reason: 'db-0 claims but is unready' });
    w.pods.set(B, claimant());
    await w.run(1000);
    expect(leads()).toBe('db-1');
    expect(w.backend().leadership.claimants).toEqual(['db-0', 'db-1']);
  });

  it('L2 (helm/charts#15115) two claimants are a conflict until one stops', async () => {
    w = await twoPods(probed(), follower(), claimant());
    expect(leads()).toBe('db-1');
    w.pods.set(A, claimant());
    await w.run(1000);
    expect(w.backend().leadership.state).toBe('conflict');
    expect(leads()).toBeNull();
    expect(w.backend().followers).toHaveLength(2);
    w.pods.set(A, follower());
    await w.run(1000);
    expect(leads()).toBe('db-1');
  });

  it('L3 (helm/charts#2527) successThreshold 2: one claim of a restarted Pod is not believed', async () => {
    w = await twoPods(probed({ successThreshold: 2 }), follower(), claimant());
    await w.run(1000);
    expect(leads()).toBe('db-1');
    w.pods.set(B, claimant({ leader: 'timeout', health: 'timeout' }));
    w.pods.set(A, claimant());
    const states: (string | null)[] = [];
    w.cell.subscribe(() => states.push(leads()));
    await w.run(900);
    w.pods.set(A, follower());
    await w.run(3000);
    expect(states).not.toContain('db-0');
  });

  it('an answer that does not claim ends the claim at once, whatever failureThreshold says', async () => {
    w = await twoPods(probed({ failureThreshold: 5 }));
    w.pods.set(A, follower());
    await w.run(1002);
    expect(w.backend().leadership.state).toBe('none');
  });

  it.each([
    ['timeout', 1000, 500, 2, 0],
    ['refused', 1000, 500, 2, 0],
    ['timeout', 1000, 500, 3, 0.99],
    ['timeout', 400, 1000, 2, 0.5],
  ] as const)(
    'promise 4: silence (%s) ends the claim within D',
    async (how, periodMs, timeoutMs, failureThreshold, jitter) => {
      const source = { periodMs, timeoutMs, failureThreshold };
      w = await twoPods(world(config([probedBackend(source)]), () => jitter));
      for (const stopAfter of [0, 170, 390, 530, 990]) {
        w.pods.set(A, claimant());
        await w.run(2 * (periodMs + timeoutMs));
        expect(leads()).toBe('db-0');
        await w.run(stopAfter);
        w.pods.set(A, claimant({ leader: how }));
        await w.run(periodMs * failureThreshold + timeoutMs + 10);
        expect(w.backend().leadership.state, `stopped ${stopAfter} ms later`).toBe('none');
      }
    },
  );

  it('one unanswered probe is not the end of a claim', async () => {
    w = await twoPods(probed());
    const { revision } = w.backend().leadership;
    w.pods.set(A, claimant({ leader: 'timeout' }));
    await w.run(1450);
    w.pods.set(A, claimant());
    await w.run(3000);
    expect(leads()).toBe('db-0');
    expect(w.backend().leadership.revision).toBe(revision);
  });

  it('promise 6: the claim of another Pod asks the old leader at once', async () => {
    w = await twoPods(probed({ successThreshold: 2 }));
    await w.run(1000);
    await w.run(500);
    // db-1 joins the probes half a period later than db-0.
    w.members([member('db-0', A)]);
    await w.run(5);
    w.members([member('db-0', A), member('db-1', B)]);
    // db-0 has just been asked: of the two, db-1 is the next.
    await w.run(550);
    w.pods.set(A, follower());
    w.pods.set(B, claimant());
    w.probes.length = 0;
    await w.run(1100);
    const claim = w.probes.find(({ what }) => what === `leader ${B}`)!;
    const asked = w.probes.find(({ what, atMs }) => what === `leader ${A}` && atMs >= claim.atMs)!;
    expect(asked.atMs - claim.atMs).toBeLessThan(120);
    expect(leads()).toBe('db-1');
  });
});

describe('terms', () => {
  it('promise 5: a claimant with a lower term than one seen does not lead, alone or not', async () => {
    w = await twoPods(probed({ term: { json: '/term' } }), claimant({ term: '18446744073709551617' }));
    expect(w.backend().leadership.term).toBe('18446744073709551617');
    w.pods.set(A, follower());
    w.pods.set(B, claimant({ term: '18446744073709551616' }));
    await w.run(2000);
    expect(w.backend().leadership.state).toBe('none');
    expect(w.backend().leadership.reason).toContain('db-1 claims with term 18446744073709551616');
    w.pods.set(B, claimant({ term: '18446744073709551618' }));
    await w.run(1100);
    expect(leads()).toBe('db-1');
  });

  it('remembers the highest term although the Pod that showed it has left', async () => {
    w = await twoPods(probed({ term: { json: '/term' } }), claimant({ term: '7' }));
    w.pods.set(B, claimant({ term: '6' }));
    w.members([member('db-1', B)]);
    await w.run(2000);
    expect(w.backend().leadership.state).toBe('none');
  });
});

describe('evidence', () => {
  it('a failed write re-probes every Pod at once; the revision grows when all have answered, changed or not', async () => {
    w = await twoPods(probed(), claimant(), follower({ delayMs: 50 }));
    await w.run(200);
    const { revision } = w.backend().leadership;
    w.probes.length = 0;
    const podId = w.pod('db-0').id;
    w.plane.report({ kind: 'failed', podId, reason: 'reset' });
    expect(w.probes.map(({ what }) => what).sort()).toEqual([`leader ${A}`, `leader ${B}`]);
    await w.run(30);
    expect(w.backend().leadership.revision).toBe(revision);
    await w.run(30);
    expect(w.backend().leadership).toMatchObject({ state: 'known', revision: revision + 1 });
  });

  it('is limited to ten rounds a second', async () => {
    w = await twoPods(probed({ periodMs: 60_000 }));
    w.probes.length = 0;
    const podId = w.pod('db-1').id;
    for (let i = 0; i < 200; i++) {
      w.plane.report({ kind: 'not_leader', podId, hint: null });
      await w.run(5);
    }
    const rounds = w.probes.filter(({ what }) => what === `leader ${A}`).length;
    expect(rounds).toBeGreaterThanOrEqual(9);
    expect(rounds).toBeLessThanOrEqual(11);
  });

  it.each([
    ['http://db-1.db.prod.svc.cluster.local:80/x', B],
    ['http://10.0.0.2:80/', B],
    ['http://db-1/', B],
    ['//db-1.db/', B],
    ['http://10.0.0.2:81/', A],
    ['http://evil.example/', A],
    ['/relative', A],
    ['http://[::1', A],
  ])('a Location %s only orders the probes', async (hint, firstAsked) => {
    w = await twoPods(probed({ periodMs: 60_000 }));
    await w.run(200);
    w.probes.length = 0;
    const believed: (string | null)[] = [leads()];
    w.cell.subscribe(() => believed.push(leads()));
    w.plane.report({ kind: 'not_leader', podId: w.pod('db-0').id, hint });
    await w.run(20);
    // Whoever it names leads in no snapshot before that Pod claims itself.
    expect(new Set(believed)).toEqual(new Set(['db-0']));
    const asked = w.probes.filter(({ what }) => what.startsWith('leader')).map(({ what }) => what);
    expect(asked).toHaveLength(2);
    expect(asked[0]).toBe(`leader ${firstAsked}`);
  });

  it('a Location believed by nobody: while no Pod claims, or the one named is silent, no snapshot has a leader', async () => {
    w = await twoPods(probed(), follower(), follower({ leader: 'timeout' }));
    const believed: (string | null)[] = [leads()];
    w.cell.subscribe(() => believed.push(leads()));
    for (const name of ['db-0', 'db-1'])
      for (const podId of [w.pod('db-0').id, w.pod('db-1').id]) {
        w.plane.report({ kind: 'not_leader', podId, hint: `http://${name}/` });
        await w.run(700);
      }
    expect(new Set(believed)).toEqual(new Set([null]));
  });

  it('finishes a round although a Pod leaves during it', async () => {
    w = await twoPods(probed({ periodMs: 60_000 }), claimant(), follower({ leader: 'timeout' }));
    await w.run(1000);
    const { revision } = w.backend().leadership;
    w.plane.report({ kind: 'leader_closed', podId: w.pod('db-0').id });
    await w.run(10);
    w.members([member('db-0', A)]);
    await w.run(10);
    expect(w.backend().leadership.revision).toBe(revision + 1);
  });
});

describe('other sources', () => {
  const withSource = (source: NonNullable<ReturnType<typeof backendConfig>['leader']>['source']): World =>
    world(config([backendConfig({ leader: { source, onConflict: 'Refuse', learn: [] } })]));

  it('Ordinal: the Pod of that ordinal, if ready', async () => {
    w = await twoPods(withSource({ type: 'Ordinal', ordinal: 1 }));
    expect(leads()).toBe('db-1');
    w.pods.set(B, follower({ health: 'refused' }));
    await w.run(4000);
    expect(w.backend().leadership).toMatchObject({ state: 'none', reason: 'db-1 claims but is unready' });
  });

  it('Ordinal: evidence probes health and then grows the revision', async () => {
    w = await twoPods(withSource({ type: 'Ordinal', ordinal: 1 }));
    const { revision } = w.backend().leadership;
    w.plane.report({ kind: 'not_leader', podId: w.pod('db-1').id, hint: null });
    await w.run(200);
    expect(w.backend().leadership.revision).toBe(revision + 1);
  });

  it('DNS: the Pod with an address in the answer; two are a conflict; a stranger is nobody', async () => {
    w = await twoPods(withSource({ type: 'DNS', service: 'db-leader' }));
    expect(w.backend().leadership.state).toBe('none');
    w.addresses([B]);
    await w.run(5);
    expect(leads()).toBe('db-1');
    w.addresses([A, B]);
    await w.run(5);
    expect(w.backend().leadership.state).toBe('conflict');
    w.addresses(['10.9.9.9']);
    await w.run(5);
    expect(w.backend().leadership.state).toBe('none');
  });
});

describe('metrics', () => {
  it('counts the seconds without a leader and the changes of leader', async () => {
    w = await twoPods(probed(), follower(), follower());
    await w.run(5000);
    w.pods.set(A, claimant());
    await w.run(3000);
    const leaderless = w.metrics.leaderlessSeconds.with('db').value;
    expect(leaderless).toBeGreaterThan(4.9);
    expect(leaderless).toBeLessThan(6.2);
    expect(w.metrics.leaderChanges.with('db').value).toBe(0);
    w.pods.set(A, follower());
    w.pods.set(B, claimant());
    await w.run(2000);
    expect(w.metrics.leaderChanges.with('db').value).toBe(1);
  });
});
