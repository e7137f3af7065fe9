import { bracketRepairs } from './brackets.ts';
import { dashRepairs } from './dashes.ts';
import { after, applyEdits, before, type Edit } from './edits.ts';
import { indentationRepairs } from './indentation.ts';
import { contentLines, lineAt } from './lines.ts';
import { quoteRepairs } from './quotes.ts';
import type { Repair, Wound } from './repair.ts';
import { tabRepairs } from './tabs.ts';
import { commentRepairs, wordRepairs } from './words.ts';

/** What is read in all to try repairs, in characters and in times, so that a large file is answered within some 2 s too. */
const MAX_CHARACTERS = 1_500_000;
const MAX_TRIES = 250;

/** How texts are judged. */
export interface Judge {
  /** Where the first mistake of syntax shows; null: there is none. */
  firstError(text: string): number | null;
  /** How much else is wrong with a text without mistakes of syntax. */
  otherProblems(text: string): number;
}

export interface Mended {
  /** What to tell; offsets are those of the original. */
  readonly problems: readonly { readonly offset: number; readonly message: string }[];
  /** The text with every repair. */
  readonly text: string;
  /** Where in it the first mistake shows that nothing repaired; null: it is YAML. */
  readonly left: number | null;
  /** The place in the original of one in `text`, and the other way round. */
  before(offset: number): number;
  after(offset: number): number;
}

/**
 * Finds out what a person meant with a text that is no YAML, by trying: each likely slip is undone, and the one whose undoing
 * gives a text that can be read, with the least else wrong in it, is what gets told.
 */
export function mend(original: string, judge: Judge): Mended {
  const rounds: (readonly Edit[])[] = [];
  const problems: { offset: number; message: string }[] = [];
  const origin = (offset: number): number => rounds.reduceRight(before, offset);
  const left = { characters: MAX_CHARACTERS, tries: MAX_TRIES };
  let text = original;
  let error = judge.firstError(text);
  while (error !== null) {
    const best = bestRepair(text, error, judge, left);
    if (best === null) break;
    for (const { offset, message } of best.repair.problems)
      problems.push({ offset: origin(offset), message });
    rounds.push(best.repair.edits);
    text = best.text;
    error = best.error;
  }
  return {
    problems,
    text,
    left: error,
    before: origin,
    after: (offset) => rounds.reduce(after, offset),
  };
}

interface Left {
  characters: number;
  tries: number;
}

interface Tried {
  readonly repair: Repair;
  readonly text: string;
  readonly error: number | null;
}

function bestRepair(text: string, error: number, judge: Judge, left: Left): Tried | null {
  const lines = contentLines(text);
  if (lines.length === 0) return null;
  let best: Tried | null = null;
  let bestRest = Number.POSITIVE_INFINITY;
  let furthest = endOfLine(text, error);
  for (const repair of likelyRepairs({ text, lines, at: lineAt(lines, error) })) {
    if (left.characters < 0 || left.tries-- <= 0) break;
    const changed = applyEdits(text, repair.edits);
    left.characters -= changed.length;
    const next = judge.firstError(changed);
    if (next !== null) {
      const reached = before(next, repair.edits);
      if (bestRest < Number.POSITIVE_INFINITY || reached <= furthest) continue;
      furthest = reached;
      best = { repair, text: changed, error: next };
      continue;
    }
    left.characters -= changed.length;
    const rest = judge.otherProblems(changed);
    if (rest > bestRest || (rest === bestRest && best!.repair.edits.length <= repair.edits.length)) continue;
    bestRest = rest;
    best = { repair, text: changed, error: null };
    if (rest === 0 && repair.edits.length === 1) break;
  }
  return best;
}

function likelyRepairs(wound: Wound): Repair[] {
  const tabs = tabRepairs(wound.text);
  if (tabs.length > 0) return tabs;
  return [
    ...bracketRepairs(wound),
    ...quoteRepairs(wound),
    ...wordRepairs(wound),
    ...indentationRepairs(wound),
    ...dashRepairs(wound),
    ...commentRepairs(wound),
  ];
}

function endOfLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end < 0 ? text.length : end;
}
