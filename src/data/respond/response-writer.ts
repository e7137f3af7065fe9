import { SP } from '../http1/bytes.ts';
import * as names from '../http1/field-names.ts';
import type { ResponseHead } from '../http1/response-head.ts';

export interface AnswerOptions {
  /** Minor version of the client. */
  readonly clientMinor: number;
  /** The connection closes after this answer. */
  readonly close: boolean;
  /** The body goes on in chunks (HTTP/1.1 clients only). */
  readonly chunked: boolean;
  /** A 101: the upgrade's own fields stay. */
  readonly switching: boolean;
  /** Further lines, each with its CRLF. */
  readonly extra: string;
}

const bits = (...ids: number[]): number => ids.reduce((mask, id) => mask | (1 << id), 0);

const HOP_BY_HOP = bits(
  names.CONNECTION,
  names.KEEP_ALIVE,
  names.PROXY_CONNECTION,
  names.TE,
  names.UPGRADE,
  names.HTTP2_SETTINGS,
);
const ATTENTION = HOP_BY_HOP | bits(names.TRANSFER_ENCODING, names.TRAILER);
/** Where the status ends, in the status line. */
const STATUS_END = 12;

/** The answer's head as it goes to the client. The one place that writes line ends of a Pod's answer. */
export function writeResponseHead(head: ResponseHead, options: AnswerOptions): string {
  const { fields, text } = head;
  const own = connectionLines(head, options) + options.extra;
  const plainLine = head.minor === 1 && text.charCodeAt(STATUS_END) === SP;
  if (
    (fields.seen & ATTENTION) === 0 &&
    fields.canonical &&
    plainLine &&
    head.connection.nominated === null &&
    !(head.contentLength >= 0 && hasNoFraming(head.status))
  )
    return `${text.slice(0, fields.blankStart)}${own}\r\n`;
  let out = plainLine ? '' : statusLine(head);
  let from = plainLine ? 0 : head.fieldsStart;
  for (let i = 0; i < fields.count; i++) {
    const line = lineFor(head, i, options);
    if (line === null) continue;
    out += text.slice(from, fields.offsets[i * 4]!) + line;
    from = fields.lineEnd(i);
  }
  return `${out}${text.slice(from, fields.blankStart)}${own}\r\n`;
}

/** The space before a reason phrase stands also where there is none (RFC 9112 section 4). */
function statusLine({ text, fieldsStart }: ResponseHead): string {
  const reason = text.slice(STATUS_END, fieldsStart);
  return `HTTP/1.1${text.slice(8, STATUS_END)}${reason.charCodeAt(0) === SP ? '' : ' '}${reason}`;
}

/** Answers that must carry neither Content-Length nor Transfer-Encoding (RFC 9110 section 8.6, RFC 9112 section 6.1). */
function hasNoFraming(status: number): boolean {
  return status < 200 || status === 204;
}

/** 426 must say which protocol it wants (RFC 9110 section 15.5.22); a 101 which one it is. */
function keepsUpgrade(head: ResponseHead, options: AnswerOptions): boolean {
  return options.switching || (head.status === 426 && head.fields.has(names.UPGRADE));
}

/** What stands for field `i`: null to keep its line, `''` to leave it out, else another line. */
function lineFor(head: ResponseHead, i: number, options: AnswerOptions): string | null {
  const { fields, text, connection } = head;
  const id = fields.ids[i]!;
  const at = i * 4;
  if (id !== 0) {
    if (id === names.UPGRADE && keepsUpgrade(head, options)) return null;
    if (((1 << id) & HOP_BY_HOP) !== 0) return '';
    const isFraming = id === names.TRANSFER_ENCODING || id === names.CONTENT_LENGTH;
    if (isFraming && hasNoFraming(head.status)) return '';
    if (id === names.TRANSFER_ENCODING) return options.chunked ? 'Transfer-Encoding: chunked\r\n' : '';
    if (id === names.TRAILER && !options.chunked) return '';
  }
  const name =
    connection.nominated === null
      ? ''
      : text.slice(fields.offsets[at]!, fields.offsets[at + 1]!).toLowerCase();
  if (name !== '' && connection.nominated!.has(name)) return '';
  if (fields.canonical) return null;
  return `${text.slice(fields.offsets[at]!, fields.offsets[at + 1]!)}: ${head.value(i)}\r\n`;
}

/** Upgrade never goes without the option that confines it to this hop (RFC 9110 section 7.8). */
function connectionLines(head: ResponseHead, options: AnswerOptions): string {
  const { close, clientMinor } = options;
  if (keepsUpgrade(head, options)) {
    const first = close ? 'close, ' : clientMinor === 0 ? 'keep-alive, ' : '';
    return `Connection: ${first}Upgrade\r\n`;
  }
  if (close) return 'Connection: close\r\n';
  return clientMinor === 0 ? 'Connection: keep-alive\r\n' : '';
}
