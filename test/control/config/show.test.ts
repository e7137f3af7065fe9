/** `GET /config` speaks the file's own words (SPEC 4): what it shows can be pasted back and means the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { redactConfig } from '../../../src/admin/redact-config.ts';
import { jsonSchema } from '../../../src/control/config/grammar/json-schema.ts';
import { parseConfig } from '../../../src/control/config/parse.ts';
import { showConfig } from '../../../src/control/config/show/show-config.ts';
import { PRESET_NAMES } from '../../../src/control/leadership/presets.ts';
import { demoConfig } from '../../../src/demo/demo-config.ts';
import type { Config } from '../../../src/model/config.ts';
import { LEADER, sample } from './sample.ts';

function load(text: string, env = {}): Config {
  const result = parseConfig(text, 'headroute.yaml', env);
  if (!result.ok)
    throw new Error(result.problems.map(({ path, message }) => `${path}: ${message}`).join('\n'));
  return result.config;
}

const read = (file: string): string => readFileSync(file, 'utf8');

/** YAML blocks of a document, as far as they are whole configurations. */
function blocksOf(file: string): [string, string][] {
  return [...read(file).matchAll(/```yaml\n([\s\S]*?)```/g)]
    .map(([, text]) => text!)
    .filter((text) => text.includes('kind: ProxyConfig'))
    .map((text, i) => [`${file}, block ${i + 1}`, text]);
}

const examples: [string, string][] = [
  ...readdirSync('deploy/examples', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('headroute.yaml'))
    .map((file): [string, string] => [file, read(`deploy/examples/${file}`)]),
  ...blocksOf('README.md'),
  ...readdirSync('docs')
    .filter((file) => file.endsWith('.md'))
    .flatMap((file) => blocksOf(`docs/${file}`)),
  ['the whole example of the contract', read('test/control/config/files/contract.yaml')],
  [
    'the demo',
    demoConfig(
      { data: '127.0.0.1:1', admin: '127.0.0.1:2', debug: '127.0.0.1:3' },
      { host: '::1', port: 53 },
    ),
  ],
  ...PRESET_NAMES.map((preset): [string, string] => [
    `preset ${preset}`,
    stringify(sample({ backend: { leader: { preset } } })),
  ]),
];

