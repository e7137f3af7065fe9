/** The address of one Pod is given to another before everybody knows (mutation "believe a reused IP"). */
import { afterEach, expect, it } from 'vitest';
import type { BackendConfig } from '../../../src/model/config.ts';
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

const leads = (): string | null => w.backend().leadership.leader?.name ?? null;
const C = '10.0.0.3';

const BY_DNS: BackendConfig = backendConfig({
  leader: {
    source: { type: 'DNS', service: 'db-leader.prod.svc.cluster.local' },
    onConflict: 'Refuse',
    learn: [],
  },
});

it('DNS: an answer from before is no claim of the Pod that has the address now', async () => {
  w = await twoPods(world(config([BY_DNS])));
  w.addresses([A]);
  await w.run(5);
  expect(leads()).toBe('db-0');
  // db-0 is gone, db-2 has its address; the leader's name still says what it said.
  w.pods.set(A, follower());
  w.members([member('db-1', B), member('db-2', A)]);
  await w.run(100);
  expect(w.pod('db-2').state).toBe('ready');
  expect(w.backend().leadership).toMatchObject({ state: 'none', claimants: [] });
  // This look-up may have begun before the Pod had the address.
  w.addresses([A]);
  await w.run(5);
  expect(leads()).toBeNull();
  // This one has not.
  w.addresses([A]);
  await w.run(5);
  expect(leads()).toBe('db-2');
});

it('DNS: an address that never was another Pod’s is believed with the first answer', async () => {
  w = await twoPods(world(config([BY_DNS])));
  w.addresses([C]);
  await w.run(5);
  w.pods.set(C, follower());
  w.members([member('db-0', A), member('db-1', B), member('db-2', C)]);
  await w.run(50);
  expect(leads()).toBe('db-2');
});

it('Probe: what was believed of a Pod is not believed of the one that has its address now', async () => {
  w = await twoPods(world(config([probedBackend()])));
  expect(leads()).toBe('db-0');
  const led: (string | null)[] = [];
  w.cell.subscribe(() => led.push(leads()));
  w.pods.set(A, follower({ delayMs: 30 }));
  w.members([member('db-1', B), member('db-2', A)]);
  await w.run(3000);
  expect(led).not.toContain('db-2');
  expect(leads()).toBeNull();
});

it.each([
  ['Refuse', {}],
  ['HighestTerm', { term: { json: '/term' } }],
  ['Refuse', { lineage: { id: { json: '/id' }, previous: { json: '/previous' } } }],
] as const)(
  'Probe, %s: two names of one address are two claimants, whatever they show',
  async (onConflict, part) => {
    const backend = probedBackend(part);
    w = await twoPods(
      world(config([{ ...backend, leader: { ...backend.leader!, onConflict } }])),
      claimant({ term: '7', lineage: ['a'] }),
    );
    w.members([member('db-0', A), member('db-1', B), member('db-2', A)]);
    await w.run(1500);
    expect(w.backend().leadership.state).toBe('conflict');
    w.members([member('db-1', B), member('db-2', A)]);
    await w.run(300);
    expect(leads()).toBe('db-2');
  },
);

it('Ordinal: the address of the leader is another ordinal’s now: nobody leads', async () => {
  const leader = { source: { type: 'Ordinal', ordinal: 0 }, onConflict: 'Refuse', learn: [] } as const;
  w = await twoPods(world(config([backendConfig({ leader })])));
  expect(leads()).toBe('db-0');
  w.members([member('db-1', B), member('db-2', A)]);
  await w.run(3000);
  expect(leads()).toBeNull();
});
