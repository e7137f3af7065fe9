/**
 * Files as editors, templates and wrong turns leave them: each is taken, or refused with line and column, in no time.
 *
 * Story: duplicate keys that break a configuration wordlessly (traefik/traefik#7657). Case id B24 of field-cases.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { loadConfig } from '../../../src/control/config/load.ts';
import { formatProblem } from '../../../src/control/config/problem.ts';
import { headroute } from '../../app/support/command.ts';
import { mainThreadCpuMs } from '../../helpers/thread-cpu.ts';
import { sample, textOf } from './sample.ts';

const folder = mkdtempSync(join(tmpdir(), 'headroute-odd-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const good = textOf(sample());
const head = 'apiVersion: headroute.dev/v1alpha1\nkind: ProxyConfig\n';
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, 'utf16le');
const variable = (inside: string): string => `$\{${inside}}`;

/** Nine levels of nine aliases each: half a billion texts if they were written out. */
const bomb = Array.from({ length: 9 }, (_, n) => {
  const items = n === 0 ? '"lol"' : `*a${n - 1}`;
  return `a${n}: &a${n} [${Array(9).fill(items).join(', ')}]\n`;
}).join('');

/** In whatever words. */
const REFUSED = ':';

/** A content, and a part of what is said about it; null: taken. */
const FILES: readonly (readonly [string, string | Buffer, string | null])[] = [
  // Key given twice, at every depth and in every style.
  ['a key twice', `${good}kind: ProxyConfig\n`, 'kind: the key is given twice'],
  ['a key twice, in quotes', `${good}"kind": ProxyConfig\n`, 'the key is given twice'],
  [
    'a key twice, deep',
    good.replace('port: http', 'port: http\n    port: 80'),
    'backends[0].port: the key is given twice',
  ],
  [
    'a key twice, in braces',
    `${good}log: { level: info, level: debug }\n`,
    'log.level: the key is given twice',
  ],
  ['a key twice, one escaped', `${good}"k\\u0069nd": ProxyConfig\n`, 'the key is given twice'],
  ['a whole section twice', `${good}backends: []\n`, 'backends: the key is given twice'],
  // Bytes around the text.
  ['a byte-order mark', `\ufeff${good}`, null],
  ['Windows line ends', good.replaceAll('\n', '\r\n'), null],
  ['old Mac line ends', good.replaceAll('\n', '\r'), REFUSED],
  ['no line end at the end', good.trimEnd(), null],
  ['many line ends at the end', `${good}\n\n\n`, null],
  ['a document end', `${good}...\n`, null],
  ['a document start', `---\n${good}`, null],
  ['two documents', `${good}---\n${good}`, 'more than one YAML document'],
  ['an empty second document', `${good}---\n`, 'more than one YAML document'],
  ['comments only', '# one\n# two\n', 'the file is empty'],
  ['nothing', '', 'the file is empty'],
  ['blanks', '   \n\n  \n', 'the file is empty'],
  ['a NUL', `${good}log: { level: "a\u0000b" }\n`, REFUSED],
  ['a binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0xff, 0xfe, 0x80]), 'is not UTF-8'],
  // Encodings.
  ['UTF-16', utf16(good), 'is not UTF-8'],
  ['UTF-16 without anything in it', utf16(''), 'is not UTF-8'],
  ['Latin-1', Buffer.from(`${good}# caf\u00e9\n`, 'latin1'), 'is not UTF-8'],
  ['UTF-8 in a comment', `${good}# caf\u00e9 \u{1f600}\n`, null],
  [
    'a surrogate half',
    Buffer.concat([Buffer.from(good), Buffer.from([0x23, 0xed, 0xa0, 0x80, 0x0a])]),
    'is not UTF-8',
  ],
  ['a line separator in a name', good.replace('name: db', 'name: "d\u2028b"'), 'backends[0].name'],
  ['a non-breaking blank as indent', good.replace('  - name: db', '\u00a0 - name: db'), REFUSED],
  // Tabs.
  ['a tab as indent', good.replace('  - name: db', '\t- name: db'), 'a tab indents this line'],
  ['a tab after a colon', good.replace('kind: ', 'kind:\t'), null],
  ['a tab before a comment', good.replace('kind: ProxyConfig', 'kind: ProxyConfig\t# x'), null],
  // Anchors, aliases, merge keys.
  ['an anchor nobody uses', good.replace('kind: ', 'kind: &k '), null],
  ['an alias', `${good}shutdown: { timeout: &t 5s }\n`, null],
  ['an alias before its anchor', `${good}log: *later\nself: &later {}\n`, 'alias'],
  ['an alias of itself', `${good}log: &l { level: *l }\n`, REFUSED],
  ['a merge key', `${good}<<: { log: { level: debug } }\n`, 'merge keys (<<) are not part of YAML 1.2'],
  ['a bomb of aliases', `${head}${bomb}`, REFUSED],
  // Tags.
  ['a known tag', good.replace('kind: ', 'kind: !!str '), null],
  ['a tag that changes the type', `${good}shutdown: { timeout: !!int 5 }\n`, 'shutdown.timeout'],
  ['an unknown tag', `${good}log: !secret x\n`, '"!secret" is a tag that is not known here'],
  ['code as a tag', `${good}log: !!js/function "() => 1"\n`, REFUSED],
  ['binary', `${good}log: { level: !!binary aW5mbw== }\n`, REFUSED],
  ['a set', `${good}log: !!set { level }\n`, REFUSED],
  // Depth and size.
  ['lists 10,000 deep', `${good}log: ${'['.repeat(10_000)}${']'.repeat(10_000)}\n`, REFUSED],
  ['mappings 10,000 deep', `${good}log: ${'{a: '.repeat(10_000)}${'}'.repeat(10_000)}\n`, REFUSED],
  ['brackets that are never closed', `${good}log: ${'['.repeat(10_000)}\n`, REFUSED],
  ['a line of 1 MB', `${good}# ${'x'.repeat(1 << 20)}\n`, null],
  ['a key of 1 MB', `${good}${'x'.repeat(1 << 20)}: 1\n`, REFUSED],
  [
    '10,000 unknown keys',
    good + Array.from({ length: 10_000 }, (_, n) => `x${n}: 1\n`).join(''),
    'unknown key',
  ],
  // Odd texts.
  ['a block text', good.replace('kind: ProxyConfig', 'kind: |-\n  ProxyConfig'), null],
  ['a folded text', good.replace('kind: ProxyConfig', 'kind: >-\n  ProxyConfig'), null],
  ['a block text with its line end', good.replace('kind: ProxyConfig', 'kind: |\n  ProxyConfig'), 'kind'],
  ['JSON', JSON.stringify(sample()), null],
  ['JSON with a comma too many', JSON.stringify(sample()).replace(/\}$/, ',}'), null],
  ['a template that was not filled in', good.replace('name: db', 'name: {{ .Values.name }}'), REFUSED],
  ['a merge conflict', good.replace('kind', '<<<<<<< HEAD\nkind'), REFUSED],
  // Environment.
  ['a variable', `${good}self: { podName: "${variable('SET')}" }\n`, null],
  ['a variable that is not set', `${good}self: { podName: "${variable('UNSET')}" }\n`, 'UNSET'],
  ['a default', `${good}self: { podName: "${variable('UNSET:-db-0')}" }\n`, null],
  ['a variable that is never closed', `${good}self: { podName: "${'$'}{SET" }\n`, 'self.podName'],
  ['a variable that holds YAML', `${good}self: { podName: "${variable('YAML')}" }\n`, null],
  ['a variable as key', `${good}"${variable('SET')}": 1\n`, 'unknown key'],
];

