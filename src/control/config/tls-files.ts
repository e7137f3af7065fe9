import type { Config, Problem } from '../../model/config.ts';
import { type TlsUse, tlsUsesOf } from '../../model/tls-uses.ts';
import { unverified } from '../../model/unverified.ts';
import { systemClock } from '../../platform/clock.ts';
import { readTlsFiles } from '../../platform/tls/material.ts';
import type { ParseResult, Places } from './parse.ts';
import { formatPath, type Path, quote } from './problem.ts';

/** What is to be said of the `tls` of a configuration that has no other problem. */
export interface TlsFindings {
  /** Files that cannot be used, whoever reads them. */
  readonly problems: readonly Problem[];
  /** Files that are not there: perhaps they are on the machine that the configuration is for. */
  readonly missing: readonly Problem[];
  /** What is verified less than it could be. */
  readonly warnings: readonly Problem[];
}

/** Reads the files that `tls` names, once each time that one is named. @param file the name that problems show */
export function findingsOfTls({ backends }: Config, file: string, places: Places): TlsFindings {
  const problems: Problem[] = [];
  const missing: Problem[] = [];
  const warnings: Problem[] = [];
  const at = (path: Path, message: string): Problem => {
    const text = formatPath(path);
    return { file, ...(places[text] ?? { line: 1, column: 1 }), path: text, message };
  };
  for (const [index, backend] of backends.entries())
    for (const { path, tls } of tlsUsesOf(backend)) {
      const base: Path = ['backends', index, ...path];
      const read = readTlsFiles(tls, systemClock.wallMs());
      for (const found of 'problems' in read ? read.problems : [])
        (found.isMissing ? missing : problems).push(
          at([...base, found.file], `${quote(tls[found.file]!)} ${found.message}`),
        );
      const believed = unverified(tls.verify);
      if (believed !== null) warnings.push(at([...base, 'verify'], believed));
    }
  return { problems, missing, warnings };
}

/** What keeps a valid configuration from taking effect: files that are not there, or cannot be used. */
export function tlsProblems(
  { config, places }: Extract<ParseResult, { ok: true }>,
  file: string,
): readonly Problem[] {
  const { problems, missing } = findingsOfTls(config, file, places);
  return [...problems, ...missing];
}

/** Paths whose place in the file problems of `tls` need. */
export function tlsPathsOf(uses: readonly TlsUse[], index: number): Path[] {
  return uses.flatMap(({ path }) =>
    ['ca', 'cert', 'key', 'verify'].map((key): Path => ['backends', index, ...path, key]),
  );
}
