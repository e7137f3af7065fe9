import type { z } from 'zod';
import { quote } from '../problem.ts';
import { didYouMean } from './suggest.ts';

type RawIssue = z.core.$ZodRawIssue;

/** What a value is, in words: `the number 8`, `a list`. */
export function describe(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return value === '' ? 'an empty text' : `the text ${quote(value)}`;
    case 'number':
      return `the number ${value}`;
    case 'boolean':
      return `${value}`;
    default:
      return 'a mapping';
  }
}

/** The message where a value is of another kind than `wanted`, with what to write instead where that is plain. */
export function wrongKind(value: unknown, wanted: string): string {
  if (value === undefined) return 'is missing';
  if (value === null) return `has no value: it must be ${wanted}, or leave the key out`;
  return `must be ${wanted}, is ${describe(value)}`;
}

const ENTRY_WANTED = ': put "- " before its first key';

/** A message in the style that its value is written in. @param flow between braces or brackets */
export function inStyle(message: string, flow: boolean): string {
  if (message === 'must be a mapping, is a list')
    return `${message}: take ${flow ? 'its brackets' : 'the "- " before its keys'} away`;
  return flow ? message.replace(ENTRY_WANTED, ': put brackets around it') : message;
}

/** Zod's own issues in the words of this project; used for every one that has no message of its own. */
export function messageOf(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.input, String(issue.expected));
    case 'invalid_value':
      return wrongWord(issue.input, issue.values as readonly unknown[]);
    case 'too_small':
      return issue.origin === 'array'
        ? 'needs at least one entry'
        : `must be at least ${issue.minimum}, is ${issue.input}`;
    case 'too_big':
      return issue.origin === 'array'
        ? `can have at most ${issue.maximum} entries`
        : `must be at most ${issue.maximum}, is ${issue.input}`;
    case 'invalid_union': {
      const discriminator = issue.discriminator as string | undefined;
      if (discriminator === undefined) return `must not be ${describe(issue.input)}`;
      const options = (issue.options as readonly unknown[]).filter((option) => option !== undefined);
      return wrongWord((issue.input as Record<string, unknown>)[discriminator], options);
    }
    default:
      return 'is not valid';
  }
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  array: 'a list',
};

function wrongType(input: unknown, expected: string): string {
  const base = wrongKind(input, KINDS[expected] ?? expected);
  if (expected === 'string' && (typeof input === 'number' || typeof input === 'boolean'))
    return `${base}: put it in quotes`;
  if (expected === 'boolean') return wrongSwitch(input, base);
  if (
    (expected === 'number' || expected === 'int') &&
    typeof input === 'string' &&
    /^[0-9]+$/.test(input.trim())
  )
    return `${base}: write it without quotes`;
  if (expected === 'array' && typeof input === 'object' && input !== null) return `${base}${ENTRY_WANTED}`;
  return base;
}

/** What is neither true nor false: YAML 1.1 had more words for them. @param base the message without a remedy */
export function wrongSwitch(input: unknown, base: string): string {
  if (typeof input !== 'string') return base;
  if (/^(yes|on|y|true)$/i.test(input)) return `${base}: write true`;
  return /^(no|off|n|false)$/i.test(input) ? `${base}: write false` : base;
}

function wrongWord(input: unknown, values: readonly unknown[]): string {
  const words = values.map(String);
  const wanted = words.length === 1 ? words[0]! : `one of ${words.join(', ')}`;
  const base = wrongKind(input, wanted);
  if (input === undefined) return `${base}: it must be ${wanted}`;
  return typeof input === 'string' && words.length > 1 ? `${base}${didYouMean(input, words)}` : base;
}
