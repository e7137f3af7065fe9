import { describe, expect, it } from 'vitest';
import { describeRequest } from '../../../src/data/explain/described-request.ts';
import { explainRequest } from '../../../src/data/explain/explain.ts';
import { justStarted, type Present } from '../../../src/data/explain/present.ts';
import { RequestHead } from '../../../src/data/http1/request-head.ts';
import type { RuleConfig } from '../../../src/model/config.ts';
import type { Explanation } from '../../../src/model/explanation.ts';
import type { BackendSnapshot, Route, RoutingSnapshot } from '../../../src/model/snapshot.ts';
import { configWith } from '../../helpers/config.ts';
import { backendOf, hold, listenerOf, matchOf, noHold, ordinalSelection, pod, rule } from '../fixtures.ts';

const config = configWith();

function snapshotOf(
  rules: readonly RuleConfig[],
  backends: Readonly<Record<string, BackendSnapshot>>,
): RoutingSnapshot {
  const routes = rules.flatMap((r): Route[] =>
    r.matches.length === 0
      ? [{ rule: r, hostname: null, match: null }]
      : r.matches.map((match) => ({ rule: r, hostname: null, match })),
  );
  const http = listenerOf(routes, { address: { host: '127.0.0.1', port: 8080 } });
  const tcp = listenerOf(routes, {
    name: 'tcp',
    protocol: 'TCP',
    address: { host: '127.0.0.1', port: 5432 },
  });
  return {
    version: 7,
    config,
    configHash: 'x',
    backends: new Map(Object.entries(backends)),
    listeners: [tcp, http],
  };
}

const pods = [pod(0), pod(1), pod(2, 'unready')];
const writes = rule('writes', {
  matches: [matchOf({ methods: ['POST'] })],
  selection: { type: 'Leader', hold, onDemotion: 'Close' },
});
const reads = rule('reads', {
  selection: { type: 'Balance', over: 'Followers', algorithm: 'LeastRequest' },
});

const explained = (
  snapshot: RoutingSnapshot,
  method: string,
  url: string,
  present: Partial<Present> = {},
): Explanation =>
  explainRequest({ ...justStarted(snapshot, () => 0), ...present }, describeRequest(method, url, []));

