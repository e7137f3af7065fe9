import { describe, expect, it } from 'vitest';
import { mainThreadCpuMs } from '../../helpers/thread-cpu.ts';
import { configOf, placesOf, problemsOf, sample, textOf } from './sample.ts';

const good = textOf(sample());

describe('YAML', () => {
  it.each([
    ['an empty file', '', 'f.yaml:1:1: the file is empty'],
    ['only a comment', '# nothing\n', 'f.yaml:1:1: the file is empty'],
    ['a text', 'hello', 'f.yaml:1:1: must be a mapping, is the text "hello"'],
    ['a list', '- a', 'f.yaml:1:1: must be a mapping, is a list'],
    ['nothing', '~', 'f.yaml:1:1: has no value'],
    ['two documents', `${good}---\n${good}`, 'more than one YAML document'],
    ['a tab', good.replace('  - name: db', '\t- name: db'), 'f.yaml:4:1: a tab indents this line'],
    ['an unclosed bracket', 'backends: [\n', 'f.yaml:1:11: this [ is not closed'],
    [
      'an unquoted variable between braces',
      ['self: { podName: ', '{POD_NAME} }'].join('$'),
      'stands between braces or brackets: put it in quotes',
    ],
    ['YAML 1.1', `%YAML 1.1\n---\n${good}`, 'only YAML 1.2 is read'],
    ['an unknown tag', `${good}log: !secret x\n`, '"!secret" is a tag that is not known here'],
    ['an alias without anchor', `${good}log: *l\n`, 'alias'],
    ['a key twice', `${good}kind: ProxyConfig\n`, 'kind: the key is given twice'],
    ['a number as key', `${good}8080: x\n`, 'the key "8080" is not a text'],
    ['a list as key', `${good}? [a, b]\n: x\n`, 'a key must be a plain word'],
    ['a merge key', `${good}<<: { log: { level: debug } }\n`, 'merge keys (<<) are not part of YAML 1.2'],
    ['a key of the prototype', `${good}__proto__: { log: {} }\n`, '__proto__: unknown key'],
    ['a method of objects as key', `${good}constructor: x\n`, 'constructor: unknown key'],
    ['a key without value', `${good}log:\n`, 'log: has no value: it must be a mapping, or leave the key out'],
    ['a control character', `${good}"a\\e[31m": 1\n`, '["a\\u001b[31m"]: unknown key'],
  ])('%s', (_what, text, problem) => {
    const problems = placesOf(text);
    expect(problems).toEqual([expect.stringContaining(problem)]);
    expect(problems[0]).toMatch(/^f\.yaml:\d+:\d+: [^\n\u001b]+$/);
  });

  it('with a byte-order mark, Windows line ends or anchors reads as without', () => {
    expect(configOf(`\ufeff${good}`)).toEqual(configOf(good));
    expect(configOf(good.replaceAll('\n', '\r\n'))).toEqual(configOf(good));
    expect(placesOf('\ufeffapi: 1')[0]).toMatch(/^f\.yaml:1:1:/);
    const shared = configOf(`${good}shutdown: &s { timeout: 5s }\n`);
    expect(shared.shutdownTimeoutMs).toBe(5000);
    const rule =
      'rules: [{ name: a, backendRefs: &r [{ name: db }], matches: [{ method: GET }] }, { backendRefs: *r }]';
    const aliased = `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends: [{ name: db, service: a.b, port: 1 }]
listeners: [{ name: w, address: ':1', ${rule} }]
`;
    expect(configOf(aliased).listeners[0]!.rules[1]!.backendRefs).toEqual([{ name: 'db', weight: 1 }]);
  });

  it('words that YAML 1.1 took for booleans and octal numbers stay what they look like', () => {
    expect(problemsOf(`${good}log: { access: no }\n`)).toEqual([
      'log.access: must be true, false or errors, is the text "no": write false',
    ]);
    const text = good
      .replace('127.0.0.1:8080', '"127.0.0.1:8080"')
      .replace('rules:', 'limits: { headers: 08 }\n    rules:');
    expect(configOf(text).listeners[0]!.limits.headers).toBe(8);
  });

  it('that expands without end is refused quickly', () => {
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 12; n++)
      bomb.push(
        `a${n}: &a${n} [${Array(9)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
      );
    const started = mainThreadCpuMs();
    expect(problemsOf(bomb.join('\n')).join('\n')).toContain('aliases expand to too much');
    expect(mainThreadCpuMs() - started).toBeLessThan(3000);
    expect(problemsOf('a: &a [*a]').join('\n')).toContain('contains itself');
  });

  it('that nests without end is refused', () => {
    expect(problemsOf('['.repeat(200_000))).toHaveLength(1);
    expect(problemsOf(`${good}log: ${'['.repeat(3000)}${']'.repeat(3000)}\n`).length).toBeGreaterThan(0);
  });
});

/* biome-ignore-start lint/suspicious/noTemplateCurlyInString: the syntax of the configuration file */
describe('environment variables', () => {
  const levelOf = (value: string, env: Record<string, string> = {}) =>
    problemsOf(`${good}log: { level: ${value} }\n`, env);

  it('a plain scalar is typed again, a quoted one stays text', () => {
    const headers = (value: string) => good.replace('rules:', `limits:\n      headers: ${value}\n    rules:`);
    expect(configOf(headers('${N}'), { N: '7' }).listeners[0]!.limits.headers).toBe(7);
    expect(problemsOf(headers('"${N}"'), { N: '7' })).toEqual([
      'listeners[0].limits.headers: must be a number, is the value of N: write it without quotes',
    ]);
    expect(configOf(`${good}log:\n  access: \${A}\n`, { A: 'true' }).log.access).toBe(true);
    expect(configOf(`${good}log:\n  access: \${A}\n`, { A: 'errors' }).log.access).toBe('errors');
    expect(problemsOf(`${good}log: { access: error }\n`)).toEqual([
      'log.access: must be true, false or errors, is the text "error"; did you mean errors?',
    ]);
  });

  it.each([
    ['"${L}"', { L: 'debug' }],
    ['"${L:-debug}"', {}],
    ['"${L:-debug}"', { L: '' }],
    ['"de${L}"', { L: 'bug' }],
    ['"${A}${B}"', { A: 'de', B: 'bug' }],
    ["'${L:-debug}'", {}],
  ])('%s with %j', (value, env) =>
    expect(configOf(`${good}log: { level: ${value} }\n`, env).log.level).toBe('debug'),
  );

  it.each([
    ['"${L}"', {}, 'log.level: environment variable L is not set'],
    ['"${L"', {}, 'log.level: has ${ without }'],
    ['"${}"', {}, 'is not the name of an environment variable'],
    ['"${1A}"', {}, 'is not the name'],
    ['"${L:-${M}}"', {}, 'cannot be nested'],
    ['"${L-debug}"', {}, 'only ${L} and ${L:-default} are known'],
    ['"${L}"', { L: '${M}', M: 'debug' }, 'is the value of L'],
    ['"${L}"', { L: '' }, 'is an empty text'],
    ['"$L"', { L: 'debug' }, 'is the text "$L"'],
    ['"${constructor}"', {}, 'constructor is not set'],
  ])('%s with %j is a problem', (value, env, problem) =>
    expect(levelOf(value, env)).toEqual([expect.stringContaining(problem)]),
  );

  it('keeps positions, and reports an unset one once', () => {
    expect(placesOf(`${good}log: { level: "\${NOT_SET}", access: 1 }\n`)).toEqual([
      expect.stringMatching(/^f\.yaml:\d+:15: log\.level: environment variable NOT_SET is not set/),
      expect.stringMatching(/^f\.yaml:\d+:37: log\.access: must be true, false or errors/),
    ]);
  });

  it('an empty plain one is the empty text', () => {
    expect(configOf(`${good}self:\n  podName: \${POD_NAME:-}\n`).selfPodName).toBe('');
  });

  it('cannot bring in YAML', () => {
    expect(configOf(`${good}self:\n  podName: \${P}\n`, { P: 'a: [b' }).selfPodName).toBe('a: [b');
  });
});
/* biome-ignore-end lint/suspicious/noTemplateCurlyInString: end of it */
