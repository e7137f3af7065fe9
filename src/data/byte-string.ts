/**
 * Text of a request as the data plane keeps it: one character per byte (latin1), so that nothing is lost or guessed
 * where bytes are not UTF-8. ASCII text, by far the most common, is its own byte string.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The UTF-8 bytes of a text, one character each. For values of the configuration, which are compared with a request's. */
export function toByteString(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** The text that a byte string holds: UTF-8 where it is valid, else latin1. For regular expressions and for people. */
export function toText(bytes: string): string {
  if (isAscii(bytes)) return bytes;
  try {
    return utf8.decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return bytes;
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/**
 * Decodes `%XX` (RFC 3986 section 2.1) once, into a byte string. What is not two hexadecimal digits stays as it is, as
 * in the WHATWG URL standard. `plusIsSpace`: as in application/x-www-form-urlencoded queries.
 */
export function decodePercent(raw: string, plusIsSpace = false): string {
  if (!raw.includes('%') && !(plusIsSpace && raw.includes('+'))) return raw;
  const text = plusIsSpace ? raw.replaceAll('+', ' ') : raw;
  return text.replace(/%[0-9A-Fa-f]{2}/g, (triplet) =>
    String.fromCharCode(Number.parseInt(triplet.slice(1), 16)),
  );
}
