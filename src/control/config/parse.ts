import { createHash } from 'node:crypto';
import type { Config, Problem } from '../../model/config.ts';
import { tlsUsesOf } from '../../model/tls-uses.ts';
import { checkAddresses } from './checks/addresses.ts';
import { checkDiscovery } from './checks/discovery.ts';
import { checkNames } from './checks/names.ts';
import { checkReferences } from './checks/references.ts';
import { checkSelf } from './checks/self.ts';
import { checkTcp } from './checks/tcp.ts';
import { checkUnreachable } from './checks/unreachable.ts';
import { counted } from './counted.ts';
import { assemble } from './grammar/assemble.ts';
import { inStyle } from './grammar/messages.ts';
import { type Parts, readDocument } from './grammar/read-document.ts';
import type { Report } from './grammar/read-fields.ts';
import { formatPath, type Path } from './problem.ts';
import { concealed, withoutValues } from './text/conceal.ts';
import type { Environment } from './text/environment.ts';
import { withHiddenValues } from './text/hidden-values.ts';
import { type Located, readTree, type Tree } from './text/yaml-tree.ts';
import { tlsPathsOf } from './tls-files.ts';
import { warn } from './warnings/warnings.ts';

/** Where values stand in the file that can only be judged later (a reload, files that they name), by their path. */
export type Places = Readonly<Record<string, { readonly line: number; readonly column: number }>>;

export type ParseResult =
  | {
      readonly ok: true;
      readonly config: Config;
      readonly hash: string;
      readonly places: Places;
      /** What is valid and hardly meant, in the order of the file. */
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: Problem[] };

/**
 * Reads a configuration from its text: YAML, environment variables, grammar, then what can only be checked across keys.
 * All problems are reported at once, in the order of the file. Never throws, whatever the text.
 *
 * @param file the name that problems show
 * @param env where `${NAME}` comes from
 */
export function parseConfig(text: string, file: string, env: Environment): ParseResult {
  const plain = text.replace(/^\ufeff/, '');
  const otherProblems = (mended: string): number => readWhole(readTree(mended, env)).found.length;
  const tree = readTree(plain, env, otherProblems);
  const { found, parts } = readWhole(tree);
  const told = (all: readonly Found[]): Problem[] =>
    counted(
      withoutRepeats(
        [...all]
          .sort((a, b) => a.offset - b.offset)
          .map(({ offset, path, message }) => ({
            file,
            ...tree.position(offset),
            path: formatPath(path),
            message,
          })),
      ),
    );
  const { root } = tree;
  if (found.length > 0 || root === null || parts === null) return { ok: false, problems: told(found) };
  const warnings: Found[] = [];
  warn(parts, reportInto(warnings, tree, root));
  const config = withHiddenValues(assemble(parts), root);
  return {
    ok: true,
    config,
    hash: hashOf(text),
    places: placesOf(root, config, tree),
    warnings: told(warnings),
  };
}

interface Found {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
}

/** What can be read of a tree, and everything that is wrong with it. */
function readWhole(tree: Tree): { readonly found: readonly Found[]; readonly parts: Parts | null } {
  const found: Found[] = [...tree.problems];
  const { root } = tree;
  if (root === null) return { found, parts: null };
  const report = reportInto(found, tree, root);
  const parts = readDocument(root.value, report);
  checkNames(parts, report);
  checkAddresses(parts, report);
  checkDiscovery(parts, report);
  checkReferences(parts, report);
  checkSelf(parts, isSubstituted(root, ['self', 'podName']), report);
  checkTcp(parts, report);
  checkUnreachable(parts, report);
  return { found, parts };
}

function reportInto(found: Found[], tree: Tree, root: Located): Report {
  return (path, message, atKey = false) => {
    const place = locate(root, path, atKey);
    if (place.unreadable || tree.mended(place.offset)) return;
    const { value, variables } = place.node;
    const styled = atKey ? message : inStyle(message, tree.inFlow(place.offset));
    const shown = variables.length > 0 && !atKey ? concealed(styled, value, variables) : styled;
    found.push({ offset: place.offset, path, message: withoutValues(shown, tree.variables) });
  };
}

/** What tells one content of a configuration file from another. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/**
 * Where a path stands in the file; a missing key stands where its mapping does. A value that could not be read was
 * reported already, and so is whatever it makes wrong about itself or the mapping it is in.
 */
function locate(
  root: Located,
  path: Path,
  atKey: boolean,
): { offset: number; unreadable: boolean; node: Located } {
  let at = root;
  let offset = root.offset;
  for (const part of path) {
    const member = at.members.get(part);
    if (member === undefined) return { offset: at.offset, unreadable: at.value === undefined, node: at };
    at = member.node;
    offset = atKey ? member.keyOffset : at.offset;
  }
  const unreadable =
    at.value === undefined || [...at.members.values()].some(({ node }) => node.value === undefined);
  return { offset, unreadable, node: at };
}

function placesOf(root: Located, { backends, listeners }: Config, tree: Tree): Places {
  const paths: Path[] = [
    ['admin', 'address'],
    ['debug', 'address'],
    ['self', 'podName'],
    ...listeners.map((_, index) => ['listeners', index, 'address']),
    ...backends.flatMap((backend, index) => tlsPathsOf(tlsUsesOf(backend), index)),
  ];
  return Object.fromEntries(
    paths.map((path) => [formatPath(path), tree.position(locate(root, path, false).offset)]),
  );
}

function isSubstituted(root: Located, path: Path): boolean {
  let at: Located | undefined = root;
  for (const part of path) at = at?.members.get(part)?.node;
  return at?.substituted ?? false;
}

function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const key = JSON.stringify(problem);
    return !seen.has(key) && seen.add(key);
  });
}
