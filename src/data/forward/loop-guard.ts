import * as names from '../http1/field-names.ts';
import type { RequestHead } from '../http1/request-head.ts';

const COMMENT = /\((?:[^()\\]|\\.)*\)/g;

/**
 * Whether this process's own name is in `Via` already: the request has come round (RFC 9110 section 7.6.3). Comments do
 * not count; names compare without case.
 */
export function hasLooped(head: RequestHead, ownName: string): boolean {
  if (!head.fields.has(names.VIA)) return false;
  const own = ownName.toLowerCase();
  for (let i = 0; i < head.fields.count; i++) {
    if (head.fields.ids[i] !== names.VIA) continue;
    for (const member of head.value(i).replace(COMMENT, '').split(','))
      if (
        member
          .trim()
          .split(/[ \t]+/)[1]
          ?.toLowerCase() === own
      )
        return true;
  }
  return false;
}
