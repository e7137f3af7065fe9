/** Byte classes as tables: one load per byte, no regular expressions and no strings on the hot path. */

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;

function table(accepts: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (accepts(byte) ? 1 : 0));
}

const TOKEN_CHARS = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** tchar (RFC 9110 section 5.6.2). */
export const TCHAR = table((byte) => TOKEN_CHARS.includes(String.fromCharCode(byte)));

/** What a field value may hold: HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5). */
export const VALUE_CHAR = table((byte) => byte === HTAB || (byte >= 0x20 && byte !== 0x7f));

/** What a request target may hold. Visible ASCII but `#`; what URIs reserve no byte for still passes as it is. */
export const TARGET_CHAR = table((byte) => byte > 0x20 && byte < 0x7f && byte !== 0x23);

/** Value of a hexadecimal digit, or 255. */
export const HEX_VALUE = Uint8Array.from({ length: 256 }, (_, byte) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(byte).toLowerCase());
  return digit < 0 ? 255 : digit;
});

/** Whether `text` is a token. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 255 || TCHAR[code] === 0) return false;
  }
  return true;
}
