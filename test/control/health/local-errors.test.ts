/**
 * B13 (varnish-cache#2622, haproxy#579): a probe that could not be made, since this machine lacks ports, descriptors or memory,
 * says nothing about the Pod. SPEC 3, Health.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { type LogLine, recordingLogger } from '../../helpers/recording-logger.ts';
import { A, B, claimant, config, probedBackend, twoPods, type World, world } from '../harness.ts';

let w: World;
afterEach(() => w.plane.close());

const leads = (): string | null => w.backend().leadership.leader?.name ?? null;
const ofProbes = (kind: string, result: string): number =>
  w.metrics.probes.with('db', 'db-0', kind, result).value;

describe('probes that cannot be made', () => {
  it('leave a ready Pod ready, however many they are, and are counted as what they are', async () => {
    w = await twoPods(world());
    w.pods.set(A, claimant({ health: 'local_error' }));
    await w.run(60_000);
    expect(w.pod('db-0').state).toBe('ready');
    expect(ofProbes('health', 'local_error')).toBeGreaterThan(25);
  });

  it('leave an unready Pod unready, and one that was never asked says why', async () => {
    w = await twoPods(world(), claimant({ health: 'local_error' }), claimant({ health: 'refused' }));
    await w.run(5000);
    w.pods.set(B, claimant({ health: 'local_error' }));
    await w.run(5000);
    expect(w.pod('db-0')).toMatchObject({ state: 'unready', reason: 'local_error' });
    expect(w.pod('db-1')).toMatchObject({ state: 'unready', reason: 'refused' });
  });

  it('do not break a row of failures, nor make it longer', async () => {
    w = await twoPods(world());
    const probes = () => w.probes.filter(({ what }) => what === `health ${A}`).length;
    const states: string[] = [];
    for (const health of ['timeout', 'timeout', 'local_error', 'local_error', 'timeout'] as const) {
      w.pods.set(A, claimant({ health }));
      for (const before = probes(); probes() === before; ) await w.run(5);
      await w.run(1000);
      states.push(w.pod('db-0').state);
    }
    expect(states).toEqual(['ready', 'ready', 'ready', 'ready', 'unready']);
  });

  it('do not count as unanswered by the leader: its claim outlives failureThreshold of them …', async () => {
    w = await twoPods(world(config([probedBackend({ periodMs: 1000, timeoutMs: 10_000 })])));
    w.pods.set(A, claimant({ leader: 'local_error' }));
    await w.run(11_000);
    expect(ofProbes('leader', 'local_error')).toBeGreaterThan(8);
    expect(leads()).toBe('db-0');
  });

  it('… but not its age D: who was not asked is not known to lead', async () => {
    w = await twoPods(world());
    w.pods.set(A, claimant({ leader: 'local_error' }));
    await w.run(2600);
    expect(leads()).toBeNull();
  });

  it('are logged once in a burst, at warn', async () => {
    const log: LogLine[] = [];
    w = await twoPods(world(undefined, undefined, recordingLogger(log)));
    const warnings = () => log.filter(({ message }) => message === 'local error');
    w.pods.set(A, claimant({ health: 'local_error', leader: 'local_error' }));
    await w.run(30_000);
    expect(warnings()).toEqual([
      { level: 'warn', message: 'local error', what: 'probe', reason: 'local_error' },
    ]);
    w.pods.set(A, claimant());
    await w.run(15_000);
    w.pods.set(A, claimant({ health: 'local_error' }));
    await w.run(5000);
    expect(warnings()).toHaveLength(2);
  });
});
