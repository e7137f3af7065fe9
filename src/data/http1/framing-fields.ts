import type { FieldBlock } from './field-block.ts';
import { CONTENT_LENGTH, TRANSFER_ENCODING } from './field-names.ts';

/** Longest Content-Length taken: 15 digits stay exact in a double. */
const MAX_DIGITS = 15;

/**
 * Content-Length (RFC 9110 section 8.6): digits, once. Equal duplicates are refused, too: one of two parsers down the line
 * may join them.
 * @returns the length, -1 where there is none, or what is wrong
 */
export function readContentLength(text: string, fields: FieldBlock): number | string {
  const i = fields.find(CONTENT_LENGTH);
  if (i < 0) return -1;
  if (fields.countOf(CONTENT_LENGTH) > 1) return 'more than one Content-Length';
  const start = fields.offsets[i * 4 + 2]!;
  const end = fields.offsets[i * 4 + 3]!;
  if (start === end) return 'an empty Content-Length';
  if (end - start > MAX_DIGITS) return 'a Content-Length beyond any bound';
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return 'a Content-Length that is not a number';
    length = length * 10 + digit;
  }
  return length;
}

/**
 * Transfer-Encoding (RFC 9112 section 6.1): `chunked`, once, or none.
 * @returns whether the body is chunked, or what is wrong
 */
export function readTransferEncoding(text: string, fields: FieldBlock): boolean | string {
  const i = fields.find(TRANSFER_ENCODING);
  if (i < 0) return false;
  if (fields.countOf(TRANSFER_ENCODING) > 1) return 'more than one Transfer-Encoding';
  const value = text.slice(fields.offsets[i * 4 + 2]!, fields.offsets[i * 4 + 3]!);
  return value.toLowerCase() === 'chunked' ? true : 'a Transfer-Encoding other than chunked';
}
