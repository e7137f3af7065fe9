/** Series of Pods and backends that are gone do not stay (SPEC 5; field-cases.md M1). */
import { afterEach, expect, it } from 'vitest';
import type { CellFamily, HistogramFamily } from '../../src/observe/primitives.ts';
import { backendConfig } from '../helpers/config.ts';
import { A, B, claimant, config, member, probedBackend, twoPods, type World, world } from './harness.ts';

let w: World;
afterEach(() => w.plane.close());

type Family = CellFamily | HistogramFamily;

const ofPods = (): Family[] => w.metrics.all().filter(({ labelNames }) => labelNames.includes('pod'));

/** Gives a family a series with these labels; its other labels read `x`. */
function fill(family: Family, labels: Readonly<Record<string, string>>): void {
  family.with(...family.labelNames.map((name) => labels[name] ?? 'x'));
}

/** The values of one label in a family. */
function values(family: Family, label: string): Set<string> {
  const at = family.labelNames.indexOf(label);
  return new Set([...family.cells()].map(({ labels }) => labels[at]!));
}

it('every family with a Pod in its labels forgets the Pod that is gone, and that one only', async () => {
  w = await twoPods(world());
  expect(ofPods().length).toBeGreaterThan(2);
  for (const family of ofPods()) {
    fill(family, { backend: 'db', pod: 'db-0' });
    fill(family, { backend: 'db', pod: 'db-1' });
    // A Pod of the same name that another backend has.
    fill(family, { backend: 'other', pod: 'db-0' });
  }
  const { id } = w.pod('db-0');
  w.members([member('db-1', B)]);
  await w.run(5);
  for (const family of ofPods()) expect(values(family, 'pod'), family.name).toContain('db-0');
  w.plane.report({ kind: 'drained', podId: id });
  await w.run(5);
  for (const family of ofPods()) {
    const left = [...family.cells()].map(({ labels }) => labels.slice(0, 2).join(' ')).sort();
    expect([family.name, ...new Set(left)]).toEqual([family.name, 'db db-1', 'other db-0']);
  }
});

it('a Pod whose successor has its name keeps its series', async () => {
  w = await twoPods(world());
  for (const family of ofPods()) fill(family, { backend: 'db', pod: 'db-0' });
  const { id } = w.pod('db-0');
  w.members([member('db-0', '10.0.0.9'), member('db-1', B)]);
  w.plane.report({ kind: 'drained', podId: id });
  await w.run(5);
  for (const family of ofPods()) expect(values(family, 'pod'), family.name).toContain('db-0');
});

it('what the control plane counts of a backend is gone with the backend, and only with it', async () => {
  w = world(config([probedBackend(), { ...probedBackend(), name: 'gone' }]));
  for (const backend of ['db', 'gone']) {
    w.pods.set(A, claimant());
    w.members([member('db-0', A)], backend);
  }
  await w.run(1500);
  const { probes, leaderChanges, leaderlessSeconds, dnsLookups, dnsLookupDuration } = w.metrics;
  const families = [leaderChanges, leaderlessSeconds, dnsLookups, dnsLookupDuration, probes, ...ofPods()];
  for (const family of families)
    for (const backend of ['db', 'gone']) fill(family, { backend, pod: 'db-0', kind: 'health' });
  w.plane.apply(config([probedBackend()]), 'second');
  await w.run(5000);
  for (const family of families)
    expect([family.name, ...values(family, 'backend')]).toEqual([family.name, 'db']);
});

it('a backend whose Service is another one keeps its counters, and loses the Pods of the old one', async () => {
  w = await twoPods(world());
  w.metrics.leaderChanges.with('db').value = 3;
  for (const family of ofPods()) fill(family, { backend: 'db', pod: 'db-0' });
  w.plane.apply(config([{ ...probedBackend(), service: 'other.prod.svc.cluster.local' }]), 'second');
  w.members([member('new-0', '10.0.0.9')]);
  await w.run(50);
  expect(w.metrics.leaderChanges.with('db').value).toBe(3);
  for (const family of ofPods()) expect(values(family, 'pod'), family.name).not.toContain('db-0');
});

it('a backend without a leader source has no series of leadership', async () => {
  w = await twoPods(world(config([backendConfig()])));
  await w.run(2000);
  for (const family of [w.metrics.leaderChanges, w.metrics.leaderlessSeconds])
    expect([...family.cells()], family.name).toEqual([]);
});
