import { isToken } from './bytes.ts';
import * as names from './field-names.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/**
 * HTTP again, past every rule: h2c and its drafts (RFC 7540 section 3.2), h2, h3, another version of HTTP, and HTTP within
 * TLS (RFC 2817).
 */
const HTTP_AGAIN = /^(?:h[23]c?(?:-\d+)?|http|tls)(?:\/.*)?$/i;

/**
 * The protocols that a request may ask to upgrade to, as `Upgrade` goes upstream; null: it asks for none. HTTP/1.0 cannot
 * (RFC 9110 section 7.8); with a body it is served as an ordinary request.
 */
export function upgradeOf(head: RequestHead): string | null {
  if (!head.connection.upgrade || head.minor === 0 || !head.fields.has(names.UPGRADE)) return null;
  if (head.chunked || head.contentLength > 0) return null;
  const protocols: string[] = [];
  for (let i = 0; i < head.fields.count; i++) {
    if (head.fields.ids[i] !== names.UPGRADE) continue;
    for (const member of head.value(i).split(',')) {
      const protocol = member.trim();
      if (protocol.split('/').every(isToken) && !HTTP_AGAIN.test(protocol)) protocols.push(protocol);
    }
  }
  return protocols.length > 0 ? protocols.join(', ') : null;
}

/** Whether a 101 switches to protocols that were all asked for, whichever line of it names them. */
export function switchesTo(asked: string | null, head: ResponseHead): boolean {
  const { fields } = head;
  if (asked === null || !fields.has(names.UPGRADE) || !head.connection.upgrade) return false;
  const offered = new Set(asked.split(',').map((name) => name.trim().toLowerCase()));
  for (let i = 0; i < fields.count; i++)
    if (fields.ids[i] === names.UPGRADE)
      for (const name of head.value(i).split(',')) if (!offered.has(name.trim().toLowerCase())) return false;
  return true;
}
