import { type Document, LineCounter, parseDocument, type YAMLError } from 'yaml';
import { quote } from '../problem.ts';

/** A text as the YAML reader takes it. */
export interface Syntax {
  readonly document: Document;
  readonly lines: LineCounter;
  /** Its mistakes, in the order of the file. */
  readonly errors: readonly YAMLError[];
}

/** Reads YAML 1.2. @throws RangeError where it is nested too deeply */
export function readSyntax(text: string): Syntax {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    merge: false,
    schema: 'core',
    // 'silent' would also keep quiet about a second document.
    logLevel: 'error',
  });
  const errors = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  return { document: document as Document, lines, errors };
}

/** Mistakes that are no slip of the hand: what they mean is plain. */
const PLAIN: ReadonlySet<string> = new Set([
  'MULTIPLE_DOCS',
  'TAG_RESOLVE_FAILED',
  'RESOURCE_EXHAUSTION',
  'KEY_OVER_1024_CHARS',
]);

export function isPlain(error: YAMLError): boolean {
  return PLAIN.has(error.code) || /call stack/.test(error.message);
}

/** What a mistake means that no repair explains. */
export function syntaxProblem(error: YAMLError, text: string): string {
  if (/call stack/.test(error.message)) return 'is nested too deeply';
  const there = text.slice(error.pos[0], error.pos[1]).split('\n')[0]!.trim();
  switch (error.code) {
    case 'MULTIPLE_DOCS':
      return 'the file holds more than one YAML document (---): keep one';
    case 'TAG_RESOLVE_FAILED':
      return `${quote(there)} is a tag that is not known here: take it away, or put a text that starts with ! in quotes`;
    case 'RESOURCE_EXHAUSTION':
      return 'is nested too deeply';
    case 'KEY_OVER_1024_CHARS':
      return 'a key can have at most 1024 characters';
    case 'TAB_AS_INDENT':
      return 'a tab indents this line: use blanks';
    case 'BAD_INDENT':
      return 'this line is indented unlike its siblings: the keys of one mapping start in one column';
    case 'BAD_ALIAS':
      return 'a text cannot start with * or &: put it in quotes';
    case 'BAD_DQ_ESCAPE':
      return 'this backslash means nothing in double quotes: use single ones, which take it as it is';
    case 'MULTILINE_IMPLICIT_KEY':
      return 'this is no key with a value: is a colon missing?';
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second key on this line: start a new line, or put a text with ": " in quotes';
    case 'BLOCK_IN_FLOW':
      return 'between braces or brackets only braces and brackets can hold more: is one not closed before this?';
    case 'BAD_DIRECTIVE':
      return 'a line cannot start with %: put the text in quotes';
    case 'MULTIPLE_ANCHORS':
    case 'ALIAS_PROPS':
    case 'BAD_PROP_ORDER':
    case 'MULTIPLE_TAGS':
      return 'a text cannot start with & or !: put it in quotes';
    case 'MISSING_CHAR':
      return 'something is missing before this: a blank, a colon, a comma, a quote or a bracket';
    default:
      return there === ''
        ? 'this line cannot be read: are its quotes and brackets closed?'
        : `${quote(there)} cannot be read here: are the quotes and brackets before it closed?`;
  }
}
