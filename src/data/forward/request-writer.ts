import { acceptsTrailers } from '../http1/connection-options.ts';
import * as names from '../http1/field-names.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { traceIdOf } from '../trace-parent.ts';

/** What this hop adds to every request. */
export interface Hop {
  /** Address of the downstream peer. */
  readonly peer: string;
  /** The name in `Via`: this process's own. */
  readonly name: string;
}

export interface WriteOptions {
  /** The request asks for an upgrade that may be passed on: the protocol, else null. */
  readonly upgrade: string | null;
  /** Lower-case names of further fields to leave out; null: none. */
  readonly without: ReadonlySet<string> | null;
  /** Host for a request that came without (HTTP/1.0). */
  readonly fallbackHost: string;
}

const bits = (...ids: number[]): number => ids.reduce((mask, id) => mask | (1 << id), 0);

/** Fields that end at this hop (RFC 9110 section 7.6.1, and their relatives that are no standard). */
const HOP_BY_HOP = bits(
  names.CONNECTION,
  names.KEEP_ALIVE,
  names.PROXY_CONNECTION,
  names.PROXY_AUTHORIZATION,
  names.TE,
  names.UPGRADE,
  names.HTTP2_SETTINGS,
);
/** Fields that this hop appends to: written once, at the end. */
const APPENDED = bits(
  names.VIA,
  names.X_FORWARDED_FOR,
  names.X_FORWARDED_PROTO,
  names.X_FORWARDED_HOST,
  names.FORWARDED,
);
/** Fields that must be looked at before their line may be kept. */
const EXAMINED = bits(
  names.TRAILER,
  names.TRANSFER_ENCODING,
  names.TRACEPARENT,
  names.TRACESTATE,
  names.MAX_FORWARDS,
);
const ATTENTION = HOP_BY_HOP | APPENDED | EXAMINED;

/**
 * The head as it goes to a Pod: the client's lines kept as slices of the original, what ends here left out, the forwarded
 * fields appended. The one place that writes line ends of a request.
 */
export function writeRequestHead(head: RequestHead, hop: Hop, options: WriteOptions): string {
  const { fields, text } = head;
  const added = forwardedFields(head, hop);
  if (
    (fields.seen & ATTENTION) === 0 &&
    fields.canonical &&
    head.minor === 1 &&
    head.authority === null &&
    head.connection.nominated === null &&
    options.without === null
  )
    return `${text.slice(0, fields.blankStart)}${added}\r\n`;
  return `${keptLines(head, options)}${added}${hopFields(head, options)}\r\n`;
}

function keptLines(head: RequestHead, options: WriteOptions): string {
  const { fields, text, minor } = head;
  const plainLine = minor === 1 && head.authority === null;
  let out = plainLine ? '' : `${head.method} ${head.target} HTTP/1.1\r\n`;
  let from = plainLine ? 0 : fields.count > 0 ? fields.offsets[0]! : fields.blankStart;
  for (let i = 0; i < fields.count; i++) {
    const line = lineFor(head, i, options);
    if (line === null) continue;
    out += text.slice(from, fields.offsets[i * 4]!) + line;
    from = fields.lineEnd(i);
  }
  return out + text.slice(from, fields.blankStart);
}

/** What stands for field `i`: null to keep its line, `''` to leave it out, else another line. */
function lineFor(head: RequestHead, i: number, options: WriteOptions): string | null {
  const { fields, text, connection } = head;
  const id = fields.ids[i]!;
  const at = i * 4;
  if (id !== 0) {
    const bit = 1 << id;
    if ((bit & (HOP_BY_HOP | APPENDED)) !== 0) return '';
    if (id === names.TRANSFER_ENCODING) return 'Transfer-Encoding: chunked\r\n';
    if (id === names.HOST && head.authority !== null) return `Host: ${head.authority}\r\n`;
    if (id === names.EXPECT && head.minor === 0) return '';
    if (id === names.TRAILER && !head.chunked) return '';
    if (id === names.MAX_FORWARDS && isCounted(head.method))
      return `Max-Forwards: ${Number(head.value(i)) - 1}\r\n`;
    if ((id === names.TRACEPARENT || id === names.TRACESTATE) && !hasValidTrace(head)) return '';
  }
  if (connection.nominated !== null || options.without !== null) {
    const name = text.slice(fields.offsets[at]!, fields.offsets[at + 1]!).toLowerCase();
    if (connection.nominated?.has(name) || options.without?.has(name)) return '';
  }
  if (fields.canonical || isCanonical(head, i)) return null;
  return `${text.slice(fields.offsets[at]!, fields.offsets[at + 1]!)}: ${head.value(i)}\r\n`;
}

