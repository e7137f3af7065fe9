import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionsOf } from '../../../src/data/match/conditions.ts';
import { compileMatcher, matcherFor } from '../../../src/data/match/matcher.ts';
import type { RequestView } from '../../../src/data/request-view.ts';
import type { FieldMatch, MatchConfig, PathMatch } from '../../../src/model/config.ts';
import type { Route } from '../../../src/model/snapshot.ts';
import { mainThreadCpuMs } from '../../helpers/thread-cpu.ts';
import { listenerOf, matchOf, request, rule } from '../fixtures.ts';

function matches(match: Partial<MatchConfig>, view: RequestView, hostname: string | null = null): boolean {
  const routes: Route[] = [{ rule: rule('r'), hostname, match: matchOf(match) }];
  return compileMatcher(listenerOf(routes)).match(view) !== null;
}

const prefix = (value: string): Partial<MatchConfig> => ({ path: { type: 'PathPrefix', value } });
const exact = (value: string): Partial<MatchConfig> => ({ path: { type: 'Exact', value } });
const regex = (value: string): Partial<MatchConfig> => ({ path: { type: 'RegularExpression', value } });

describe('paths (Gateway API, HTTPPathMatch)', () => {
  it.each([
    ['/t', '/t', true],
    ['/t', '/t/', true],
    ['/t', '/t/x', true],
    ['/t', '/tx', false],
    ['/t', '/T', false],
    ['/t/', '/t', true],
    ['/t/', '/t/x', true],
    ['/t/', '/tx', false],
    ['/', '/', true],
    ['/', '/anything', true],
    ['/', '*', false],
    ['/a/b', '/a', false],
    ['/a/b', '/a/b/c', true],
    ['/a//', '/a/', true],
    ['/a//', '/a//b', true],
    ['/a//', '/a/b', false],
  ])('prefix %s and path %s: %s', (value, path, expected) => {
    expect(matches(prefix(value), request('GET', path))).toBe(expected);
  });

  it.each([
    ['/admin', '/%61dmin'],
    ['/admin', '/t/../admin'],
    ['/admin', '//admin'],
    ['/admin', '/admin;a=b'],
    ['/admin', '/./admin'],
    ['/admin', '/admin%2F'],
  ])('is matched as it is sent: %s does not take %s', (value, path) => {
    expect(matches(exact(value), request('GET', path))).toBe(false);
    expect(matches(prefix(value), request('GET', path))).toBe(false);
  });

  it('an escaped slash is no segment border', () => {
    expect(matches(prefix('/t/a'), request('GET', '/t/a%2Fb'))).toBe(false);
    expect(matches(prefix('/t'), request('GET', '/t/a%2Fb'))).toBe(true);
  });

  it('leaves the query out', () => {
    expect(matches(exact('/s'), request('GET', '/s?q=/t'))).toBe(true);
    expect(matches(prefix('/s/t'), request('GET', '/s?/t'))).toBe(false);
  });

  it('an expression must match the whole path', () => {
    expect(matches(regex('/v[0-9]+'), request('GET', '/v12'))).toBe(true);
    expect(matches(regex('/v[0-9]+'), request('GET', '/v12/x'))).toBe(false);
    expect(matches(regex('/v[0-9]+'), request('GET', '/a/v12'))).toBe(false);
    expect(matches(regex('/a|/b/.*'), request('GET', '/b/c'))).toBe(true);
  });

  it('an expression that backtracking engines take ages for is answered at once', () => {
    const before = mainThreadCpuMs();
    expect(matches(regex('/(a+)+b'), request('GET', `/${'a'.repeat(20_000)}`))).toBe(false);
    expect(mainThreadCpuMs() - before).toBeLessThan(2000);
  });
});

