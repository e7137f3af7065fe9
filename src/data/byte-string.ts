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
  const bytes = Buffer.allocUnsafe(raw.length);
  let length = 0;
  for (let i = 0; i < raw.length; i++) {
    let code = raw.charCodeAt(i);
    if (code === 0x25) {
      const octet = octetAt(raw, i);
      if (octet >= 0) {
        code = octet;
        i += 2;
      }
    } else if (code === 0x2b && plusIsSpace) code = 0x20;
    bytes[length++] = code;
  }
  return bytes.toString('latin1', 0, length);
}

/** The value of the `%XX` at this place, or -1 where it is none. */
export function octetAt(raw: string, at: number): number {
  const high = hexValue(raw.charCodeAt(at + 1));
  const low = hexValue(raw.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Of a digit's code; -1 for anything else, and behind the end. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
