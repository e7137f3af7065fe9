import type { Edit } from './edits.ts';
import type { Line } from './lines.ts';

/** A guess what a person meant: the change that would make it so, and what to say of it. */
export interface Repair {
  /** In rising order. */
  readonly edits: readonly Edit[];
  readonly problems: readonly { readonly offset: number; readonly message: string }[];
}

/** A text that is no YAML, and the line where that showed; the mistake is there or a little before. */
export interface Wound {
  readonly text: string;
  readonly lines: readonly Line[];
  /** Index of the line. */
  readonly at: number;
}

/** One guess of one change. */
export function repair(offset: number, message: string, ...edits: readonly Edit[]): Repair {
  return { edits, problems: [{ offset, message }] };
}

/** The line of the wound, those just before, and the next: most likely first. */
export function nearLines({ lines, at }: Wound): { readonly line: Line; readonly index: number }[] {
  return [at, at - 1, at + 1, at - 2].flatMap((index) => {
    const line = lines[index];
    return line === undefined ? [] : [{ line, index }];
  });
}
