import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import { warnOfServices } from './services.ts';
import { warnOfTakenWrites } from './taken-writes.ts';
import { warnOfUnused } from './unused.ts';
import { warnOfWaits } from './waits.ts';

/** What a valid configuration does that hardly anybody wants (SPEC 1). Only what is certain, so that nobody learns to skip it. */
export function warn(parts: Parts, report: Report): void {
  warnOfServices(parts, report);
  warnOfWaits(parts, report);
  warnOfTakenWrites(parts, report);
  warnOfUnused(parts, report);
}
