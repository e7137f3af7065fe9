/**
 * A strict reader of HTTP/1.1 messages, independent of src/data/http1: what the tap and the raw client judge by. It
 * accepts only canonical messages (RFC 9112 without its leniencies) and throws `WireError` on anything else.
 */
export class WireError extends Error {}

export interface Head {
  /** The first line without CRLF, latin1. */
  readonly line: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Bytes of the head, the empty line included. */
  readonly length: number;
}

export type Framing = 'none' | 'length' | 'chunked' | 'close';

export interface Message extends Head {
  readonly framing: Framing;
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
  /** Exactly the message's bytes. */
  readonly raw: Buffer;
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ (\/[\x21-\x7e]*|\*) HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.1 [1-9][0-9]{2} [\t\x20-\x7e\x80-\xff]*$/;

/** Values of a field, in order. */
export function values(head: Pick<Head, 'fields'>, name: string): string[] {
  return head.fields.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, v]) => v);
}

/** The names of all fields in order, in lower case. */
export function fieldNames(head: Pick<Head, 'fields'>): string[] {
  return head.fields.map(([name]) => name.toLowerCase());
}

/** The only value of a field, or undefined; several lines are an error. */
export function value(head: Pick<Head, 'fields'>, name: string): string | undefined {
  const all = values(head, name);
  if (all.length > 1) throw new WireError(`${name} ${all.length} times`);
  return all[0];
}

function fieldsOf(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    if (colon < 1 || !TOKEN.test(name)) throw new WireError(`field name of ${JSON.stringify(line)}`);
    const raw = line.slice(colon + 1);
    if (!VALUE.test(raw)) throw new WireError(`field value of ${JSON.stringify(line)}`);
    return [name, raw.replace(/^[ \t]+|[ \t]+$/g, '')];
  });
}

/** Reads a head at the front of `bytes`, or null while it is not whole. */
export function readHead(bytes: Buffer, kind: 'request' | 'response'): Head | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const lines = bytes.toString('latin1', 0, end).split('\r\n');
  const line = lines[0]!;
  if (!(kind === 'request' ? REQUEST_LINE : STATUS_LINE).test(line))
    throw new WireError(`${kind} line ${JSON.stringify(line.slice(0, 200))}`);
  const head: Head = { line, fields: fieldsOf(lines.slice(1)), length: end + 4 };
  checkFraming(head);
  if (kind === 'request' && values(head, 'host').length !== 1)
    throw new WireError(`${values(head, 'host').length} Host fields`);
  return head;
}

function checkFraming(head: Head): void {
  const te = values(head, 'transfer-encoding');
  const cl = values(head, 'content-length');
  if (te.length > 0 && cl.length > 0) throw new WireError('Content-Length beside Transfer-Encoding');
  if (te.length > 1 || (te.length === 1 && te[0] !== 'chunked'))
    throw new WireError(`Transfer-Encoding ${JSON.stringify(te)}`);
  if (cl.length > 1 || (cl.length === 1 && !/^[0-9]{1,15}$/.test(cl[0]!)))
    throw new WireError(`Content-Length ${JSON.stringify(cl)}`);
  for (const [name] of head.fields)
    if (/^(content_length|transfer_encoding)$/i.test(name)) throw new WireError(name);
}

/** The status of a response's head. */
export function statusOf(head: Head): number {
  return Number(head.line.slice(9, 12));
}

/** How a message is framed (RFC 9112 section 6.3). `method` is the request's, for a response. */
export function framingOf(head: Head, kind: 'request' | 'response', method: string): Framing {
  if (kind === 'response') {
    const status = statusOf(head);
    if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  }
  if (values(head, 'transfer-encoding').length > 0) return 'chunked';
  if (values(head, 'content-length').length > 0) return 'length';
  return kind === 'request' ? 'none' : 'close';
}

/** Reads a chunked body at `from`; null while it is not whole. */
export function readChunked(
  bytes: Buffer,
  from: number,
): { body: Buffer; trailers: [string, string][]; end: number } | null {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return null;
    const text = bytes.toString('latin1', at, lineEnd);
    if (!/^[0-9a-fA-F]{1,12}$/.test(text)) throw new WireError(`chunk size ${JSON.stringify(text)}`);
    const size = Number.parseInt(text, 16);
    at = lineEnd + 2;
    if (size === 0) {
      const trailersEnd = bytes.indexOf('\r\n', at) === at ? at - 2 : bytes.indexOf('\r\n\r\n', at);
      if (trailersEnd === -1) return null;
      const block = trailersEnd < at ? '' : bytes.toString('latin1', at, trailersEnd);
      const trailers = block === '' ? [] : fieldsOf(block.split('\r\n'));
      return { body: Buffer.concat(parts), trailers, end: trailersEnd + 4 };
    }
    if (bytes.length < at + size + 2) return null;
    parts.push(bytes.subarray(at, at + size));
    if (bytes.toString('latin1', at + size, at + size + 2) !== '\r\n') throw new WireError('chunk end');
    at += size + 2;
  }
}

/** Reads a whole message at the front; null while it is not whole. `ended`: the peer sent FIN. */
export function readMessage(
  bytes: Buffer,
  kind: 'request' | 'response',
  method = 'GET',
  ended = false,
): Message | null {
  const head = readHead(bytes, kind);
  if (head === null) return null;
  const framing = framingOf(head, kind, method);
  let body: Buffer = Buffer.alloc(0);
  let trailers: [string, string][] = [];
  let end = head.length;
  if (framing === 'length') {
    end += Number(value(head, 'content-length'));
    if (bytes.length < end) return null;
    body = bytes.subarray(head.length, end);
  } else if (framing === 'chunked') {
    const chunked = readChunked(bytes, head.length);
    if (chunked === null) return null;
    ({ body, trailers, end } = chunked);
  } else if (framing === 'close') {
    if (!ended) return null;
    end = bytes.length;
    body = bytes.subarray(head.length);
  }
  return { ...head, framing, body, trailers, raw: bytes.subarray(0, end) };
}

/** Method and target of a request's head. */
export function requestOf(head: Head): { method: string; target: string } {
  const [method, target] = head.line.split(' ');
  return { method: method!, target: target! };
}
