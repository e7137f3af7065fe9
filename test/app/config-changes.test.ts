/** What "in force" says of a change of the configuration. */
import { describe, expect, it } from 'vitest';
import { configChanges } from '../../src/app/config-changes.ts';
import { keepEqualParts } from '../../src/control/config/watching/keep-equal.ts';
import type { Config } from '../../src/model/config.ts';
import { atOnce } from '../../src/platform/turn.ts';
import { backendConfig, configWith, listenerConfig, ruleConfig } from '../helpers/config.ts';

const db = backendConfig();
const named = (name: string) => ({ ...db, name });
const rule = (name: string, requestMs = 1) =>
  ruleConfig({ name, timeouts: { requestMs, backendRequestMs: 0 } });
const listener = (name: string, ...rules: string[]) =>
  listenerConfig({ name, rules: rules.map((each) => rule(each)) });
const before = configWith({
  backends: [db, named('cache')],
  listeners: [listener('app', 'a', 'b'), listener('old', 'a')],
});

function changes(part: Partial<Config>, from = before): string[] {
  return configChanges(from, atOnce(keepEqualParts(from, structuredClone({ ...from, ...part }))));
}

describe('a change of the configuration', () => {
  it.each<[string, Partial<Config>, string[]]>([
    ['none', {}, []],
    ['a backend more', { backends: [...before.backends, named('more')] }, ['added backend more']],
    ['a backend less', { backends: [db] }, ['removed backend cache']],
    [
      'a backend changed',
      { backends: [{ ...db, service: 'other' }, named('cache')] },
      [`changed backend ${db.name}`],
    ],
    [
      'listeners: one renamed, one with another address',
      {
        listeners: [
          { ...before.listeners[0]!, address: { host: '', port: 9 } },
          { ...before.listeners[1]!, name: 'new' },
        ],
      },
      ['changed listener app', 'added listener new', 'removed listener old'],
    ],
    [
      'rules: one more, one less, one changed',
      {
        listeners: [
          { ...before.listeners[0]!, rules: [rule('a', 2), rule('c')] },
          { ...before.listeners[1]!, rules: [rule('a')] },
        ],
      },
      ['changed rule app/a', 'added rule app/c', 'removed rule app/b'],
    ],
    [
      'rules in another order',
      { listeners: [listener('app', 'b', 'a'), before.listeners[1]!] },
      ['changed the order of the rules of listener app'],
    ],
    [
      'what has no name',
      {
        log: { level: 'debug', access: 'errors' },
        metrics: { podLabel: false },
        shutdownTimeoutMs: 1,
      },
      ['changed log.level', 'changed log.access', 'changed metrics.podLabel', 'changed shutdown.timeout'],
    ],
  ])('%s', (_, part, lines) => {
    expect(changes(part)).toEqual(lines);
  });

  it('of many, the first twenty are told and the rest counted', () => {
    const backends = Array.from({ length: 1000 }, (_, n) => named(`b${n}`));
    const lines = changes({ backends: [...before.backends, ...backends] });
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)).toBe('and 980 more');
  });
});
