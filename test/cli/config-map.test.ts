/** `headroute check` of a ConfigMap: its keys that hold a configuration, each problem at its place in the whole file. */
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { check } from '../../src/cli/check.ts';
import { sample, textOf } from '../control/config/sample.ts';

async function checked(text: string): Promise<{ status: number; lines: string[] }> {
  const lines: string[] = [];
  const deps = { env: {}, readStdin: async () => ({ text }), out: (line: string) => void lines.push(line) };
  return { status: await check('-', deps), lines };
}

const good = textOf(sample());
const bad = textOf(sample({ document: { log: { level: 'loud' } } }));
const OK = 'ok (1 backend, 1 listener, 1 rule)';

function configMap(data: Record<string, unknown>, part: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'headroute' }, data, ...part };
}

/** The line and column of a word, from 1. */
function placeOf(text: string, word: string): string {
  const before = text.slice(0, text.indexOf(word)).split('\n');
  return `${before.length}:${before.at(-1)!.length + 1}`;
}

it('the key that holds a configuration is checked, others are not', async () => {
  const text = stringify(configMap({ 'app.conf': 'port = 1', 'headroute.yaml': good }));
  expect(await checked(text)).toEqual({
    status: 0,
    lines: [`<stdin>: headroute.yaml of ConfigMap headroute: ${OK}`],
  });
});

it.each([
  ['a block', stringify(configMap({ 'headroute.yaml': bad }))],
  ['a block that is indented by more', stringify(configMap({ 'headroute.yaml': bad }), { indent: 6 })],
  ['a block that keeps its end', stringify(configMap({ 'headroute.yaml': `${bad}\n\n` }))],
  ['a block with its indentation written', 'kind: ConfigMap\ndata:\n  x: |2\n'.concat(indented(bad))],
  ['Windows line ends', stringify(configMap({ 'headroute.yaml': bad })).replaceAll('\n', '\r\n')],
])('a problem is told at its place in the whole file: %s', async (_what, text) => {
  const { status, lines } = await checked(text);
  expect(status).toBe(1);
  expect(lines).toEqual([
    expect.stringContaining(`<stdin>:${placeOf(text, 'loud')}: log.level: must be one of`),
  ]);
});

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '    ');
}

it('where the text is written on one line, its place is that of the text', async () => {
  const text = JSON.stringify(configMap({ 'headroute.yaml': bad }));
  const { status, lines } = await checked(text);
  expect(status).toBe(1);
  expect(lines).toEqual([
    expect.stringContaining(`<stdin>:${placeOf(text, '"apiVersion: headroute')}: log.level:`),
  ]);
});

it('several keys, a List and several documents are checked each', async () => {
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'db' } };
  const list = { apiVersion: 'v1', kind: 'List', items: [service, configMap({ 'a.yaml': good, b: good })] };
  const text = [service, list, configMap({ 'c.yaml': bad })].map((each) => stringify(each)).join('---\n');
  const { status, lines } = await checked(text);
  expect(status).toBe(1);
  expect(lines).toEqual([
    `<stdin>: a.yaml of ConfigMap headroute: ${OK}`,
    `<stdin>: b of ConfigMap headroute: ${OK}`,
    expect.stringContaining(`<stdin>:${placeOf(text, 'loud')}: log.level:`),
  ]);
});

it.each<[string, string, RegExp]>([
  [
    'binaryData',
    stringify(configMap({}, { binaryData: { 'headroute.yaml': 'a2luZA==' } })),
    /^<stdin>:7:3: binaryData\["headroute.yaml"\]: is not read: a configuration is text, put it under data$/,
  ],
  [
    'a mapping in place of a text',
    stringify(configMap({ 'headroute.yaml': sample() })),
    /^<stdin>:6:3: data\["headroute.yaml"\]: must be a text: write "headroute.yaml: \|" and indent/,
  ],
  [
    'no configuration at all',
    stringify(configMap({ 'app.conf': 'x' })),
    /^<stdin>:1:1: data: no key of it is a configuration: one begins with apiVersion/,
  ],
  ['a ConfigMap that is no YAML', 'kind: ConfigMap\ndata: {\n', /^<stdin>:\d+:\d+: cannot be read: /],
])('%s: told with what to do', async (_what, text, problem) => {
  const { status, lines } = await checked(text);
  expect(status).toBe(1);
  expect(lines).toEqual([expect.stringMatching(problem)]);
});

it('a configuration that mentions a ConfigMap is one all the same', async () => {
  expect(await checked(`# from kind: ConfigMap headroute\n${good}`)).toEqual({
    status: 0,
    lines: [`<stdin>: ${OK}`],
  });
});
