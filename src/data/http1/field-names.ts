/** The fields that framing, routing and forwarding treat specially, as small numbers. 0 is every other field. */
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const KEEP_ALIVE = 5;
export const PROXY_CONNECTION = 6;
export const PROXY_AUTHORIZATION = 7;
export const TE = 8;
export const TRAILER = 9;
export const UPGRADE = 10;
export const EXPECT = 11;
export const VIA = 12;
export const X_FORWARDED_FOR = 13;
export const X_FORWARDED_PROTO = 14;
export const X_FORWARDED_HOST = 15;
export const FORWARDED = 16;
export const TRACEPARENT = 17;
export const TRACESTATE = 18;
export const MAX_FORWARDS = 19;
export const HTTP2_SETTINGS = 20;
export const WWW_AUTHENTICATE = 21;
export const AUTHORIZATION = 22;
export const COOKIE = 23;
export const ACCEPT_ENCODING = 24;
/** Content-Length or Transfer-Encoding but for punctuation: lenient Pods map `_`, and more, to the same variable. */
export const LOOKALIKE = 25;

const NAMES: readonly (readonly [string, number])[] = [
  ['host', HOST],
  ['content-length', CONTENT_LENGTH],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['connection', CONNECTION],
  ['keep-alive', KEEP_ALIVE],
  ['proxy-connection', PROXY_CONNECTION],
  ['proxy-authorization', PROXY_AUTHORIZATION],
  ['te', TE],
  ['trailer', TRAILER],
  ['upgrade', UPGRADE],
  ['expect', EXPECT],
  ['via', VIA],
  ['x-forwarded-for', X_FORWARDED_FOR],
  ['x-forwarded-proto', X_FORWARDED_PROTO],
  ['x-forwarded-host', X_FORWARDED_HOST],
  ['forwarded', FORWARDED],
  ['traceparent', TRACEPARENT],
  ['tracestate', TRACESTATE],
  ['max-forwards', MAX_FORWARDS],
  ['http2-settings', HTTP2_SETTINGS],
  ['www-authenticate', WWW_AUTHENTICATE],
  ['authorization', AUTHORIZATION],
  ['cookie', COOKIE],
  ['accept-encoding', ACCEPT_ENCODING],
];

interface Candidate {
  readonly id: number;
  readonly bytes: Uint8Array;
}

/** By length and first byte: few names share both, so that most fields are dismissed by one look. */
const BY_LENGTH: (Candidate[][] | undefined)[] = [];
for (const [name, id] of NAMES) {
  BY_LENGTH[name.length] ??= Array.from({ length: 256 }, () => []);
  const candidate = { id, bytes: Uint8Array.from(name, (c) => c.charCodeAt(0)) };
  BY_LENGTH[name.length]![name.charCodeAt(0)]!.push(candidate);
}
const LONGEST = BY_LENGTH.length - 1;

/** The number of the field whose name (a token, any case) stands at `start`. */
export function fieldId(bytes: Uint8Array, start: number, length: number): number {
  const byFirst = length > LONGEST ? undefined : BY_LENGTH[length];
  if (byFirst === undefined) return lookalike(bytes, start, length);
  const candidates = byFirst[bytes[start]! | 0x20]!;
  for (let c = 0; c < candidates.length; c++) {
    const { id, bytes: name } = candidates[c]!;
    let i = 1;
    while (i < length && lower(bytes[start + i]!) === name[i]) i++;
    if (i === length) return id;
  }
  return lookalike(bytes, start, length);
}

const FRAMING_LETTERS = ['contentlength', 'transferencoding'].map((name) =>
  Uint8Array.from(name, (c) => c.charCodeAt(0)),
);

/** LOOKALIKE if only punctuation tells the name from a framing field's, else 0. */
function lookalike(bytes: Uint8Array, start: number, length: number): number {
  if (length < 13) return 0;
  for (const letters of FRAMING_LETTERS) {
    let matched = 0;
    let i = 0;
    for (; i < length; i++) {
      const byte = lower(bytes[start + i]!);
      if (matched < letters.length && byte === letters[matched]) matched++;
      else if ((byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39)) break;
    }
    if (i === length && matched === letters.length) return LOOKALIKE;
  }
  return 0;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
}
