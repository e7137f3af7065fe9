import * as z from 'zod';
import { document } from './schema.ts';

type Node = Record<string, unknown>;

/** Any text with an environment variable in it may stand for a number, a word or a duration. */
const VARIABLE = { type: 'string', pattern: '\\$\\{' };

const SCALARS = new Set(['string', 'number', 'integer', 'boolean']);

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
  return {
    $schema: schema.$schema,
    $id: 'https://headroute.dev/schema/v1alpha1.json',
    title: 'headroute configuration, headroute.dev/v1alpha1',
    ...schema,
  };
}

function widen(node: Node): void {
  // Editors complete the alternatives of anyOf; oneOf makes them complain of two that are both incomplete yet.
  if (Array.isArray(node.oneOf)) {
    node.anyOf = node.oneOf;
    delete node.oneOf;
  }
  const constrained = node.pattern ?? node.enum ?? node.const ?? node.format;
  const isScalar = typeof node.type === 'string' && SCALARS.has(node.type);
  if (!isScalar && constrained === undefined) return;
  if (node.type === 'string' && constrained === undefined) return;
  const narrow: Node = {};
  for (const [key, value] of Object.entries(node)) {
    if (key === 'description' || key === 'default') continue;
    narrow[key] = value;
    delete node[key];
  }
  node.anyOf = [narrow, VARIABLE];
}
