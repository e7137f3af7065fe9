import { readFileSync, statSync } from 'node:fs';
import { type ParseResult, parseConfig } from './parse.ts';
import { quote } from './problem.ts';
import type { Environment } from './text/environment.ts';

/** A ConfigMap holds 1 MiB; anything far above is not a configuration. */
export const MAX_BYTES = 8 * 1024 * 1024;

/** A text, or why there is none, in words that say what to do. */
export type TextOrProblem = { readonly text: string } | { readonly problem: string };

/**
 * Reads and parses a configuration file. A file that cannot be read is a problem at line 1, column 1. Never throws.
 * @param read what was read already, from standard input
 */
export function loadConfig(file: string, env: Environment, read = readText(file)): ParseResult {
  if ('text' in read) return parseConfig(read.text, file, env);
  return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message: read.problem }] };
}

export function readText(file: string): TextOrProblem {
  try {
    const stat = statSync(file);
    if (stat.isDirectory())
      return { problem: 'is a directory: name the file in it, as in DIRECTORY/headroute.yaml' };
    if (!stat.isFile()) return { problem: 'is not a regular file' };
    if (stat.size > MAX_BYTES) return { problem: `is larger than ${MAX_BYTES / 1024 / 1024} MiB` };
    return textOf(readFileSync(file));
  } catch (error) {
    return { problem: whyUnreadable(error) };
  }
}

export function textOf(bytes: Uint8Array): TextOrProblem {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    return { problem: whyUnreadable(error) };
  }
}

function whyUnreadable(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'ENOENT':
      return 'there is no such file: name one with --config or HEADROUTE_CONFIG';
    case 'ENOTDIR':
      return 'there is no such file: a part of its path is not a directory';
    case 'EACCES':
    case 'EPERM':
      return `may not be read by this user (uid ${process.getuid?.() ?? 'unknown'}): check its mode and its owner`;
    case 'ELOOP':
      return 'its symbolic links lead round in a circle';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text: save it as UTF-8';
    default:
      return `cannot be read: ${quote(message ?? String(error))}`;
  }
}