describe('hosts', () => {
  it.each([
    ['a.example.com', 'a.example.com', true],
    ['a.example.com', 'a.example.com.', true],
    ['a.example.com', 'b.example.com', false],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'aexample.com', false],
    ['*.example.com', 'a.example.com.evil', false],
    ['a.example.com', '', false],
  ])('hostname %s and host %s: %s', (hostname, host, expected) => {
    expect(matches({}, request('GET', '/', { host }), hostname)).toBe(expected);
  });
});

describe('methods, headers and query parameters', () => {
  it('methods are case-sensitive (RFC 9110 section 9.1), and HEAD is not GET', () => {
    expect(matches({ methods: ['GET', 'POST'] }, request('POST', '/'))).toBe(true);
    expect(matches({ methods: ['GET', 'POST'] }, request('post', '/'))).toBe(false);
    expect(matches({ methods: ['GET'] }, request('HEAD', '/'))).toBe(false);
  });

  const header = (value: string, type: FieldMatch['type'] = 'Exact'): Partial<MatchConfig> => ({
    headers: [{ type, name: 'x-role', value }],
  });

  it('compares the whole value of a header; a missing one never matches', () => {
    expect(matches(header('a'), request('GET', '/', { 'x-role': 'a' }))).toBe(true);
    expect(matches(header('a'), request('GET', '/', { 'x-role': 'A' }))).toBe(false);
    expect(matches(header('a'), request('GET', '/', { 'x-role': 'a, b' }))).toBe(false);
    expect(matches(header('a, b'), request('GET', '/', { 'x-role': 'a, b' }))).toBe(true);
    expect(matches(header(''), request('GET', '/', { 'x-role': '' }))).toBe(true);
    expect(matches(header('.*', 'RegularExpression'), request('GET', '/'))).toBe(false);
    expect(matches(header('a.*', 'RegularExpression'), request('GET', '/', { 'x-role': 'xab' }))).toBe(false);
  });

  it('compares bytes beyond ASCII as UTF-8', () => {
    const sent = Buffer.from('Zoë', 'utf8').toString('latin1');
    expect(matches(header('Zoë'), request('GET', '/', { 'x-role': sent }))).toBe(true);
    expect(matches(header('Zo.', 'RegularExpression'), request('GET', '/', { 'x-role': sent }))).toBe(true);
    expect(matches(header('Zoë'), request('GET', '/', { 'x-role': 'Zo\xeb' }))).toBe(false);
  });

  const param = (value: string, name = 'q'): Partial<MatchConfig> => ({
    queryParams: [{ type: 'Exact', name, value }],
  });

  it.each([
    ['a b', '/?q=a+b', true],
    ['a b', '/?q=a%20b', true],
    ['a', '/?q=a&q=b', true],
    ['b', '/?q=a&q=b', false],
    ['a', '/?%71=a', true],
    ['', '/?q', true],
    ['', '/?q=', true],
    ['', '/?x=1', false],
    ['a=b', '/?q=a=b', true],
    ['100%', '/?q=100%', true],
    ['%zz', '/?q=%zz', true],
    ['a', '/?Q=a', false],
    ['a', '/?x=1;q=a', false],
    ['a', '/?&&q=a', true],
    ['ë', '/?q=%C3%AB', true],
  ])('query parameter %j in %s: %s', (value, target, expected) => {
    expect(matches(param(value), request('GET', target))).toBe(expected);
  });
});

