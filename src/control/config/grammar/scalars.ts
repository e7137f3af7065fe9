import * as z from 'zod';
import type { HostPort } from '../../../model/config.ts';
import { quote } from '../problem.ts';
import { parseAddress, parseNameserver } from './address.ts';
import { parseHostname, parseService } from './dns-name.ts';
import { DURATION_PATTERN, parseDuration } from './duration.ts';
import { wrongKind } from './messages.ts';
import { parseQuantity, QUANTITY_PATTERN } from './quantity.ts';
import { unknownKeyMessage } from './unknown-key.ts';

/** A mapping with exactly these keys. Each unknown key is a line of the one message that zod allows for them. */
export function object<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue.keys as string[]).map((key) => unknownKeyMessage(key, known)).join('\n')
        : undefined,
  });
}

/** Adds a problem to a transform; `path` starts at the value under transformation. */
export function refuse(
  context: z.core.$RefinementCtx,
  message: string,
  path: readonly (string | number)[] = [],
): void {
  context.issues.push({ code: 'custom', message, path: [...path], input: undefined, continue: true });
}

/**
 * A text that `convert` turns into something else, or refuses in words that go on after the text itself.
 * @param secret the text must not show up in messages
 */
export function text<T>(wanted: string, convert: (text: string) => T | string, pattern?: string) {
  return z
    .string({
      error: ({ input }) =>
        `${wrongKind(input, wanted)}${typeof input === 'number' ? ': put it in quotes' : ''}`,
    })
    .meta(pattern === undefined ? {} : { pattern })
    .transform((value, context): T => {
      const converted = convert(value);
      if (typeof converted !== 'string') return converted;
      refuse(context, value === '' ? `is empty: it must be ${wanted}` : `${quote(value)} ${converted}`);
      return z.NEVER;
    });
}

/** A text that must meet a condition; `value` stays as it is. */
export function textThat(wanted: string, problem: (text: string) => string | null, pattern?: string) {
  return text(
    wanted,
    (value) => {
      const found = problem(value);
      return found === null ? { value } : found;
    },
    pattern,
  ).transform(({ value }) => value);
}

/** A duration in milliseconds. @param least 0 where `0s` has a meaning */
export function duration(least: 0 | 1 | 10 = 1) {
  return z
    .string({ error: (issue) => wrongDurationKind(issue.input) })
    .meta({ pattern: DURATION_PATTERN })
    .transform((value, context) => {
      const ms = parseDuration(value);
      if (typeof ms === 'string') refuse(context, `${quote(value)} ${ms}`);
      else if (ms < least)
        refuse(context, least === 1 ? 'must be longer than 0s' : `must be at least ${least}ms`);
      return typeof ms === 'string' ? z.NEVER : ms;
    });
}

function wrongDurationKind(input: unknown): string {
  const base = wrongKind(input, 'a duration such as 10s');
  return typeof input === 'number' && Number.isInteger(input) && input >= 0 && input < 1e5
    ? `${base}: write ${input}s or ${input}ms`
    : base;
}

/** A size in bytes, as a number or a Kubernetes quantity. */
export function size(least: number) {
  const check = (bytes: number, context: z.core.$RefinementCtx): number => {
    if (bytes < least) refuse(context, `must be at least ${least} bytes`);
    return bytes;
  };
  return z.union(
    [
      z.int().nonnegative().transform(check),
      text('a size such as 64Ki', parseQuantity, QUANTITY_PATTERN).transform(check),
    ],
    { error: (issue) => wrongKind(issue.input, 'a size such as 64Ki') },
  );
}

export function whole(least: number, most: number) {
  return z.int().min(least).max(most);
}

const addressText = z.string({ error: (issue) => wrongAddressKind(issue.input) });

export const address = addressText.transform(readAddress);

/** As `address`; null for an empty text. */
export const addressOrNone = addressText.transform((value, context) =>
  value === '' ? null : readAddress(value, context),
);

function readAddress(value: string, context: z.RefinementCtx): HostPort {
  const parsed = parseAddress(value);
  if (typeof parsed !== 'string') return parsed;
  refuse(context, `${quote(value)} ${parsed}`);
  return z.NEVER;
}

function wrongAddressKind(input: unknown): string {
  const base = wrongKind(input, 'an address such as 127.0.0.1:8080');
  return typeof input === 'number'
    ? `${base}: write 127.0.0.1:${input}, or :${input} for every local address`
    : base;
}

export const nameserver = text<HostPort>('an IP address such as 10.96.0.10:53', parseNameserver);
export const service = text('the DNS name of a Service', parseService).transform(({ name }) => name);
export const hostname = text('a hostname', parseHostname).transform(({ name }) => name);

/** Names show up in metrics, headers and paths of problems, so they keep to the alphabet of Kubernetes names. */
const NAME_PATTERN = '^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$';
export const name = textThat(
  'a name',
  (value) =>
    new RegExp(NAME_PATTERN).test(value)
      ? null
      : 'is not a name: up to 63 letters, digits, ".", "_" and "-", a letter or digit at both ends',
  NAME_PATTERN,
);

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** RFC 9110 section 5.6.2. */
export const headerName = textThat('the name of a header', (value) =>
  TOKEN.test(value) ? null : 'is not the name of a header',
);

/** RFC 9110 section 5.5, without what would end the line. The value is not shown: it may be a secret. */
export const headerValue = z.string().check((context) => {
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(context.value))
    invisible(context, 'holds a line break or another control character');
  else if (/[^\0-\xff]/.test(context.value))
    invisible(context, 'holds a character that a header cannot carry');
  else if (/^[ \t]|[ \t]$/.test(context.value))
    invisible(context, 'starts or ends with a blank, which HTTP would drop');
});

function invisible(context: z.core.ParsePayload<string>, message: string): void {
  context.issues.push({ code: 'custom', message, input: undefined });
}

const KNOWN_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'];

/** Methods are case-sensitive (RFC 9110 section 9.1). */
export const method = textThat('a method', (value) => {
  if (/^[A-Z]+([,\s]+[A-Z]+)+$/.test(value))
    return 'is more than one method: write a list, as in [GET, HEAD]';
  if (!TOKEN.test(value)) return 'is not a method';
  const upper = value.toUpperCase();
  return value !== upper && KNOWN_METHODS.includes(upper)
    ? `must be written ${upper}: methods are case-sensitive`
    : null;
});

/** RFC 6901 section 3. */
export const jsonPointer = textThat('a JSON pointer such as /role', (value) =>
  /^(\/([^~/]|~[01])*)*$/.test(value) ? null : 'is not a JSON pointer: write for example /role or /member/0',
);

export const status = whole(100, 599);
export const port = whole(1, 65_535);

/** Kubernetes keeps ordinals in an int32. */
export const ordinal = whole(0, 0x7fff_ffff);

/** One value, or a list of them. */
export function oneOrMany<T extends z.ZodType>(element: T, wanted: string) {
  return z
    .union([element, z.array(element).min(1)], {
      error: (issue) => wrongKind(issue.input, `${wanted} or a list`),
    })
    .transform((value): z.output<T>[] => (Array.isArray(value) ? value : [value]) as z.output<T>[]);
}