describe('explainRequest', () => {
  it('tells the rules tried, the rule taken, the Pod picked and why the others were not', () => {
    const snapshot = snapshotOf([writes, reads], { db: backendOf(pods, pods[1]!) });
    expect(explained(snapshot, 'POST', '/x?y=1')).toEqual({
      snapshot: 7,
      request: { method: 'POST', path: '/x', query: 'y=1', host: '' },
      listener: 'db',
      rulesTried: [{ rule: 'writes', matched: true, why: 'method is POST' }],
      alsoMatch: [{ rule: 'reads', why: 'takes every request' }],
      leavesLeaderRule: null,
      rule: 'writes',
      selection: 'Leader',
      backend: 'db',
      outcome: { type: 'pod', pod: 'db-1', address: '127.0.0.1:80', certain: true, detail: 'it leads' },
      backends: [
        {
          name: 'db',
          weight: 1,
          share: 1,
          leadership: {
            state: 'known',
            leader: 'db-1',
            term: null,
            claimants: ['db-1'],
            reason: 'db-1 claims',
          },
          candidates: ['db-1'],
          excluded: [
            { pod: 'db-0', reason: 'is a follower: db-1 leads' },
            { pod: 'db-2', reason: 'is unready: connection refused' },
          ],
          causes: [],
          outcome: { type: 'pod', pod: 'db-1', address: '127.0.0.1:80', certain: true, detail: 'it leads' },
        },
      ],
    });
  });

  it('says held where the rule holds, and the failure where it does not', () => {
    const backends = { db: backendOf(pods, 'none') };
    expect(explained(snapshotOf([writes], backends), 'POST', '/').outcome).toEqual({
      type: 'held',
      failure: 'no_leader',
      timeoutMs: 10_000,
      end: 'hold_timeout',
      status: 503,
      detail: 'none',
    });
    const holdsNothing = {
      ...writes,
      selection: { type: 'Leader', hold: noHold, onDemotion: 'Close' } as const,
    };
    expect(explained(snapshotOf([holdsNothing], backends), 'POST', '/').outcome).toMatchObject({
      type: 'fail',
      failure: 'no_leader',
      status: 503,
    });
  });

  it('a balanced pick is one of the candidates, and not certain', () => {
    const snapshot = snapshotOf([reads], { db: backendOf([...pods, pod(3)], pods[0]!) });
    const told = explained(snapshot, 'GET', '/');
    expect(told.backends[0]!.candidates).toEqual(['db-1', 'db-3']);
    expect(told.outcome).toMatchObject({
      type: 'pod',
      pod: 'db-1',
      certain: false,
      detail: 'LeastRequest among 2 candidates',
    });
    expect(told.backends[0]!.excluded.map((e) => e.reason)).toEqual([
      'leads, and the rule prefers followers',
      'is unready: connection refused',
    ]);
  });

  it('tells how a key became an ordinal and who stands in', () => {
    const keyed = rule('tenant', {
      selection: ordinalSelection({
        key: { from: 'pathSegment', index: 2 },
        mapping: { type: 'Exact' },
        whenUnavailable: 'NextOrdinal',
      }),
    });
    const snapshot = snapshotOf([keyed], { db: backendOf(pods) });
    const at = (url: string): unknown => explained(snapshot, 'GET', url).outcome;
    expect(at('/t/1')).toMatchObject({ pod: 'db-1', detail: 'path segment 2 "1" maps to ordinal 1' });
    expect(at('/t/2')).toMatchObject({
      pod: 'db-0',
      detail:
        'path segment 2 "2" maps to ordinal 2; db-2 is unready: connection refused; whenUnavailable: NextOrdinal',
    });
    expect(at('/t/x')).toMatchObject({
      type: 'fail',
      failure: 'key_missing',
      status: 400,
      detail: 'the mapping Exact cannot use path segment 2 "x"',
    });
  });

  it('weights: every backend with its share, one of them taken', () => {
    const split = rule('split', {
      backendRefs: [
        { name: 'db', weight: 90 },
        { name: 'canary', weight: 10 },
        { name: 'off', weight: 0 },
      ],
    });
    const snapshot = snapshotOf([split], { db: backendOf([pod(0)]), off: backendOf([]) });
    const told = (random: number): Explanation => explained(snapshot, 'GET', '/', { random: () => random });
    expect(told(0).backends.map((b) => [b.name, b.share])).toEqual([
      ['db', 0.9],
      ['canary', 0.1],
      ['off', 0],
    ]);
    expect(told(0)).toMatchObject({ backend: 'db', outcome: { type: 'pod', pod: 'db-0' } });
    expect(told(0.95)).toMatchObject({
      backend: 'canary',
      outcome: { type: 'fail', failure: 'no_endpoint' },
    });
  });

  it('no rule, no listener, no weight', () => {
    const snapshot = snapshotOf([writes], { db: backendOf(pods) });
    expect(explained(snapshot, 'GET', '/')).toMatchObject({
      listener: 'db',
      rule: null,
      outcome: { failure: 'no_route', status: 404, detail: 'no rule matches GET /' },
    });
    expect(explained({ ...snapshot, listeners: [] }, 'GET', '/').outcome).toEqual({
      type: 'unreachable',
      detail: 'there is no listener',
    });
    const off = rule('off', { backendRefs: [{ name: 'db', weight: 0 }] });
    expect(explained(snapshotOf([off], {}), 'GET', '/')).toMatchObject({
      backend: null,
      outcome: { failure: 'no_endpoint' },
    });
  });

  it('P4 a hundred times on a fan-out: pure, and unsafe methods are refused', () => {
    const fanOut = rule('all', {
      selection: {
        type: 'FanOut',
        over: 'All',
        respond: 'Merge',
        minSuccess: 2,
        merge: { type: 'JSONLines' },
        maxResponseBytes: 1,
        allowUnsafe: false,
      },
    });
    const snapshot = snapshotOf([fanOut], { db: backendOf(pods, pods[0]!) });
    const before = structuredClone(snapshot);
    const first = explained(snapshot, 'GET', '/');
    for (let i = 0; i < 100; i++) expect(explained(snapshot, 'GET', '/')).toEqual(first);
    expect(first.outcome).toEqual({ type: 'pods', pods: ['db-0', 'db-1'], detail: 'Merge of 2' });
    expect(snapshot).toEqual(before);
    expect(JSON.parse(JSON.stringify(first))).toEqual(first);
    expect(explained(snapshot, 'DELETE', '/').outcome).toMatchObject({
      failure: 'method_not_allowed',
      status: 405,
    });
  });

  it.each([
    ['http://localhost:8080/x', 'db'],
    ['http://[::1]:5432', 'tcp'],
    ['http://localhost/x', 'db'],
    ['/x:8080', 'db'],
    ['http://127.0.0.2:8080/', 'second'],
    ['http://localhost:8081/', null],
    ['http://localhost:80/', null],
  ])('the listener of %s is %s', (url, listener) => {
    const { listeners, ...rest } = snapshotOf([], {});
    const second = listenerOf([], { name: 'second', address: { host: '127.0.0.2', port: 8080 } });
    const told = explained({ ...rest, listeners: [...listeners, second] }, 'GET', url);
    expect(told.listener).toBe(listener);
    expect(told.outcome.type === 'unreachable').toBe(listener === null);
  });
});