function isCanonical({ fields, text }: RequestHead, i: number): boolean {
  const at = i * 4;
  const gap = fields.offsets[at + 2]! - fields.offsets[at + 1]!;
  return (
    fields.offsets[at + 3]! + 2 === fields.lineEnd(i) &&
    (gap === 1 || (gap === 2 && text.charCodeAt(fields.offsets[at + 1]! + 1) === 0x20))
  );
}

/** The methods that Max-Forwards counts for (RFC 9110 section 7.6.2). */
function isCounted(method: string): boolean {
  return method === 'TRACE' || method === 'OPTIONS';
}

function forwardedFields(head: RequestHead, hop: Hop): string {
  const { fields } = head;
  const via = `1.${head.minor} ${hop.name}`;
  const host = head.authority ?? head.hostField;
  if ((fields.seen & APPENDED) === 0) {
    const hostLine = host === '' ? '' : `X-Forwarded-Host: ${host}\r\n`;
    return `X-Forwarded-For: ${hop.peer}\r\nX-Forwarded-Proto: http\r\n${hostLine}Via: ${via}\r\n`;
  }
  let out = `X-Forwarded-For: ${joined(head, names.X_FORWARDED_FOR, hop.peer)}\r\n`;
  out += `X-Forwarded-Proto: ${joined(head, names.X_FORWARDED_PROTO, 'http')}\r\n`;
  if (host !== '') out += `X-Forwarded-Host: ${joined(head, names.X_FORWARDED_HOST, host)}\r\n`;
  // Only where somebody before uses it (RFC 7239): left alone it would contradict X-Forwarded-For.
  if (fields.has(names.FORWARDED)) {
    const node = hop.peer.includes(':') ? `"[${hop.peer}]"` : hop.peer;
    out += `Forwarded: ${joined(head, names.FORWARDED, `for=${node};host="${host}";proto=http`)}\r\n`;
  }
  return `${out}Via: ${joined(head, names.VIA, via)}\r\n`;
}

/** All values of a field in their order, with ours behind. */
function joined(head: RequestHead, id: number, own: string): string {
  let out = '';
  if (head.fields.has(id))
    for (let i = 0; i < head.fields.count; i++) {
      if (head.fields.ids[i] !== id) continue;
      const value = head.value(i);
      if (value !== '' && !(id === names.FORWARDED && hasOpenQuote(value))) out += `${value}, `;
    }
  return out + own;
}

/** Whether a quoted string is left open: what is appended would be a part of it. */
function hasOpenQuote(value: string): boolean {
  let open = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === 0x22) open = !open;
    else if (code === 0x5c && open) i++;
  }
  return open;
}

/** The fields of this next hop itself. */
function hopFields(head: RequestHead, options: WriteOptions): string {
  const host = head.fields.has(names.HOST) ? '' : `Host: ${head.authority ?? options.fallbackHost}\r\n`;
  // An HTTP/1.0 client gets no chunks, so no trailers either.
  const trailers = head.minor === 1 && acceptsTrailers(head.text, head.fields);
  if (options.upgrade !== null)
    return `${host}Connection: Upgrade${trailers ? ', TE' : ''}\r\nUpgrade: ${options.upgrade}\r\n${trailers ? 'TE: trailers\r\n' : ''}`;
  return trailers ? `${host}Connection: TE\r\nTE: trailers\r\n` : host;
}

/** W3C Trace Context, section 3.2: one traceparent of a known form. */
function hasValidTrace(head: RequestHead): boolean {
  const i = head.fields.find(names.TRACEPARENT);
  if (i < 0 || head.fields.countOf(names.TRACEPARENT) > 1) return false;
  return traceIdOf(head.value(i)) !== null;
}
