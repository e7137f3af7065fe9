import { RE2JS } from 're2js';
import * as z from 'zod';
import type { FieldMatch, MatchConfig, PathMatch } from '../../../model/config.ts';
import { quote } from '../problem.ts';
import { headerName, method, object, oneOrMany, refuse } from './scalars.ts';

const path = object({
  type: z
    .enum(['Exact', 'PathPrefix', 'RegularExpression'])
    .prefault('PathPrefix')
    .describe('PathPrefix takes whole segments; RegularExpression must match the whole path (RE2)'),
  value: z.string().prefault('/').describe('The path, prefix or expression'),
})
  .transform((given, context): PathMatch => {
    const problem = given.type === 'RegularExpression' ? expressionProblem(given.value) : pathProblem(given);
    if (problem !== null) refuse(context, problem, ['value']);
    return given;
  })
  .describe('Condition on the path, without the query');

function pathProblem({ type, value }: { type: string; value: string }): string | null {
  if (!value.startsWith('/')) return `${quote(value)} must start with /`;
  if (value.includes('?')) return `${quote(value)} can never match: a query is matched under queryParams`;
  if (/[\0- #\x7f]/.test(value))
    return `${quote(value)} can never match: no request has a blank, # or control character in its path`;
  if (type === 'PathPrefix' && value.endsWith('/*'))
    return `${quote(value)} must not end in *: a PathPrefix takes what is below anyway`;
  return null;
}

/** Only what RE2 accepts: its time is linear in the input, whatever the expression. */
function expressionProblem(value: string): string | null {
  if (value === '') return 'is empty: it would match nothing';
  try {
    RE2JS.compile(value);
    return null;
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
    return `${quote(value)} is not an expression that RE2 accepts: ${quote(why).slice(1, -1)}`;
  }
}

function fields(kind: 'header' | 'query parameter', nameSchema: z.ZodType<string>) {
  return z
    .array(
      object({
        type: z
          .enum(['Exact', 'RegularExpression'])
          .prefault('Exact')
          .describe('A RegularExpression must match the whole value (RE2)'),
        name: nameSchema.describe(`Name of the ${kind}`),
        value: z.string().describe('The value or expression'),
      }).transform((given, context): FieldMatch => {
        const problem =
          given.type === 'RegularExpression'
            ? expressionProblem(given.value)
            : kind === 'header' &&
                (/[\0-\x08\x0a-\x1f\x7f]/.test(given.value) || given.value !== given.value.trim())
              ? `${quote(given.value)} can never match: a header has no line breaks and no blanks around its value`
              : null;
        if (problem !== null) refuse(context, problem, ['value']);
        return { ...given, name: kind === 'header' ? given.name.toLowerCase() : given.name };
      }),
    )
    .transform((list, context) => {
      const seen = new Set<string>();
      for (const [index, { name }] of list.entries()) {
        if (seen.has(name)) refuse(context, `the ${kind} ${name} is matched twice`, [index, 'name']);
        seen.add(name);
      }
      return list;
    })
    .optional();
}

export const match = object({
  path: path.optional(),
  method: oneOrMany(method, 'a method').optional().describe('A method or a list of methods; default: any'),
  headers: fields('header', headerName as z.ZodType<string>).describe('Headers that the request must carry'),
  queryParams: fields('query parameter', z.string().min(1, 'is empty') as z.ZodType<string>).describe(
    'Query parameters that the request must carry',
  ),
}).transform(
  (given): MatchConfig => ({
    path: given.path ?? null,
    methods: [...new Set(given.method ?? [])],
    headers: given.headers ?? [],
    queryParams: given.queryParams ?? [],
  }),
);
