import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { getLanguageService, type JSONSchema, TextDocument } from 'vscode-json-languageservice';
import { parse } from 'yaml';
import { jsonSchema } from '../../../src/control/config/grammar/json-schema.ts';
import { LEADER, sample } from './sample.ts';

type Node = {
  properties?: Record<string, Node>;
  anyOf?: Node[];
  allOf?: { then: Node }[];
  items?: Node;
  description?: string;
};

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
  for (const branch of node.allOf ?? []) keysOf(branch.then, path, keys);
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

  const ofRule = (rule: Record<string, unknown>): string[] => {
    validate(sample({ backend: { leader: LEADER }, rule }));
    // `if` says no more than that what comes before it is wrong.
    return (validate.errors ?? [])
      .filter(({ keyword }) => keyword !== 'if')
      .map(({ instancePath, message, params }) =>
        [instancePath.replace('/listeners/0/rules/0', ''), message, params.additionalProperty]
          .join(' ')
          .trim(),
      );
  };
  const EXTRA = 'must NOT have additional properties';

  it.each([
    [
      'a key that Leader lacks',
      { selection: { type: 'Leader', algorithm: 'Random' } },
      [`/selection ${EXTRA} algorithm`],
    ],
    [
      'a wrong value deep in Leader',
      { selection: { type: 'Leader', hold: { timeout: 5 } } },
      ['/selection/hold/timeout must be string'],
    ],
    [
      'a misspelt key deep in Leader',
      { selection: { type: 'Leader', hold: { timeot: '5s' } } },
      [`/selection/hold ${EXTRA} timeot`],
    ],
    ['a key of Leader without type', { selection: { hold: {} } }, [`/selection ${EXTRA} hold`]],
    [
      'a mapping that lacks its number',
      { selection: { type: 'Ordinal', key: { header: 'X' }, mapping: { type: 'Modulo' } } },
      ["/selection/mapping must have required property 'replicas'"],
    ],
    [
      'a key of another merge',
      { selection: { type: 'FanOut', respond: 'Merge', merge: { type: 'JSONLines', pointer: '/x' } } },
      [`/selection/merge ${EXTRA} pointer`],
    ],
    ['a number as text', { retry: { attempts: 'many' } }, ['/retry/attempts must match pattern "\\$\\{"']],
  ])('names the field: %s', (_what, rule, told) => expect(ofRule(rule)).toEqual(told));

  it('names a wrong type with those that there are', () => {
    expect(ofRule({ selection: { type: 'Nobody', hold: {} } })).toContain(
      '/selection/type must be equal to one of the allowed values',
    );
  });

  it('completes the keys of a type, and the types, in editors', async () => {
    const labels = async (text: string): Promise<string[]> => {
      const service = getLanguageService({});
      service.configure({ schemas: [{ uri: 'headroute', fileMatch: ['*'], schema: schema as JSONSchema }] });
      const document = TextDocument.create('file:///headroute.json', 'json', 1, text.replace('|', ''));
      const at = document.positionAt(text.indexOf('|'));
      const found = await service.doComplete(document, at, service.parseJSONDocument(document));
      return found!.items.map(({ label }) => label).sort();
    };
    const inRule = (text: string): string => `{ "listeners": [{ "rules": [{ "selection": ${text} }] }] }`;
    expect(await labels(inRule('{ "type": "Leader", | }'))).toEqual(['hold', 'onDemotion']);
    expect(await labels(inRule('{ "type": "Ordinal", "key": {}, | }'))).toEqual([
      'hold',
      'mapping',
      'ordinal',
      'whenUnavailable',
    ]);
    expect(await labels(inRule('{ "type": | }'))).toEqual(['"Balance"', '"FanOut"', '"Leader"', '"Ordinal"']);
    expect(await labels(inRule('{ "type": "Leader", "hold": { | } }'))).toEqual([
      'maxBytes',
      'maxRequests',
      'timeout',
    ]);
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
