import { describe, expect, it } from 'vitest';
import { problemsOf, sample } from './sample.ts';

type Case = [what: string, parts: Parameters<typeof sample>[0], problem: string];

/** Each must give this problem and no other. */
const MISTAKES: Case[] = [
  ['a port without an address', { listener: { address: 8080 } }, 'write 127.0.0.1:8080'],
  [
    'yes for true',
    { listener: { debugHeaders: 'yes' } },
    'must be true or false, is the text "yes": write true',
  ],
  ['a size in megabytes', { listener: { limits: { headBytes: '64KB' } } }, 'write for example 64Ki'],
  [
    'a head too small for any request',
    { listener: { limits: { headBytes: 10 } } },
    'must be at least 1024 bytes',
  ],
  ['no rules', { listener: { rules: [] } }, 'listeners[0].rules: needs at least one entry'],
  [
    'debug on a public address',
    { document: { debug: { address: ':9181' } } },
    'debug.address: must be a loopback address',
  ],
  [
    'a method in small letters',
    { rule: { matches: [{ method: 'get' }] } },
    'matches[0].method: "get" must be written GET',
  ],
  [
    'a method in small letters in a list',
    { rule: { matches: [{ method: ['GET', 'post'] }] } },
    'matches[0].method[1]: "post" must be written POST',
  ],
  [
    'a path without slash',
    { rule: { matches: [{ path: { value: 't' } }] } },
    'matches[0].path.value: "t" must start with /',
  ],
  [
    'a path with a query',
    { rule: { matches: [{ path: { value: '/a?b=c' } }] } },
    'a query is matched under queryParams',
  ],
  ['a path with a star', { rule: { matches: [{ path: { value: '/a/*' } }] } }, 'must not end in *'],
  [
    'an expression beyond RE2',
    { rule: { matches: [{ path: { type: 'RegularExpression', value: '(?=a)' } }] } },
    'is not an expression that RE2 accepts',
  ],
  [
    'a back-reference',
    { rule: { matches: [{ headers: [{ type: 'RegularExpression', name: 'A', value: '(a)\\1' }] }] } },
    'is not an expression that RE2 accepts',
  ],
  [
    'a header matched twice',
    {
      rule: {
        matches: [
          {
            headers: [
              { name: 'A', value: '1' },
              { name: 'a', value: '2' },
            ],
          },
        ],
      },
    },
    'headers[1].name: the header a is matched twice',
  ],
  [
    'a hostname with port',
    { rule: { hostnames: ['a.b:80'] } },
    'hostnames[0]: "a.b:80" must not have a port',
  ],
  [
    'an unknown selection',
    { rule: { selection: { type: 'Followers' } } },
    'must be one of Leader, Ordinal, FanOut, Balance, is the text "Followers"',
  ],
  ['a selection in small letters', { rule: { selection: { type: 'balance' } } }, 'did you mean Balance?'],
  [
    'a selection whose type was forgotten',
    { rule: { selection: { key: { header: 'X' } } } },
    'rules[0].selection.type: is missing: key belongs to type: Ordinal',
  ],
  [
    'a key of another selection',
    { rule: { selection: { type: 'Balance', hold: {} } } },
    'selection.hold: unknown key',
  ],
  [
    'two keys',
    { rule: { selection: { type: 'Ordinal', key: { header: 'X', self: true } } } },
    'selection.key: needs exactly one of',
  ],
  [
    'an ordinal selection of nothing',
    { rule: { selection: { type: 'Ordinal' } } },
    'rules[0].selection: needs key (with mapping) or ordinal',
  ],
  [
    'a fixed ordinal with a key',
    { rule: { selection: { type: 'Ordinal', ordinal: 1, key: { header: 'X' } } } },
    'selection.key: does not go with a fixed ordinal',
  ],
  [
    'Modulo without replicas',
    { rule: { selection: { type: 'Ordinal', key: { header: 'X' }, mapping: { type: 'Modulo' } } } },
    'selection.mapping.replicas: is missing',
  ],
  [
    'ranges without an end',
    {
      rule: {
        selection: {
          type: 'Ordinal',
          key: { header: 'X' },
          mapping: { type: 'Range', ranges: [{ below: 'm', ordinal: 0 }] },
        },
      },
    },
    'ranges[0].below: the last range must have no below',
  ],
  [
    'ranges that end early',
    {
      rule: {
        selection: {
          type: 'Ordinal',
          key: { header: 'X' },
          mapping: { type: 'Range', ranges: [{ ordinal: 0 }, { ordinal: 1 }] },
        },
      },
    },
    'ranges[0]: only the last range goes without below',
  ],
  [
    'ranges that overlap',
    {
      rule: {
        selection: {
          type: 'Ordinal',
          key: { header: 'X' },
          mapping: {
            type: 'Range',
            ranges: [{ below: 'm', ordinal: 0 }, { below: 'b', ordinal: 1 }, { ordinal: 2 }],
          },
        },
      },
    },
    'ranges[1].below: ranges overlap',
  ],
  [
    'Merge without merge',
    { rule: { selection: { type: 'FanOut', respond: 'Merge' } } },
    'respond: Merge needs merge',
  ],
  [
    'merge without Merge',
    { rule: { selection: { type: 'FanOut', respond: 'First', merge: { type: 'JSONLines' } } } },
    'selection.merge: does not go with respond: First',
  ],
  [
    'a weight below zero',
    { rule: { backendRefs: [{ name: 'db', weight: -1 }] } },
    'backendRefs[0].weight: must be at least 0',
  ],
  [
    'a backendRef that is no list',
    { rule: { backendRefs: { name: 'db' } } },
    'backendRefs: must be a list, is a mapping: put "- "',
  ],
  [
    'backendRequest longer than request',
    { rule: { timeouts: { request: '1s', backendRequest: '2s' } } },
    'timeouts.backendRequest: is longer than request',
  ],
  ['a retry on success', { rule: { retry: { codes: [200] } } }, 'retry.codes[0]: must be at least 400'],
  [
    'a fraction of a retry',
    { rule: { retry: { attempts: 1.5 } } },
    'retry.attempts: must be a whole number, is the number 1.5',
  ],
  [
    'a number as name',
    {
      document: {
        backends: [
          { name: 8, service: 'a.b', port: 1 },
          { name: 'db', service: 'a.b', port: 1 },
        ],
      },
    },
    'backends[0].name: must be a name, is the number 8: put it in quotes',
  ],
  [
    'an unknown log level',
    { document: { log: { level: 'verbose' } } },
    'log.level: must be one of trace, debug',
  ],
  [
    'a timer that would overflow',
    { document: { shutdown: { timeout: '99999h' } } },
    'shutdown.timeout: "99999h" is too long',
  ],
];

describe('a mistake is the only problem, with its path and what to do', () => {
  it.each(MISTAKES)('%s', (_what, parts, problem) => {
    const problems = problemsOf(sample(parts));
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });
});
