import * as names from './field-names.ts';
import type { RequestHead } from './request-head.ts';
import type { ResponseHead } from './response-head.ts';

/** Schemes that authenticate a connection, not a request (RFC 4559): such a connection serves one client only. */
const BOUND = /(?:^|,)\s*(?:NTLM|Negotiate)(?:\s|,|$)/i;

/** Whether the connection on which this was asked and answered belongs to its client from now on (C08). */
export function isConnectionBound(request: RequestHead, response: ResponseHead): boolean {
  const asks = response.fields.has(names.WWW_AUTHENTICATE);
  const shows = request.fields.has(names.AUTHORIZATION);
  if (!asks && !shows) return false;
  for (let i = 0; asks && i < response.fields.count; i++)
    if (response.fields.ids[i] === names.WWW_AUTHENTICATE && BOUND.test(response.value(i))) return true;
  return shows && BOUND.test(request.value(request.fields.find(names.AUTHORIZATION)));
}