const odd = [
  sample({
    document: {
      self: { podName: 'app-1' },
      admin: { address: '[::1]:9180' },
      log: { level: 'debug', access: true },
      shutdown: { timeout: '1h30m250ms' },
    },
    backend: {
      leader: {
        ...LEADER,
        probe: {
          http: {
            method: 'POST',
            path: '/r?a=b',
            port: 8081,
            headers: [{ name: 'X', value: 'y' }],
            body: '{}',
          },
          tls: false,
          expect: {
            status: 200,
            json: [
              { pointer: '/a', equals: [1, null, 'x'] },
              { pointer: '/b', equalsPointer: '/c' },
            ],
            header: { name: 'X-Role', value: 'leader' },
          },
          term: { header: 'X-Term' },
          lineage: { id: { header: 'X-Id' }, previous: { json: '/previous' } },
        },
        learn: [{ status: [503], header: { name: 'X-Not-Leader' } }],
      },
      discovery: { statefulSet: { name: 'db', replicas: 3 }, nameservers: ['fd00::a'] },
      tls: {
        ca: '/tls/ca.crt',
        cert: '/tls/tls.crt',
        key: '/tls/tls.key',
        serverName: 'db',
        minVersion: '1.3',
      },
      health: { tcpSocket: { port: 8081 }, tls: { verify: 'Chain' } },
    },
    rule: {
      hostnames: ['*.example.com'],
      matches: [
        {
          path: { type: 'RegularExpression', value: '/a.*' },
          headers: [{ name: 'X-A', value: 'b' }],
          queryParams: [{ name: 'q', type: 'RegularExpression', value: '[0-9]+' }],
        },
      ],
      selection: {
        type: 'Ordinal',
        key: { cookie: 'c' },
        mapping: { type: 'Range', ranges: [{ below: 'h', ordinal: 0 }, { ordinal: 1 }] },
      },
      retry: { budget: { percent: 10 }, codes: [503] },
    },
  }),
  sample({
    backend: {
      leader: {
        type: 'Sentinel',
        sentinel: { service: 's.prod.svc.cluster.local', port: 26379, master: 'm', auth: { password: 'p' } },
        auth: { username: 'u', password: 'p' },
      },
      health: { tcp: { send: 'PING\r\n', reply: 'RESP', port: 6380, expect: { contains: 'PONG' } } },
      ejection: {},
    },
    rule: { selection: { type: 'Ordinal', key: { self: true } } },
    document: { self: { podName: 'app-1' } },
  }),
  ...[
    { type: 'Ordinal', ordinal: 2, whenUnavailable: 'NextOrdinal' },
    { type: 'Ordinal', key: { header: 'X' }, mapping: { type: 'JumpHash', replicas: 3, start: 1 } },
    { type: 'Ordinal', key: { queryParam: 'x' } },
    { type: 'Ordinal', key: { pathSegment: 2 }, whenUnavailable: 'Hold', hold: { maxBytes: '1M' } },
    {
      type: 'FanOut',
      respond: 'Merge',
      merge: { type: 'ConcatArrays', pointer: '/x' },
      minSuccess: 2,
      maxResponseBytes: 1001,
    },
    { type: 'FanOut', respond: 'Merge', merge: { type: 'JSONLines' } },
  ].map((selection) => sample({ rule: { selection } })),
  sample({
    backend: { leader: { dns: { service: 'l.prod.svc.cluster.local' } }, health: { tcpSocket: { port: 1 } } },
  }),
  sample({ backend: { leader: { ordinal: 1 } } }),
  sample({
    backend: {
      service: undefined,
      port: undefined,
      discovery: { static: [{ name: 'db-0', address: '[::1]:5433' }] },
      leader: {
        sentinel: { static: [{ name: 's-0', address: 'redis-1:26379' }], master: 'm' },
      },
    },
  }),
].map((document, i): [string, string] => [`odd ${i}`, stringify(document)]);

describe.each([...examples, ...odd])('%s', (_name, text) => {
  const config = load(text);

  it('as GET /config would show it, but for secrets, is the same configuration', () => {
    const shown = showConfig(withoutHidden(config));
    expect(load(stringify(shown))).toEqual(withoutHidden(config));
    expect(load(JSON.stringify(shown, null, 2))).toEqual(withoutHidden(config));
  });

  it('as GET /config shows it differs by redacted values alone', () => {
    const redacted = withoutHidden(redactConfig(config));
    expect(load(JSON.stringify(showConfig(redacted)))).toEqual(redacted);
  });
});

it('writes out every key of the grammar', () => {
  const shown = new Set<string>();
  for (const [, text] of [...examples, ...odd]) collect(showConfig(load(text)), shown);
  const known = new Set<string>();
  schemaKeys(jsonSchema(), known);
  // Shown as what it stands for.
  known.delete('preset');
  expect([...known].filter((key) => !shown.has(key))).toEqual([]);
});

/** Where values came from the environment is no part of what a configuration means. */
function withoutHidden<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (key, part) => (key === 'hidden' ? undefined : part)));
}

function collect(value: unknown, keys: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, below] of Object.entries(value)) {
    keys.add(key);
    collect(below, keys);
  }
}

function schemaKeys(node: unknown, keys: Set<string>): void {
  if (typeof node !== 'object' || node === null) return;
  const { properties = {}, ...others } = node as { properties?: Record<string, unknown> };
  for (const [key, below] of Object.entries(properties)) {
    keys.add(key);
    schemaKeys(below, keys);
  }
  for (const below of Object.values(others)) schemaKeys(below, keys);
}