function headOf(method: string, url: string, lines: readonly string[]): RequestHead {
  const { head } = describeRequest(method, url, lines);
  const parsed = new RequestHead();
  parsed.begin();
  parsed.parse(head, 0, head.length, { headBytes: 65_536, headers: 100 });
  return parsed;
}

describe('describeRequest', () => {
  it.each([
    ['/a/b?c=d', '/a/b', 'c=d', ''],
    ['/a?b?c#d', '/a', 'b?c', ''],
    ['http://DB.local:8080', '/', '', 'db.local'],
    ['http://u:p@db/x?', '/x', '', 'db'],
    ['HTTP://[::1]:80/x', '/x', '', '[::1]'],
    ['http://db?x=1', '/', 'x=1', 'db'],
    ['*', '*', '', ''],
    ['/caf\u00e9/a b?q=\u00fc', '/caf%C3%A9/a%20b', 'q=%C3%BC', ''],
    ['/%2F/../x//y', '/%2F/../x//y', '', ''],
  ])('%s', (url, path, query, host) => {
    const view = headOf(url === '*' ? 'OPTIONS' : 'GET', url, []);
    expect([view.path, view.query, view.host]).toEqual([path, query, host]);
  });

  it('takes header lines as a request has them', () => {
    const view = headOf('GET', 'http://db:1/x', [
      'X-A:  1 ',
      'x-a: 2',
      'Cookie: a=1',
      'cookie: b=2',
      'Host: Other.example:8080',
      'X-Name: Zoë',
      'X-Empty:',
    ]);
    expect(view.header('x-a')).toBe('1, 2');
    expect(view.header('cookie')).toBe('a=1; b=2');
    expect(view.host).toBe('other.example');
    expect(view.header('host')).toBe('Other.example:8080');
    expect(view.header('x-name')).toBe('Zo\xc3\xab');
    expect(view.header('x-empty')).toBe('');
    expect(view.header('x-none')).toBeUndefined();
  });

  it.each([
    ['GE T', '/', []],
    ['', '/', []],
    ['GET', '', []],
    ['GET', 'admin', []],
    ['GET', '?x', []],
    ['GET', 'ftp://db/', []],
    ['GET', '/', ['no colon']],
    ['GET', '/', ['a b: c']],
    ['GET', '/', ['a: b\r\nc: d']],
  ])('refuses %j %j %j', (method, url, lines) => {
    expect(() => describeRequest(method, url, lines)).toThrow(/is (not|neither)|has no path/);
  });
});
