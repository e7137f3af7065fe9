/** One truth: what the page, `headroute status` and scripts call a problem is found in one place. */
import { describe, expect, it } from 'vitest';
import type { StateProblem } from '../../src/model/state.ts';
import { findProblems } from '../../src/state/problems.ts';
import { ago, backend, pod, state } from '../helpers/state.ts';

const kinds = (problems: readonly StateProblem[]): string[] =>
  problems.map(({ kind, severity, backend: of }) => `${severity} ${kind} ${of ?? '-'}`);

describe('problems', () => {
  it('are none where all is well', () => {
    expect(findProblems(state())).toEqual([]);
    expect(findProblems(state({ lastReload: { ...ago(1000), ok: true, problems: [] } }))).toEqual([]);
  });

  it('are errors where requests cannot be served, with why and since when', () => {
    const dead = pod({ state: 'unready', reason: 'connection refused', since: ago(40_000) });
    const found = findProblems(
      state({
        backends: [
          backend({ name: 'gone', pods: [], discovery: { lastError: 'SRV x: NXDOMAIN' } }),
          backend({ name: 'dead', pods: [dead, { ...dead, name: 'db-1', since: ago(20_000) }] }),
          backend({
            name: 'mute',
            leadership: { state: 'none', reason: 'no Pod claims to lead', since: ago(5000) },
          }),
          backend({
            name: 'split',
            leadership: {
              state: 'conflict',
              claimants: ['db-0', 'db-1'],
              reason: 'db-0 and db-1 claim',
              since: ago(2000),
            },
          }),
        ],
      }),
    );
    expect(kinds(found)).toEqual([
      'error no_pod gone',
      'error no_pod_ready dead',
      'error no_leader mute',
      'error leader_conflict split',
    ]);
    expect(found.map(({ text }) => text)).toEqual([
      'no Pod is known: SRV x: NXDOMAIN',
      'none of its 2 Pods is ready: connection refused',
      'no leader: no Pod claims to lead',
      'several Pods claim to lead: db-0 and db-1 claim',
    ]);
    expect(found.map(({ since }) => since?.ageMs ?? null)).toEqual([null, 20_000, 5000, 2000]);
    expect(found[3]!.pods).toEqual(['db-0', 'db-1']);
  });

  it('are warnings where requests are served all the same, and come after errors', () => {
    const pods = [
      pod(),
      ...Array.from({ length: 4 }, (_, i) =>
        pod({ name: `db-${i + 1}`, state: 'unready', reason: 'no answer', since: ago(1000 * (i + 1)) }),
      ),
      pod({ name: 'db-9', state: 'ejected', reason: '5 requests failed' }),
      pod({ name: 'db-8', state: 'draining', reason: 'left DNS' }),
    ];
    const found = findProblems(
      state({
        draining: true,
        lastReload: { ...ago(60_000), ok: false, problems: ['h.yaml:1:1: wrong', 'h.yaml:2:1: too'] },
        backends: [
          backend({ pods, held: { now: 3, longestMs: 2000 }, discovery: { lastError: 'SERVFAIL' } }),
          backend({ name: 'x', leadership: { state: 'none' } }),
        ],
      }),
    );
    expect(kinds(found)).toEqual([
      'error no_leader x',
      'warning held db',
      'warning dns_failing db',
      'warning reload_refused -',
      'warning draining -',
      'warning pods_unready db',
      'warning pods_unready db',
    ]);
    expect(found.slice(-2).map(({ text }) => text)).toEqual([
      'db-1, db-2, db-3 and 1 more are unready: no answer',
      'db-9 is ejected: 5 requests failed',
    ]);
    expect(found[3]!.text).toContain('h.yaml:1:1: wrong (and 1 more)');
  });

  it('are few however many Pods are unready for reasons of their own', () => {
    const pods = Array.from({ length: 1000 }, (_, i) =>
      pod({ name: `db-${i}`, state: i === 0 ? 'ready' : 'unready', reason: `reason ${i}` }),
    );
    const found = findProblems(state({ backends: [backend({ pods })] }));
    expect(found).toHaveLength(6);
    expect(found.at(-1)!.text).toBe('db-6, db-7, db-8 and 991 more are not ready, for other reasons');
  });
});
