import type { z } from 'zod';
import type { Path } from '../problem.ts';
import { messageOf, wrongKind } from './messages.ts';
import { isReservedValue, NOT_SUPPORTED } from './reserved.ts';
import { unknownKeyMessage } from './unknown-key.ts';

/** Takes a problem at a path. `atKey`: it is the key that is wrong. */
export type Report = (path: Path, message: string, atKey?: boolean) => void;

/**
 * Reads a mapping key by key, so that a mistake under one key hides neither those under others nor what can be checked
 * across keys. What could not be read is left out of the result and has been reported.
 *
 * @param skip keys that the caller reads itself
 */
export function readFields<S extends z.ZodRawShape>(
  schema: z.ZodObject<S>,
  raw: unknown,
  path: Path,
  report: Report,
  skip: readonly string[] = [],
): Partial<z.output<z.ZodObject<S>>> {
  if (!isMapping(raw)) {
    report(path, wrongKind(raw, 'a mapping'));
    return {};
  }
  const known = Object.keys(schema.shape);
  for (const key of Object.keys(raw))
    if (!known.includes(key)) report([...path, key], unknownKeyMessage(key, known), true);
  const fields: Record<string, unknown> = {};
  for (const key of known) {
    if (skip.includes(key)) continue;
    const value = readValue(schema.shape[key] as unknown as z.ZodType, raw[key], [...path, key], report);
    if (value !== undefined) fields[key] = value;
  }
  return fields as Partial<z.output<z.ZodObject<S>>>;
}

/** Reads one value whole; undefined where it is absent, or wrong and reported. */
export function readValue<T extends z.ZodType>(
  schema: T,
  raw: unknown,
  path: Path,
  report: Report,
): z.output<T> | undefined {
  const result = schema.safeParse(raw, { error: (issue) => messageOf(issue), reportInput: true });
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(issue, raw, path, report);
  return undefined;
}

/** The entries of a list; a value that is no list, or an empty one, is reported. */
export function readList(raw: unknown, path: Path, report: Report): readonly unknown[] {
  if (!Array.isArray(raw)) report(path, messageOf({ code: 'invalid_type', expected: 'array', input: raw }));
  else if (raw.length === 0) report(path, 'needs at least one entry');
  return Array.isArray(raw) ? raw : [];
}

export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function reportIssue(issue: z.core.$ZodIssue, raw: unknown, base: Path, report: Report): void {
  const path = [...base, ...(issue.path as (string | number)[])];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    for (const [index, key] of issue.keys.entries()) report([...path, key], messages[index]!, true);
    return;
  }
  const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], raw);
  if (isReservedValue(path, value))
    report(path, `${value === '' ? 'an empty text' : value} ${NOT_SUPPORTED}`);
  else if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branch = meantBranch(issue.errors);
    if (branch === null) report(path, issue.message);
    else for (const inner of branch) reportIssue(inner, value, path, report);
  } else report(path, issue.message);
}

/** Of the alternatives of a union, the one whose kind of value was given; null where it is none or several. */
function meantBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | null {
  const meant = branches.filter(
    (issues) => !issues.some((issue) => issue.code === 'invalid_type' && issue.path.length === 0),
  );
  return meant.length === 1 ? meant[0]! : null;
}