const ENV = { SET: 'db-0', YAML: '}\nadmin: { address: evil }' };

it.each(FILES)('B24 %s', (name, content, expected) => {
  const file = join(folder, `${FILES.findIndex(([other]) => other === name)}.yaml`);
  writeFileSync(file, content);
  const before = mainThreadCpuMs();
  const result = loadConfig(file, ENV);
  expect(mainThreadCpuMs() - before).toBeLessThan(3000);
  const lines = result.ok ? [] : result.problems.map(formatProblem);
  if (expected === null) expect(lines).toEqual([]);
  else expect(lines.join('\n')).toContain(expected);
  for (const line of lines) {
    expect(line.slice(0, file.length)).toBe(file);
    expect(line.slice(file.length)).toMatch(/^:[1-9]\d*:[1-9]\d*: [^\x00-\x1f\x7f]+$/);
    expect(line).not.toMatch(/\bat .*\.[jt]s:\d/);
  }
});

it('B24 `check` of the built program exits 0 or 1, with nothing on stderr and no stack trace', async () => {
  for (const name of [
    'a byte-order mark',
    'UTF-16',
    'a bomb of aliases',
    'lists 10,000 deep',
    'a key of 1 MB',
  ]) {
    const [, content, expected] = FILES.find(([other]) => other === name)!;
    const file = join(folder, 'checked.yaml');
    writeFileSync(file, content);
    const { status, stdout, stderr } = await headroute(['check', '--config', file]);
    expect([name, status, stderr]).toEqual([name, expected === null ? 0 : 1, '']);
    for (const line of stdout.trimEnd().split('\n')) expect(line.startsWith(`${file}:`)).toBe(true);
  }
});
