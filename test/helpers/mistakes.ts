import { onTestFinished } from 'vitest';
import { type Entry, onInternalError } from '../../src/platform/guard.ts';

export interface Mistakes {
  /** Where each was met, in order. */
  readonly where: Entry[];
  readonly errors: unknown[];
}

/** Takes the mistakes that guards meet until the test ends; without it they would fail it. */
export function mistakes(): Mistakes {
  const met: Mistakes = { where: [], errors: [] };
  onTestFinished(
    onInternalError((where, error) => {
      met.where.push(where);
      met.errors.push(error);
    }),
  );
  return met;
}

export function planted(): never {
  throw new Error('planted');
}
