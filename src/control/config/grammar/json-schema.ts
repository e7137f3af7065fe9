import * as z from 'zod';
import { document } from './schema.ts';

type Node = Record<string, unknown>;

/** Any text with an environment variable in it may stand for a number, a word or a duration. */
const VARIABLE_PATTERN = '\\$\\{';
const VARIABLE = { type: 'string', pattern: VARIABLE_PATTERN };

const NUMBERS = new Set(['number', 'integer']);

/**
 * The JSON Schema (draft 7, which editors' YAML extensions know best) of the configuration file, from the very schemas
 * that read it. It is wider where JSON Schema has no words: cross-references are checked by `headroute check` alone.
 */
export function jsonSchema(): object {
  const schema = z.toJSONSchema(document, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
    override: ({ jsonSchema }) => widen(jsonSchema as Node),
  });
  chooseByType(schema as Node);
  return {
    $schema: schema.$schema,
    $id: 'https://headroute.dev/schema/v1alpha1.json',
    title: 'headroute configuration, headroute.dev/v1alpha1',
    ...schema,
  };
}

/** Lets a scalar be a variable too: within its own keywords where they apply to one kind of value only, else beside them. */
function widen(node: Node): void {
  if (NUMBERS.has(node.type as string)) {
    node.type = [node.type, 'string'];
    node.pattern = VARIABLE_PATTERN;
  } else if (node.type === 'string' && typeof node.pattern === 'string') {
    // A schema and what wraps it come here one after the other.
    if (!node.pattern.includes(VARIABLE_PATTERN)) node.pattern += `|${VARIABLE_PATTERN}`;
  } else if (node.type === 'boolean' || node.enum !== undefined || node.const !== undefined) {
    const narrow: Node = {};
    for (const [key, value] of Object.entries(node)) {
      if (key === 'description' || key === 'default') continue;
      narrow[key] = value;
      delete node[key];
    }
    node.anyOf = [narrow, VARIABLE];
  }
}

/**
 * Mappings of several types become one whose type decides what else is in it: editors complete its keys then and say which one
 * is wrong, where of plain alternatives they say that none matches. Other alternatives: anyOf, since oneOf makes editors complain
 * of two that are both incomplete yet.
 */
function chooseByType(node: unknown): void {
  if (typeof node !== 'object' || node === null) return;
  for (const child of Object.values(node)) chooseByType(child);
  if (Array.isArray(node) || !('oneOf' in node)) return;
  const { oneOf, ...rest } = node as { oneOf: Node[] };
  const options = oneOf.map((option) => ({ option, type: typeOf(option) }));
  for (const key of Object.keys(node)) delete (node as Node)[key];
  if (options.some(({ type }) => type === null)) return void Object.assign(node, rest, { anyOf: oneOf });
  const isDefault = (option: Node): boolean => !((option.required as string[]) ?? []).includes('type');
  const [first] = options;
  const { description } = (first!.option.properties as Record<string, Node>).type!;
  Object.assign(node, rest, {
    type: 'object',
    properties: { type: { description, anyOf: [{ enum: options.map(({ type }) => type) }, VARIABLE] } },
    ...(options.some(({ option }) => isDefault(option)) ? {} : { required: ['type'] }),
    allOf: options.map(({ option, type }) => {
      const given = { properties: { type: { const: type } } };
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      return { if: isDefault(option) ? given : { ...given, required: ['type'] }, then: option };
    }),
  });
}

/** The type that an alternative is for. */
function typeOf(option: Node): unknown {
  const type = (option.properties as Record<string, Node> | undefined)?.type;
  return ((type?.anyOf as Node[] | undefined)?.[0]?.const as string | undefined) ?? null;
}
