import type { FieldBlock } from './field-block.ts';

/**
 * What no trailer may say, beside the fields with a number (RFC 9110 section 6.5.1): framing, routing, authentication,
 * content format, response control.
 */
const FORBIDDEN = new Set([
  'age',
  'authentication-info',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'date',
  'expires',
  'location',
  'pragma',
  'proxy-authenticate',
  'proxy-authentication-info',
  'range',
  'retry-after',
  'set-cookie',
  'vary',
  'warning',
]);

/** The lines of a trailer section that may pass, each with its CRLF. */
export function keptTrailers(text: string, fields: FieldBlock): string {
  let kept = '';
  for (let i = 0; i < fields.count; i++) {
    const at = i * 4;
    const name = text.slice(fields.offsets[at]!, fields.offsets[at + 1]!);
    if (fields.ids[i] !== 0 || FORBIDDEN.has(name.toLowerCase())) continue;
    kept += `${name}: ${text.slice(fields.offsets[at + 2]!, fields.offsets[at + 3]!)}\r\n`;
  }
  return kept;
}
