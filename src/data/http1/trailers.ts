import type { Fields } from '../stream/message.ts';
import type { FieldBlock } from './field-block.ts';

/**
 * What no trailer may say, beside the fields with a number (RFC 9110 section 6.5.1): framing, routing, authentication,
 * request modifiers, content format, response control.
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
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
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

/**
 * The fields of a trailer section that may pass.
 * @param nominated by the head's Connection: they end at this hop here, too (RFC 9110 section 7.6.1)
 */
export function keptTrailers(
  text: string,
  fields: FieldBlock,
  nominated: ReadonlySet<string> | null,
): Fields {
  const kept: [string, string][] = [];
  for (let i = 0; i < fields.count; i++) {
    const at = i * 4;
    const name = text.slice(fields.offsets[at]!, fields.offsets[at + 1]!);
    const lower = name.toLowerCase();
    if (fields.ids[i] !== 0 || FORBIDDEN.has(lower) || lower.startsWith('x-forwarded-')) continue;
    if (nominated?.has(lower)) continue;
    kept.push([name, text.slice(fields.offsets[at + 2]!, fields.offsets[at + 3]!)]);
  }
  return kept;
}
