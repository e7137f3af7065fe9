import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  Scalar,
  type YAMLError,
  YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { type Path, quote } from '../problem.ts';
import type { Variable } from './conceal.ts';
import { type Environment, substitute } from './environment.ts';
import { mend } from './mending/mend.ts';
import { isPlain, readSyntax, type Syntax, syntaxProblem } from './yaml-syntax.ts';

/** A value of the file with the place where it stands. */
export interface Located {
  /** Plain data: mappings are objects, sequences arrays. */
  readonly value: unknown;
  readonly offset: number;
  /** Members of a mapping or sequence; `keyOffset` is the member's own offset in a sequence. */
  readonly members: ReadonlyMap<string | number, { readonly keyOffset: number; readonly node: Located }>;
  /** Whether it is written with an environment variable, though that be unset. */
  readonly substituted: boolean;
  /** What the environment gave to it; of a scalar alone. */
  readonly variables: readonly Variable[];
}

export interface TreeProblem {
  readonly offset: number;
  readonly path: Path;
  readonly message: string;
}

export interface Tree {
  readonly root: Located | null;
  readonly problems: readonly TreeProblem[];
  /** Everything that the environment gave to the file. */
  readonly variables: readonly Variable[];
  position(offset: number): Position;
  /** Whether the value at an offset stands in braces or brackets of its own. */
  inFlow(offset: number): boolean;
  /** Whether the line of an offset was read other than it stands, and told of. */
  mended(offset: number): boolean;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Nodes that aliases may add in all: far above any honest file, far below what an alias bomb asks for. */
const MAX_ALIASED_NODES = 100_000;

/**
 * Reads YAML 1.2 into plain data with positions. Never throws: whatever the text, the answer is data or problems, and often both:
 * a text with slips of syntax is read as it was probably meant, so that what else is wrong is told at once.
 *
 * @param otherProblems how much is wrong with a text besides syntax, by which one meaning is preferred to another; null: take
 *   the text as it stands
 */
export function readTree(
  text: string,
  env: Environment,
  otherProblems: ((text: string) => number) | null = null,
): Tree {
  // The YAML reader takes quadratic time for deep nesting; no configuration comes near.
  if (isNestedTooDeeply(text)) return nothingRead([TOO_DEEP], text);
  try {
    const syntax = readSyntax(text);
    if (syntax.errors.length === 0) return treeOf(text, syntax, env);
    const plain = syntax.errors.find(isPlain);
    if (plain !== undefined) return nothingRead([problemOf(plain, text)], text);
    if (otherProblems === null) return nothingRead([problemOf(syntax.errors[0]!, text)], text);
    return mendedTree(text, env, otherProblems);
  } catch (error) {
    if (error instanceof RangeError) return nothingRead([TOO_DEEP], text);
    return nothingRead([{ offset: 0, path: [], message: `cannot be read: ${quote(String(error))}` }], text);
  }
}

function mendedTree(text: string, env: Environment, otherProblems: (text: string) => number): Tree {
  const mended = mend(text, {
    firstError: (changed) => readSyntax(changed).errors[0]?.pos[0] ?? null,
    otherProblems,
  });
  const told = mended.problems.map((problem) => ({ ...problem, path: [] }));
  const syntax = readSyntax(mended.text);
  const [unexplained] = syntax.errors;
  if (unexplained !== undefined) {
    const { message } = problemOf(unexplained, mended.text);
    const offset = mended.before(unexplained.pos[0]);
    return nothingRead([...told, { offset, path: [], message }], text);
  }
  const tree = treeOf(mended.text, syntax, env);
  const lines = new LineCounter();
  for (const { index } of text.matchAll(/^/gm)) lines.addNewLine(index);
  const position = (offset: number): Position => positionIn(lines, mended.before(offset));
  const broken = new Set(told.map(({ offset }) => positionIn(lines, offset).line));
  return {
    ...tree,
    position,
    mended: (offset) => broken.has(position(offset).line),
    problems: [
      ...told.map((problem) => ({ ...problem, offset: mended.after(problem.offset) })),
      // What follows a slip on its line is mostly its echo.
      ...tree.problems.filter(({ offset }) => !broken.has(position(offset).line)),
    ],
  };
}

function treeOf(text: string, { document, lines }: Syntax, env: Environment): Tree {
  const position = (offset: number): Position => positionIn(lines, offset);
  const inFlow = (offset: number): boolean => text[offset] === '[' || text[offset] === '{';
  const empty = { root: null, variables: NONE, position, inFlow, mended: () => false };
  if (document.directives?.yaml.explicit && document.directives.yaml.version !== '1.2') {
    const message = 'only YAML 1.2 is read: remove the %YAML directive';
    return { ...empty, problems: [{ offset: 0, path: [], message }] };
  }
  if (document.contents === null)
    return { ...empty, problems: [{ offset: 0, path: [], message: 'the file is empty' }] };
  const reader = new TreeReader(document, env, position);
  const root = reader.read(document.contents as Node, []);
  return { ...empty, root, problems: reader.problems, variables: reader.variables };
}

function nothingRead(problems: readonly TreeProblem[], text: string): Tree {
  const lines = new LineCounter();
  for (const { index } of text.matchAll(/^/gm)) lines.addNewLine(index);
  const position = (offset: number): Position => positionIn(lines, offset);
  return { root: null, problems, variables: NONE, position, inFlow: () => false, mended: () => false };
}

function problemOf(error: YAMLError, text: string): TreeProblem {
  return { offset: error.pos[0], path: [], message: syntaxProblem(error, text) };
}

function positionIn(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

const MAX_DEPTH = 500;

const TOO_DEEP: TreeProblem = { offset: 0, path: [], message: 'is nested too deeply' };

/** Brackets inside texts count too, which only unbalanced ones in great number could make a difference. */
function isNestedTooDeeply(text: string): boolean {
  let depth = 0;
  let dashes = 0;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char === 0x5b || char === 0x7b) {
      if (++depth > MAX_DEPTH) return true;
    } else if (char === 0x5d || char === 0x7d) depth = Math.max(0, depth - 1);
    if (char === 0x0a) dashes = 0;
    else if ((char === 0x2d || char === 0x3f) && text.charCodeAt(i + 1) === 0x20 && ++dashes > MAX_DEPTH)
      return true;
  }
  return false;
}

