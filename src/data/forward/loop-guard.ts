import * as names from '../http1/field-names.ts';
import type { RequestHead } from '../http1/request-head.ts';

/**
 * Whether this process's own name is in `Via` already: the request has come round (RFC 9110 section 7.6.3). Comments do
 * not count; names compare without case.
 */
export function hasLooped(head: RequestHead, ownName: string): boolean {
  if (!head.fields.has(names.VIA)) return false;
  const own = ownName.toLowerCase();
  for (let i = 0; i < head.fields.count; i++) {
    if (head.fields.ids[i] !== names.VIA) continue;
    for (const member of withoutComments(head.value(i)).split(','))
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

/** Comments nest (RFC 9110 section 5.6.5). One that is left open is none: it must not hide what was appended after it. */
function withoutComments(value: string): string {
  let out = '';
  let depth = 0;
  let from = 0;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x28) {
      if (depth === 0) {
        out += value.slice(from, i);
        from = i;
      }
      depth++;
    } else if (depth === 0) continue;
    else if (code === 0x5c) i++;
    else if (code === 0x29 && --depth === 0) from = i + 1;
  }
  return out + value.slice(from);
}
