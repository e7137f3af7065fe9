/** One truth: what the page, `headroute status` and scripts call a problem is found in one place. */
import { describe, expect, it } from 'vitest';
import type { StateProblem } from '../../src/model/state.ts';
import { findProblems } from '../../src/state/problems.ts';
import { ago, backend, cause, pod, state } from '../helpers/state.ts';

const kinds = (problems: readonly StateProblem[]): string[] =>
  problems.map(({ kind, severity, backend: of }) => `${severity} ${kind} ${of ?? '-'}`);

describe('problems', () => {
  it('are none where all is well', () => {
    expect(findProblems(state())).toEqual([]);
    expect(
      findProblems(state({ lastReload: { ...ago(1000), ok: true, problems: [], changes: [] } })),
    ).toEqual([]);
  });

  it('are errors where requests cannot be served, with why and since when', () => {
    const dead = pod({ state: 'unready', reason: 'connection refused' });
    const found = findProblems(
      state({
        backends: [
          backend({ name: 'gone', pods: [], causes: [cause('dns', 'DNS: NXDOMAIN', 9000)] }),
          backend({ name: 'new', pods: [] }),
          backend({
            name: 'dead',
            pods: [dead],
            causes: [cause('health', 'db-0 is unready: connection refused', 20_000, ['db-0'])],
          }),
          backend({
            name: 'mute',
            leadership: { state: 'none', reason: 'no Pod claims to lead', since: ago(5000) },
            causes: [
              cause('leader', 'no Pod claims to lead', 5000),
              cause('leader', 'leader probe of db-0: -NOAUTH', 9000),
            ],
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
      'error no_pod new',
      'error no_pod_ready dead',
      'error no_leader mute',
      'error leader_conflict split',
    ]);
    expect(found.map(({ text }) => text)).toEqual([
      'no Pod is known: DNS: NXDOMAIN',
      'no Pod is known: no answer yet to SRV _http._tcp.db.prod.svc.cluster.local.',
      'no Pod is ready: db-0 is unready: connection refused',
      'no leader: no Pod claims to lead; leader probe of db-0: -NOAUTH',
      'leader conflict: db-0 and db-1 claim',
    ]);
    expect(found.map(({ since }) => since)).toEqual([ago(9000), null, ago(20_000), ago(5000), ago(2000)]);
    expect(found[4]!.pods).toEqual(['db-0', 'db-1']);
  });

  it('are warnings where requests are served all the same, and come after errors', () => {
    const found = findProblems(
      state({
        draining: true,
        lastReload: {
          ...ago(60_000),
          ok: false,
          problems: ['h.yaml:1:1: wrong', 'h.yaml:2:1: too'],
          changes: [],
        },
        backends: [
          backend({
            pods: [pod(), pod({ name: 'db-1', state: 'unready' })],
            held: { now: 3, longestMs: 2000 },
            causes: [
              cause('health', 'db-1 is unready: no answer', 2000, ['db-1']),
              cause('dns', 'DNS: SERVFAIL', 1000),
            ],
          }),
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
    ]);
    expect(found.at(-1)).toMatchObject({
      text: 'db-1 is unready: no answer',
      pods: ['db-1'],
      since: ago(2000),
    });
    expect(found[3]!.text).toContain('h.yaml:1:1: wrong (and 1 more)');
  });

  it('tell of certificates that are not verified, cannot be used or end soon', () => {
    const days = (n: number): string => new Date(Date.parse(ago(0).at) + n * 86_400_000).toISOString();
    const tls = {
      at: 'tls',
      verify: 'None',
      serverName: null,
      minVersion: '1.2',
      ca: null,
      certificate: { file: '/tls/tls.crt', validUntil: days(6) },
      problem: 'the key does not belong to it',
      pods: [
        { pod: 'db-0', names: ['db-0.db'], validUntil: days(8) },
        { pod: 'db-1', names: ['db-1.db'], validUntil: days(1) },
      ],
    } as const;
    const found = findProblems(state({ backends: [backend({ tls: [tls] })] }));
    expect(kinds(found)).toEqual([
      'warning tls_files db',
      'warning tls_unverified db',
      'warning certificate_ends db',
      'warning certificate_ends db',
    ]);
    expect(found.at(-1)!.text).toBe(
      `tls: certificates of Pods are valid for less than 7 days: db-1 until ${days(1)}`,
    );
    const well = { ...tls, verify: 'Full', problem: null, certificate: null, pods: [tls.pods[0]] } as const;
    expect(findProblems(state({ backends: [backend({ tls: [well] })] }))).toEqual([]);
  });
});
