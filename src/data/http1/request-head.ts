import type { RequestMessage } from '../stream/message.ts';
import { hostOf } from './authority.ts';
import { CR, LF, SP, TARGET_CHAR, TCHAR } from './bytes.ts';
import { type ConnectionOptions, connectionOptions } from './connection-options.ts';
import { FieldBlock, NEED_MORE, TOO_MANY_FIELDS } from './field-block.ts';
import * as names from './field-names.ts';
import { readContentLength, readTransferEncoding } from './framing-fields.ts';

/** Why a head is refused: a failure of SPEC 3 and what is wrong, in words. `status` where it is not the failure's own. */
export interface HeadError {
  readonly failure: 'bad_request' | 'head_too_large' | 'target_too_long';
  readonly detail: string;
  readonly status?: number;
}

export interface HeadLimits {
  readonly headBytes: number;
  readonly headers: number;
}

/** Longer than any method that there is (IANA's longest has 17 letters), so that nothing here can have implemented it. */
const MAX_METHOD_BYTES = 64;

/** Strings for the usual methods, so that none is made per request. */
const METHODS = new Map<number, string>();
for (const method of ['GET', 'PUT', 'POST', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'])
  METHODS.set(method.charCodeAt(0) | (method.charCodeAt(1) << 8) | (method.length << 16), method);

/**
 * A request head: parsed once from bytes into offsets and the facts that routing and framing need (RFC 9112 sections 3, 5,
 * 6). Used again for the next request of the same connection; what outlives it are only strings.
 */
export class RequestHead implements RequestMessage {
  readonly fields = new FieldBlock();
  /** The whole head up to and with the empty line, as a byte string. */
  text = '';
  method = '';
  /** Offsets of the target in `text`. */
  targetStart = 0;
  targetEnd = 0;
  /** 1 for HTTP/1.1, 0 for HTTP/1.0. */
  minor = 1;
  /** Bytes of the body, or -1 without Content-Length. */
  contentLength = -1;
  chunked = false;
  /** The target in origin-form (or `*`). */
  target = '';
  /** The authority of an absolute-form target, which replaces Host; null for the other forms. */
  authority: string | null = null;
  /** Host as it was written; `''` where HTTP/1.0 has none. */
  hostField = '';
  /** Lower-case host without port. */
  host = '';
  connection: ConnectionOptions = { close: false, keepAlive: false, upgrade: false, nominated: null };
  error: HeadError | null = null;

  /** No value of a field is this. */
  #checkedHostField = '\n';
  #checkedHost = '';
  #phase: 'line' | 'fields' = 'line';
  /** How far the request line was searched for its end. */
  #searched = 0;
  /** Where the target begins, once the method has ended (relative to the head). */
  #lineTarget = 0;

  begin(): void {
    this.#phase = 'line';
    this.#searched = 0;
    this.#lineTarget = 0;
    this.error = null;
  }

  /** Whether any byte of this head was looked at. */
  get started(): boolean {
    return this.#searched > 0 || this.#phase !== 'line';
  }

  /**
   * Parses what is there of a head that begins at `base`; called again with more bytes, it goes on where it stopped.
   * @returns the index after the head; 0: more bytes are needed; -1: refused, see `error`
   */
  parse(bytes: Buffer, base: number, end: number, limits: HeadLimits): number {
    if (this.#phase === 'line') {
      const next = this.#parseLine(bytes, base, end, limits);
      if (next <= 0) return next;
      this.#phase = 'fields';
      this.fields.begin(next - base);
    }
    const next = this.fields.parse(bytes, base, end, limits.headers);
    if (next > 0) {
      if (next - base > limits.headBytes)
        return this.#refuse('head_too_large', `the head is over ${limits.headBytes} bytes`);
      this.text = bytes.toString('latin1', base, next);
      return this.#judge() ? next : -1;
    }
    if (next === TOO_MANY_FIELDS)
      return this.#refuse('head_too_large', `the head has more than ${limits.headers} fields`);
    if (next !== NEED_MORE) return this.#refuse('bad_request', `the head holds ${this.fields.error}`);
    if (end - base > limits.headBytes)
      return this.#refuse('head_too_large', `the head is over ${limits.headBytes} bytes`);
    return 0;
  }

  get path(): string {
    const query = this.target.indexOf('?');
    return query < 0 ? this.target : this.target.slice(0, query);
  }

  get query(): string {
    const query = this.target.indexOf('?');
    return query < 0 ? '' : this.target.slice(query + 1);
  }

  header(name: string): string | undefined {
    const { fields, text } = this;
    let joined: string | undefined;
    for (let i = 0; i < fields.count; i++) {
      const start = fields.offsets[i * 4]!;
      const end = fields.offsets[i * 4 + 1]!;
      if (end - start !== name.length || text.slice(start, end).toLowerCase() !== name) continue;
      joined =
        joined === undefined ? this.value(i) : joined + (name === 'cookie' ? '; ' : ', ') + this.value(i);
    }
    return joined;
  }

  get announcesBody(): boolean {
    return this.chunked || this.contentLength >= 0;
  }

  /** HTTP/1.0 knows no 100 (RFC 9110 section 10.1.1). */
  get expectsContinue(): boolean {
    return this.minor === 1 && this.fields.has(names.EXPECT);
  }

  get via(): readonly string[] | null {
    const { fields } = this;
    if (!fields.has(names.VIA)) return null;
    const lines: string[] = [];
    for (let i = 0; i < fields.count; i++) if (fields.ids[i] === names.VIA) lines.push(this.value(i));
    return lines;
  }

  /** Value of field `i`. */
  value(i: number): string {
    return this.text.slice(this.fields.offsets[i * 4 + 2]!, this.fields.offsets[i * 4 + 3]!);
  }

  #parseLine(bytes: Buffer, base: number, end: number, limits: HeadLimits): number {
    let i = base + this.#lineTarget;
    if (this.#lineTarget === 0) {
      const limit = Math.min(end, base + MAX_METHOD_BYTES + 1);
      while (i < limit && TCHAR[bytes[i]!] === 1) i++;
      // RFC 9112 section 3.
      if (i - base > MAX_METHOD_BYTES)
        return this.#refuse('bad_request', `the method is over ${MAX_METHOD_BYTES} bytes`, 501);
      if (i >= end) {
        this.#searched = i - base;
        return 0;
      }
      if (bytes[i] !== SP || i === base)
        return this.#refuse('bad_request', 'the request line has no valid method');
      this.#lineTarget = i + 1 - base;
      i++;
    }
    const targetStart = base + this.#lineTarget;
    i = Math.max(i, base + this.#searched);
    while (i < end && TARGET_CHAR[bytes[i]!] === 1) i++;
    this.#searched = i - base;
    if (i - targetStart > limits.headBytes)
      return this.#refuse('target_too_long', `the target is over ${limits.headBytes} bytes`);
    if (i >= end) return 0;
    if (bytes[i] !== SP || i === targetStart)
      return this.#refuse('bad_request', 'the request line has no valid target');
    // `HTTP/1.x` CR LF
    const known = Math.min(end - i - 1, 10);
    const minor = bytes[i + 8]! - 0x30;
    for (let k = 0; k < known; k++) {
      const byte = bytes[i + 1 + k];
      const good = k === 7 ? byte === 0x30 || byte === 0x31 : byte === VERSION_LINE[k];
      if (!good) return this.#refuse('bad_request', 'the request line does not end in HTTP/1.1 or HTTP/1.0');
    }
    if (known < 10) return 0;
    this.minor = minor;
    this.targetStart = targetStart - base;
    this.targetEnd = i - base;
    const length = targetStart - 1 - base;
    const usual = METHODS.get(bytes[base]! | (bytes[base + 1]! << 8) | (length << 16));
    this.method =
      usual !== undefined && sameBytes(bytes, base, usual)
        ? usual
        : bytes.toString('latin1', base, base + length);
    return i + 11;
  }

  /** Checks what the head means as a whole, and keeps the facts. */
  #judge(): boolean {
    const { fields, text } = this;
    this.target = text.slice(this.targetStart, this.targetEnd);
    if (fields.has(names.LOOKALIKE))
      return this.#bad('a field that is Content-Length or Transfer-Encoding but for punctuation');
    const contentLength = readContentLength(text, fields);
    if (typeof contentLength === 'string') return this.#bad(contentLength);
    const chunked = readTransferEncoding(text, fields);
    if (typeof chunked === 'string') return this.#bad(chunked);
    if (chunked && contentLength >= 0) return this.#bad('Content-Length beside Transfer-Encoding');
    if (chunked && this.minor === 0) return this.#bad('Transfer-Encoding in HTTP/1.0');
    this.contentLength = contentLength;
    this.chunked = chunked;
    this.connection = connectionOptions(text, fields);
    return this.#judgeHost() && this.#judgeTarget() && this.#judgeExpect();
  }

  #judgeHost(): boolean {
    const { fields } = this;
    const first = fields.find(names.HOST);
    this.hostField = '';
    this.host = '';
    if (first < 0) return this.minor === 0 || this.#bad('no Host');
    if (fields.countOf(names.HOST) > 1) return this.#bad('more than one Host');
    const hostField = this.value(first);
    this.hostField = hostField;
    // Mostly the same client says the same again.
    if (hostField === this.#checkedHostField) {
      this.host = this.#checkedHost;
      return true;
    }
    const host = hostOf(hostField);
    if (host === null) return this.#bad('a Host that is not a host with an optional port');
    this.host = host;
    this.#checkedHostField = hostField;
    this.#checkedHost = host;
    return true;
  }

  /** Origin-form, absolute-form, or `*` with OPTIONS (RFC 9112 section 3.2). CONNECT is answered by its method alone. */
  #judgeTarget(): boolean {
    const { target } = this;
    this.authority = null;
    if (target.charCodeAt(0) === 0x2f || this.method === 'CONNECT') return true;
    if (target === '*')
      return this.method === 'OPTIONS' || this.#bad('the target * with another method than OPTIONS');
    const absolute = /^https?:\/\/([^/?]*)(.*)$/is.exec(target);
    if (absolute === null) return this.#bad('a target that is neither a path nor an http URL');
    const host = hostOf(absolute[1]!);
    if (host === null) return this.#bad('a target whose authority is not a host with an optional port');
    this.authority = absolute[1]!;
    this.host = host;
    const rest = absolute[2]!;
    this.target =
      rest.charCodeAt(0) === 0x2f ? rest : this.method === 'OPTIONS' && rest === '' ? '*' : `/${rest}`;
    return true;
  }

  /** HTTP/1.0 knows no 100 (RFC 9110 section 10.1.1); another expectation than 100-continue cannot be met. */
  #judgeExpect(): boolean {
    const { fields } = this;
    if (!fields.has(names.EXPECT) || this.minor === 0) return true;
    const i = fields.find(names.EXPECT);
    if (fields.countOf(names.EXPECT) === 1 && this.value(i).toLowerCase() === '100-continue') return true;
    this.error = {
      failure: 'bad_request',
      status: 417,
      detail: 'Expect asks for something else than 100-continue',
    };
    return false;
  }

  #bad(what: string): false {
    this.error = { failure: 'bad_request', detail: `the head holds ${what}` };
    return false;
  }

  #refuse(failure: HeadError['failure'], detail: string, status?: number): -1 {
    this.error = status === undefined ? { failure, detail } : { failure, detail, status };
    return -1;
  }
}

const VERSION_LINE = Uint8Array.from([0x48, 0x54, 0x54, 0x50, 0x2f, 0x31, 0x2e, 0, CR, LF]);

function sameBytes(bytes: Buffer, at: number, text: string): boolean {
  for (let i = 2; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
