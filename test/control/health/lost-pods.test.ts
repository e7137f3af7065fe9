/**
 * A Pod that has left DNS is probed on while something is open to it: one that gives no sign of life any more is lost, and who waits
 * for it is told at once. B4 (linkerd2#13023). SPEC 3, Health.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { backendConfig } from '../../helpers/config.ts';
import { A, B, config, type FakePod, follower, member, twoPods, type World, world } from '../harness.ts';

let w: World;
afterEach(() => w.plane.close());

const GONE = { health: 'timeout', leader: 'timeout', unreachable: true } as const;

async function departing(before: Partial<FakePod>, after: Partial<FakePod>): Promise<void> {
  w = await twoPods(world(config([backendConfig()])));
  w.pods.set(A, follower(before));
  await w.run(20_000);
  w.members([member('db-1', B)]);
  w.pods.set(A, follower(after));
  await w.run(20);
}

const probes = (): number => w.probes.filter(({ what }) => what === `health ${A}`).length;

describe('a departed Pod', () => {
  it('whose host is gone is lost after failureThreshold probes, that follow each other at once', async () => {
    await departing({}, GONE);
    expect(w.pod('db-0')).toMatchObject({ state: 'draining', reason: 'left DNS' });
    expect(w.pod('db-0').lost).toBeUndefined();
    // At most a period, then three times out.
    await w.run(2000 + 3 * 1000 + 200);
    expect(w.pod('db-0')).toMatchObject({
      state: 'draining',
      lost: true,
      reason: 'left DNS, and gives no sign of life: timeout',
    });
  });

  it('whose host was gone before it left is lost at once', async () => {
    await departing(GONE, GONE);
    expect(w.pod('db-0')).toMatchObject({ state: 'draining', lost: true });
  });

  it.each<[string, Partial<FakePod>]>([
    ['accepts connections', {}],
    ['refuses them, for it has stopped listening', { health: 'refused' }],
    ['says that it is not healthy', { health: 'failure' }],
    ['accepts, and is too slow to answer', { health: 'timeout' }],
    ['cannot be asked by this machine', { health: 'local_error' }],
  ])('that %s is not lost: its requests finish', async (_, after) => {
    await departing({}, after);
    await w.run(60_000);
    expect(w.pod('db-0').state).toBe('draining');
    expect(w.pod('db-0').lost).toBeUndefined();
    expect(probes()).toBeGreaterThan(35);
  });

  it('that answers again in between is not lost', async () => {
    await departing({}, GONE);
    for (let n = 0; n < 10; n++) {
      w.pods.set(A, follower(n % 2 === 0 ? GONE : {}));
      const before = probes();
      while (probes() === before) await w.run(50);
      await w.run(1000);
    }
    expect(w.pod('db-0').lost).toBeUndefined();
  });

  it('is not probed any more once nothing is open to it', async () => {
    await departing({}, {});
    w.plane.report({ kind: 'drained', podId: w.pod('db-0').id });
    await w.run(20);
    const before = probes();
    await w.run(20_000);
    expect(probes()).toBe(before);
  });
});

it('a Pod that is in DNS is never lost, whatever its probes find', async () => {
  w = await twoPods(world(config([backendConfig()])));
  w.pods.set(A, follower(GONE));
  await w.run(60_000);
  expect(w.pod('db-0').state).toBe('unready');
  expect(w.pod('db-0').lost).toBeUndefined();
});
