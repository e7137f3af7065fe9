/** docs/page.md tells of `/state` what there is: each member and kind, and no other. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { StateProblem } from '../../src/model/state.ts';
import { ago, backend, pod, state } from '../helpers/state.ts';

const doc = readFileSync('docs/page.md', 'utf8');
const rows = [...doc.matchAll(/^\| (`.*?) \| (.*) \|$/gm)]
  .map(([, member, what]) => `${member} ${what}`)
  .join('\n');
const named = new Set(
  [...rows.matchAll(/`(?:backends\[\]\.)?([a-zA-Z]+)(?:\[\])?`/g)].map(([, name]) => name),
);

it('names every member of a state, its backends and their Pods', () => {
  const change = {
    ...ago(0),
    leadership: 'known',
    leader: 'db-0',
    term: null,
    claimants: [],
    ready: 1,
    pods: 1,
    held: 0,
  };
  const { at: _, ageMs: __, ...changed } = change;
  const members = [
    state(),
    backend(),
    backend().leadership,
    backend().discovery,
    backend().held,
    pod(),
    changed,
  ].flatMap((part) => Object.keys(part));
  const general = ['at', 'backends', 'service'];
  expect(members.filter((member) => !named.has(member) && !general.includes(member))).toEqual([]);
});

/** The compiler holds this list against the type. */
const KINDS: Record<StateProblem['kind'], true> = {
  draining: true,
  starting: true,
  reload_refused: true,
  no_pod: true,
  no_pod_ready: true,
  no_leader: true,
  leader_conflict: true,
  held: true,
  pods_unready: true,
  dns_failing: true,
  tls_files: true,
  tls_unverified: true,
  certificate_ends: true,
};

it('names every kind of problem', () => {
  const at = doc.indexOf('`kind` of a problem:');
  const listed = [...doc.slice(at, doc.indexOf('\n\n', at)).matchAll(/`([a-z_]+)`/g)].map(([, kind]) => kind);
  expect(listed.slice(1).sort()).toEqual(Object.keys(KINDS).sort());
});
