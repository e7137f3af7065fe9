import { describe, expect, it } from 'vitest';
import { orderRoutes } from '../../src/control/routes.ts';
import type { MatchConfig, RuleConfig } from '../../src/model/config.ts';
import { configOf, sample } from './config/sample.ts';

function rule(name: string, hostnames: string[], ...matches: Partial<MatchConfig>[]): RuleConfig {
  const base = configOf(sample()).listeners[0]!.rules[0]!;
  const whole = matches.map((match) => ({ path: null, methods: [], headers: [], queryParams: [], ...match }));
  return { ...base, name, hostnames, matches: whole };
}
const exact = (value: string) => ({ path: { type: 'Exact' as const, value } });
const prefix = (value: string) => ({ path: { type: 'PathPrefix' as const, value } });
const regex = (value: string) => ({ path: { type: 'RegularExpression' as const, value } });
const field = (name: string) => ({ type: 'Exact' as const, name, value: '1' });
const order = (...rules: RuleConfig[]) => orderRoutes(rules).map(({ rule }) => rule.name);

describe('routes are tried in the order of precedence (Gateway API, HTTPRouteRule)', () => {
  it.each<[string, RuleConfig[]]>([
    [
      'exact hosts, long wildcards, short wildcards, any host; before any path',
      [rule('d', [], exact('/x')), rule('c', ['*.b'], {}), rule('b', ['*.a.b'], {}), rule('a', ['a.b'], {})],
    ],
    [
      'Exact, long prefix, short prefix, expression, any path',
      [
        rule('e', []),
        rule('d', [], regex('/x.*')),
        rule('c', [], prefix('/x')),
        rule('b', [], prefix('/x/y')),
        rule('a', [], exact('/')),
      ],
    ],
    [
      'a method before none',
      [rule('b', [], prefix('/x')), rule('a', [], { ...prefix('/x'), methods: ['GET'] })],
    ],
    [
      'more headers first',
      [
        rule('c', []),
        rule('b', [], { headers: [field('a')] }),
        rule('a', [], { headers: [field('a'), field('b')] }),
      ],
    ],
    [
      'headers before query parameters',
      [rule('b', [], { queryParams: [field('a'), field('b')] }), rule('a', [], { headers: [field('a')] })],
    ],
    [
      'more query parameters first',
      [
        rule('c', []),
        rule('b', [], { queryParams: [field('a')] }),
        rule('a', [], { queryParams: [field('a'), field('b')] }),
      ],
    ],
    [
      'a method before headers',
      [rule('b', [], { headers: [field('a')] }), rule('a', [], { methods: ['GET'] })],
    ],
    [
      'an expression before the prefix / that takes everything',
      [rule('b', [], prefix('/')), rule('a', [], regex('/x'))],
    ],
  ])('%s', (_what, rules) => expect(order(...rules)).toEqual(rules.map(({ name }) => name).sort()));

  it('what ranks alike stays in the order of the file', () => {
    expect(order(rule('z', []), rule('y', [], prefix('/')), rule('x', [], {}))).toEqual(['z', 'y', 'x']);
    expect(order(rule('z', [], prefix('/t/')), rule('y', [], prefix('/t')))).toEqual(['z', 'y']);
    // How many methods a match lists makes it neither more nor less specific.
    const methods = (...list: string[]) => ({ methods: list });
    expect(order(rule('z', [], methods('GET')), rule('y', [], methods('GET', 'HEAD')))).toEqual(['z', 'y']);
    expect(order(rule('z', [], methods('GET', 'HEAD')), rule('y', [], methods('GET')))).toEqual(['z', 'y']);
  });

  it('each match under each hostname is a route, and a rule without any is one', () => {
    const routes = orderRoutes([rule('a', ['a.b', '*.b'], exact('/1'), exact('/2')), rule('b', [])]);
    expect(routes.map(({ hostname, match }) => [hostname, match?.path?.value ?? null])).toEqual([
      ['a.b', '/1'],
      ['a.b', '/2'],
      ['*.b', '/1'],
      ['*.b', '/2'],
      [null, null],
    ]);
  });
});
