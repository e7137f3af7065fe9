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

/** The answer's head as it goes to the client. The one place that writes line ends of a Pod's answer. */
export function writeResponseHead(head: ResponseHead, options: AnswerOptions): string {
  const { fields, text } = head;
  const own = connectionLines(options) + options.extra;
  if (
    (fields.seen & ATTENTION) === 0 &&
    fields.canonical &&
    head.minor === 1 &&
    head.connection.nominated === null &&
    !(head.status === 204 && head.contentLength >= 0)
  )
    return `${text.slice(0, fields.blankStart)}${own}\r\n`;
  let out = head.minor === 1 ? '' : `HTTP/1.1${text.slice(8, head.fieldsStart)}`;
  let from = head.minor === 1 ? 0 : head.fieldsStart;
  for (let i = 0; i < fields.count; i++) {
    const line = lineFor(head, i, options);
    if (line === null) continue;
    out += text.slice(from, fields.offsets[i * 4]!) + line;
    from = fields.lineEnd(i);
  }
  return `${out}${text.slice(from, fields.blankStart)}${own}\r\n`;
}

/** What stands for field `i`: null to keep its line, `''` to leave it out, else another line. */
function lineFor(head: ResponseHead, i: number, options: AnswerOptions): string | null {
  const { fields, text, connection } = head;
  const id = fields.ids[i]!;
  const at = i * 4;
  if (id !== 0) {
    // 426 must say which protocol it wants (RFC 9110 section 15.5.22); a 101 which one it is.
    if (id === names.UPGRADE && (options.switching || head.status === 426)) return null;
    if (((1 << id) & HOP_BY_HOP) !== 0) return '';
    if (id === names.TRANSFER_ENCODING) return options.chunked ? 'Transfer-Encoding: chunked\r\n' : '';
    if (id === names.TRAILER && !options.chunked) return '';
    if (id === names.CONTENT_LENGTH && head.status === 204) return '';
  }
  const name =
    connection.nominated === null
      ? ''
      : text.slice(fields.offsets[at]!, fields.offsets[at + 1]!).toLowerCase();
  if (name !== '' && connection.nominated!.has(name)) return '';
  if (fields.canonical) return null;
  return `${text.slice(fields.offsets[at]!, fields.offsets[at + 1]!)}: ${head.value(i)}\r\n`;
}

function connectionLines(options: AnswerOptions): string {
  if (options.switching) return 'Connection: Upgrade\r\n';
  if (options.close) return 'Connection: close\r\n';
  return options.clientMinor === 0 ? 'Connection: keep-alive\r\n' : '';
}