const NOTHING: Located['members'] = new Map();
const NONE: readonly Variable[] = [];

class TreeReader {
  readonly problems: TreeProblem[] = [];
  readonly variables: Variable[] = [];
  readonly #open = new Set<Node>();
  #aliasDepth = 0;
  #aliased = 0;

  readonly #document: Document;
  readonly #env: Environment;

  readonly #position: Tree['position'];

  constructor(document: Document, env: Environment, position: Tree['position']) {
    this.#document = document;
    this.#env = env;
    this.#position = position;
  }

  read(node: Node | null, path: Path): Located {
    if (this.#aliasDepth > 0) this.#aliased++;
    if (isAlias(node)) return this.#alias(node, path);
    if (isMap(node)) return this.#inside(node, () => this.#mapping(node, path));
    if (isSeq(node)) return this.#inside(node, () => this.#sequence(node, path));
    if (isScalar(node)) return this.#scalar(node, path);
    return { value: null, offset: 0, members: NOTHING, substituted: false, variables: NONE };
  }

  #problem(node: Node | null, path: Path, message: string): void {
    this.problems.push({ offset: offsetOf(node), path, message });
  }

  #inside(node: Node, run: () => Located): Located {
    this.#open.add(node);
    const located = run();
    this.#open.delete(node);
    return located;
  }

  #alias(alias: Alias, path: Path): Located {
    const nothing = {
      value: undefined,
      offset: offsetOf(alias),
      members: NOTHING,
      substituted: false,
      variables: NONE,
    };
    const target = alias.resolve(this.#document);
    if (target === undefined) {
      const text = quote(`*${alias.source}`);
      this.#problem(
        alias,
        path,
        `there is no anchor &${alias.source} before this alias; a text that starts with * must be in quotes: ${text}`,
      );
      return nothing;
    }
    if (this.#open.has(target)) {
      this.#problem(alias, path, `the alias *${alias.source} contains itself`);
      return nothing;
    }
    if (this.#aliased > MAX_ALIASED_NODES) {
      if (this.#aliased !== Number.POSITIVE_INFINITY)
        this.#problem(alias, path, 'aliases expand to too much');
      this.#aliased = Number.POSITIVE_INFINITY;
      return nothing;
    }
    this.#aliasDepth++;
    const located = this.read(target, path);
    this.#aliasDepth--;
    return located;
  }

  #mapping(map: YAMLMap, path: Path): Located {
    const value: Record<string, unknown> = {};
    const members = new Map<string, { keyOffset: number; node: Located }>();
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const key = this.#key(pair.key, path);
      if (key === null) continue;
      const keyOffset = offsetOf(pair.key);
      const earlier = members.get(key);
      if (earlier !== undefined) {
        const { line } = this.#position(earlier.keyOffset);
        this.#problem(pair.key, [...path, key], `the key is given twice, first in line ${line}`);
        continue;
      }
      const node = this.read(pair.value, [...path, key]);
      // An absent value has no place of its own worth pointing at.
      const placed = node.value === null ? { ...node, offset: keyOffset } : node;
      members.set(key, { keyOffset, node: placed });
      value[key] = node.value;
    }
    return { value, offset: offsetOf(map), members, substituted: false, variables: NONE };
  }

  #key(key: Node | null, path: Path): string | null {
    const resolved = isAlias(key) ? (key.resolve(this.#document) ?? null) : key;
    if (!isScalar(resolved)) {
      this.#problem(key, path, 'a key must be a plain word');
      return null;
    }
    const name = resolved.value;
    if (name === '<<') {
      this.#problem(
        key,
        path,
        'merge keys (<<) are not part of YAML 1.2: repeat the keys, or use an alias for the whole value',
      );
      return null;
    }
    if (typeof name !== 'string') {
      const source = resolved.source ?? String(name);
      this.#problem(key, path, source === '' ? 'a key is empty' : `the key ${quote(source)} is not a text`);
      return null;
    }
    if (name === '__proto__') {
      this.#problem(key, [...path, name], 'unknown key');
      return null;
    }
    return name;
  }

  #sequence(sequence: YAMLSeq, path: Path): Located {
    const value: unknown[] = [];
    const members = new Map<number, { keyOffset: number; node: Located }>();
    const items = (sequence.items as (Node | null)[]).flatMap((item) => this.#entries(item, path));
    for (const [index, item] of items.entries()) {
      const node = this.read(item, [...path, index]);
      value.push(node.value);
      members.set(index, { keyOffset: node.offset, node });
    }
    return { value, offset: offsetOf(sequence), members, substituted: false, variables: NONE };
  }

  /** An entry of a list; several where keys come again, so that a dash was forgotten. */
  #entries(item: Node | null, path: Path): (Node | null)[] {
    if (!isMap(item) || item.flow) return [item];
    const nameOf = ({ key }: Pair<unknown, unknown>): unknown => (isScalar(key) ? key.value : key);
    const [first] = item.items;
    const starts = item.items.flatMap((pair, index) => (nameOf(pair) === nameOf(first!) ? [index] : []));
    const names = item.items.map(nameOf);
    // One key twice is a key twice.
    if (starts.length < 2 || names.length - new Set(names).size < 2 * (starts.length - 1)) return [item];
    return starts.map((start, number) => {
      const pairs = item.items.slice(start, starts[number + 1]);
      const entry = new YAMLMap(this.#document.schema);
      entry.items = pairs;
      const key = pairs[0]!.key as Node;
      entry.range = number === 0 ? (item.range ?? null) : (key.range ?? null);
      if (number > 0)
        this.#problem(key, path, `a "- " is missing before ${nameOf(pairs[0]!)}, which starts another entry`);
      return entry;
    });
  }

  #scalar(scalar: Scalar, path: Path): Located {
    const offset = offsetOf(scalar);
    const { value } = scalar;
    if (typeof value !== 'string' || !value.includes('${'))
      return {
        value: typeof value === 'bigint' ? Number(value) : value,
        offset,
        members: NOTHING,
        substituted: false,
        variables: NONE,
      };
    const result = substitute(value, this.#env);
    if ('problem' in result) {
      this.#problem(scalar, path, result.problem);
      return { value: undefined, offset, members: NOTHING, substituted: true, variables: NONE };
    }
    this.variables.push(...result.variables);
    const plain = scalar.type === Scalar.PLAIN && scalar.tag === undefined;
    return {
      value: plain ? this.#typed(result.text) : result.text,
      offset,
      members: NOTHING,
      substituted: true,
      variables: result.variables,
    };
  }

  /** The type that a plain scalar of this text has; an empty one stays the empty text, since it was meant as a value. */
  #typed(text: string): unknown {
    if (text === '') return '';
    for (const tag of this.#document.schema.tags) {
      if (!('resolve' in tag) || tag.collection !== undefined || tag.default !== true) continue;
      if (tag.test?.test(text)) {
        const resolved = tag.resolve(text, () => {}, this.#document.schema as never);
        return isScalar(resolved) ? resolved.value : resolved;
      }
    }
    return text;
  }
}

function offsetOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}