describe('the index', () => {
  const segments = ['', 'a', 'b', 'ab', '%2F', '..'];
  const path = fc.array(fc.constantFrom(...segments), { maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
  const value = fc.constantFrom('1', '2');
  const field = (names: string[]): fc.Arbitrary<FieldMatch> =>
    fc.record({
      type: fc.constantFrom<FieldMatch['type']>('Exact', 'RegularExpression'),
      name: fc.constantFrom(...names),
      value: fc.constantFrom('1', '2', '.'),
    });
  const match = fc.record<MatchConfig>({
    path: fc.option(
      fc.record<PathMatch>({
        type: fc.constantFrom<PathMatch['type']>('Exact', 'PathPrefix', 'RegularExpression'),
        value: path,
      }),
    ),
    methods: fc.subarray(['GET', 'POST'], { maxLength: 1 }),
    headers: fc.array(field(['x', 'y']), { maxLength: 2 }),
    queryParams: fc.array(field(['p', 'q']), { maxLength: 2 }),
  });
  const hosts = ['a.com', 'b.a.com', 'c.b.a.com', 'com', ''];
  const hostname = fc.option(fc.constantFrom('a.com', 'b.a.com', '*.a.com', '*.com', '*.b.a.com'));
  const routes = fc
    .array(fc.tuple(hostname, fc.option(match, { freq: 8 })), { maxLength: 30 })
    .map((list) => list.map(([host, m], i): Route => ({ rule: rule(`r${i}`), hostname: host, match: m })));
  const view = fc
    .record({
      method: fc.constantFrom('GET', 'POST'),
      path: fc.oneof({ weight: 9, arbitrary: path }, { weight: 1, arbitrary: fc.constant('*') }),
      query: fc.constantFrom('', 'p=1', 'q=1&p=2', 'p=2&p=1', 'q=2'),
      host: fc.constantFrom(...hosts),
      x: fc.option(value),
      y: fc.option(value),
    })
    .map(
      ({ x, y, ...rest }): RequestView => ({
        ...rest,
        header: (name) => (name === 'x' ? x : name === 'y' ? y : null) ?? undefined,
      }),
    );

  it('finds the very route that trying one after the other finds', () => {
    fc.assert(
      fc.property(routes, fc.array(view, { minLength: 5, maxLength: 20 }), (list, views) => {
        const matcher = compileMatcher(listenerOf(list));
        for (const v of views) {
          const naive = list.find((r) => conditionsOf(r.hostname, r.match).every((c) => c.holds(v)));
          expect(matcher.match(v)).toBe(naive?.rule ?? null);
          const told = matcher.explain(v);
          expect(told.tried.find((t) => t.matched)?.rule ?? null).toBe(naive?.rule.name ?? null);
          const others = list.filter(
            (r) => r.rule !== naive?.rule && conditionsOf(r.hostname, r.match).every((c) => c.holds(v)),
          );
          expect(told.alsoMatch.map(({ rule }) => rule)).toEqual([
            ...new Set(others.map((r) => r.rule.name)),
          ]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it.each<[string, (i: number) => Partial<MatchConfig>, RequestView]>([
    ['exact paths', (i) => exact(`/p${i}`), request('GET', '/p999')],
    ['prefixes', (i) => prefix(`/p${i}/`), request('GET', '/p999/x')],
    [
      'one header',
      (i) => ({ headers: [{ type: 'Exact', name: 'x', value: `${i}` }] }),
      request('GET', '/', { x: '999' }),
    ],
    [
      'one query parameter',
      (i) => ({ queryParams: [{ type: 'Exact', name: 'x', value: `${i}` }] }),
      request('GET', '/?x=999'),
    ],
  ])('1,000 rules told apart by %s cost no more look-ups than one', (_, part, sent) => {
    let reads = 0;
    const counting: RequestView = {
      get method() {
        reads++;
        return sent.method;
      },
      get path() {
        reads++;
        return sent.path;
      },
      get query() {
        reads++;
        return sent.query;
      },
      get host() {
        reads++;
        return sent.host;
      },
      header(name) {
        reads++;
        return sent.header(name);
      },
    };
    const list = Array.from(
      { length: 1000 },
      (_unused, i): Route => ({ rule: rule(`r${i}`), hostname: null, match: matchOf(part(i)) }),
    );
    expect(compileMatcher(listenerOf(list)).match(counting)?.name).toBe('r999');
    expect(reads).toBeLessThan(8);
  });

  it('1,000 hostnames cost no more look-ups than one, and a host of many labels is no more work', () => {
    const list = Array.from(
      { length: 1000 },
      (_, i): Route => ({ rule: rule(`r${i}`), hostname: `*.h${i}.com`, match: null }),
    );
    const matcher = compileMatcher(listenerOf(list));
    expect(matcher.match(request('GET', '/', { host: 'a.h999.com' }))?.name).toBe('r999');
    const before = mainThreadCpuMs();
    for (let i = 0; i < 1000; i++)
      matcher.match(request('GET', '/', { host: `${'a.'.repeat(30_000)}h1.com` }));
    expect(mainThreadCpuMs() - before).toBeLessThan(1000);
  });

  it('a path of many slashes is no more work than the longest prefix', () => {
    const matcher = compileMatcher(
      listenerOf([{ rule: rule('r'), hostname: null, match: matchOf(prefix('/a/b')) }]),
    );
    const before = mainThreadCpuMs();
    for (let i = 0; i < 1000; i++) matcher.match(request('GET', '/'.repeat(60_000)));
    expect(mainThreadCpuMs() - before).toBeLessThan(1000);
  });
});

describe('explain', () => {
  it('tells in words why each rule was not taken, and which other would have done', () => {
    const list: Route[] = [
      { rule: rule('writes'), hostname: null, match: matchOf({ methods: ['POST', 'PUT'] }) },
      {
        rule: rule('role'),
        hostname: null,
        match: matchOf({ headers: [{ type: 'Exact', name: 'x-role', value: 'a' }] }),
      },
      { rule: rule('reads'), hostname: null, match: null },
      { rule: rule('other'), hostname: null, match: null },
      { rule: rule('never'), hostname: null, match: matchOf({ methods: ['PUT'] }) },
    ];
    expect(compileMatcher(listenerOf(list)).explain(request('GET', '/'))).toEqual({
      tried: [
        { rule: 'writes', matched: false, why: 'needs: method is POST or PUT; but the method is GET' },
        { rule: 'role', matched: false, why: 'needs: header x-role is "a"; but it is missing' },
        { rule: 'reads', matched: true, why: 'takes every request' },
      ],
      alsoMatch: [{ rule: 'other', why: 'takes every request' }],
    });
  });

  it('compiles a listener once', () => {
    const listener = listenerOf([]);
    expect(matcherFor(listener)).toBe(matcherFor(listener));
    expect(matcherFor(listener)).not.toBe(matcherFor(listenerOf([])));
    expect(matcherFor(listener).match(request('GET', '/'))).toBeNull();
  });
});

describe('the index finds what trying each would find', () => {
  const named = (name: string, match: Partial<MatchConfig>, hostname: string | null = null): Route => ({
    rule: rule(name),
    hostname,
    match: matchOf(match),
  });
  const taken = (routes: readonly Route[], view: RequestView): string | null =>
    compileMatcher(listenerOf(routes)).match(view)?.name ?? null;

  it('a long prefix that comes before a short one, and a short one before a long one', () => {
    for (const routes of [
      [named('long', prefix('/a/b/c')), named('short', prefix('/a'))],
      [named('short', prefix('/a')), named('long', prefix('/a/b/c'))],
    ]) {
      const [first] = routes;
      expect(taken(routes, request('GET', '/a/b/c/d'))).toBe(first!.rule.name);
      expect(taken([first!], request('GET', '/a/b/c'))).toBe(first!.rule.name);
    }
  });

  it('a long wildcard beside a short one', () => {
    const routes = [named('long', {}, '*.a.example'), named('short', {}, '*.e')];
    expect(taken(routes, request('GET', '/', { host: 'x.a.example' }))).toBe('long');
    expect(taken(routes, request('GET', '/', { host: 'x.e' }))).toBe('short');
  });

  it('a header whose name the configuration spells in capitals', () => {
    const routes = [named('r', { headers: [{ type: 'Exact', name: 'X-Role', value: 'a' }] })];
    expect(taken(routes, request('GET', '/', { 'x-role': 'a' }))).toBe('r');
  });
});
