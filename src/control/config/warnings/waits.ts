import type { Selection } from '../../../model/config.ts';
import { formatDuration } from '../grammar/duration.ts';
import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';

/** Waits that the request's own time limit always ends first: 504 where a 503 would say why. */
export function warnOfWaits({ listeners }: Parts, report: Report): void {
  for (const { fields: listener, rules } of listeners)
    for (const { path, fields } of rules) {
      const holdMs = holdOf(fields.selection);
      const requestMs = fields.timeouts?.requestMs ?? 0;
      if (listener.protocol === 'TCP' || requestMs === 0 || holdMs <= requestMs) continue;
      report(
        [...path, 'timeouts', 'request'],
        `${formatDuration(requestMs)} ends every wait before selection.hold.timeout (${formatDuration(holdMs)}) does: make that shorter, so that the answer says what was waited for`,
      );
    }
}

/** The longest wait of a rule's requests in milliseconds; 0: they do not wait. */
function holdOf(selection: Selection | undefined): number {
  const holds =
    selection?.type === 'Leader' || (selection?.type === 'Ordinal' && selection.whenUnavailable === 'Hold');
  return holds ? selection.hold.timeoutMs : 0;
}
