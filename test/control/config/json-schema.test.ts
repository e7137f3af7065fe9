import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { jsonSchema } from '../../../src/control/config/grammar/json-schema.ts';
import { LEADER, sample } from './sample.ts';

type Node = { properties?: Record<string, Node>; anyOf?: Node[]; items?: Node; description?: string };

const schema = jsonSchema() as Node;
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
const contract = readFileSync(new URL('./files/contract.yaml', import.meta.url), 'utf8');

/** Every key path; one value or a list of them is one key. */
function keysOf(
  node: Node,
  path: string,
  keys: Map<string, string | undefined>,
): Map<string, string | undefined> {
  for (const [key, child] of Object.entries(node.properties ?? {})) {
    const at = path === '' ? key : `${path}.${key}`;
    keys.set(at, child.description ?? keys.get(at));
    keysOf(child, at, keys);
  }
  for (const branch of node.anyOf ?? []) keysOf(branch, path, keys);
  if (node.items !== undefined) keysOf(node.items, path, keys);
  return keys;
}

const keys = keysOf(schema, '', new Map());

describe('the JSON Schema', () => {
  it('takes the example of the contract and the smallest document', () => {
    expect(validate(parse(contract)), JSON.stringify(validate.errors)).toBe(true);
    expect(validate(sample()), JSON.stringify(validate.errors)).toBe(true);
  });

  it('takes environment variables wherever a scalar stands', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of the configuration file
    const variable = '${X:-1}';
    const document = sample({
      document: { log: { level: variable, access: variable }, shutdown: { timeout: variable } },
      backend: { port: variable, leader: { ...LEADER, onConflict: variable } },
      listener: { address: variable, limits: { headBytes: variable, headers: variable } },
      rule: { matches: [{ method: variable }] },
    });
    expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([
    [sample({ document: { loging: {} } })],
    [sample({ backend: { health: { period: 2 } } })],
    [sample({ backend: { port: 70_000 } })],
    [sample({ rule: { selection: { type: 'Nobody' } } })],
    [sample({ listener: { rules: [] } })],
  ])('refuses %j', (document) => expect(validate(document)).toBe(false));

  it('wants a Service and its port, unless the Pods are listed', () => {
    const [{ service, port, ...listless }] = sample().backends as [Record<string, unknown>];
    const listed = { ...listless, discovery: { static: [{ name: 'db-0', address: '127.0.0.1:1' }] } };
    expect(validate(sample({ document: { backends: [listed] } }))).toBe(true);
    for (const backend of [listless, { ...listless, service }, { ...listless, port, discovery: {} }])
      expect(validate(sample({ document: { backends: [backend] } })), JSON.stringify(backend)).toBe(false);
  });

  it('explains every key', () => {
    expect([...keys].filter(([, description]) => description === undefined).map(([key]) => key)).toEqual([]);
  });

  it('has the keys that docs/configuration.md has', () => {
    const docs = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
    const written = [...docs.matchAll(/^\| `([A-Za-z.[\]]+)` \| [^|]+ \| [^|]* \| [^|]+ \|$/gm)].map(
      ([, key]) => key!.replaceAll('[]', ''),
    );
    expect(written.sort()).toEqual([...keys.keys()].sort());
  });
});
