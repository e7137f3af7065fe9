import { STATUS_CODES } from 'node:http';

/** An answer that this process writes as a whole. Header values are byte strings. */
export interface ComposedParts {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Fields that belong to the connection or are worked out anew. */
const OWN = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'trailer',
  'te',
  'upgrade',
  'content-length',
]);

/** The bytes of an answer made here, as a byte string. */
export function composedAnswer(
  parts: ComposedParts,
  options: { isHead: boolean; close: boolean; clientMinor: number; extra: string },
): string {
  const { status, body } = parts;
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  /** HEAD tells only what a Pod told: nobody knows the length of a body that was not asked for (RFC 9110 section 8.6). */
  let announced = options.isHead ? null : `${body.length}`;
  for (const [name, value] of parts.headers) {
    const lower = name.toLowerCase();
    if (lower === 'content-length' && options.isHead) announced = value;
    if (!OWN.has(lower)) head += `${name}: ${value}\r\n`;
  }
  const bodiless = status === 204 || status === 304;
  if (!bodiless && announced !== null) head += `Content-Length: ${announced}\r\n`;
  if (options.close) head += 'Connection: close\r\n';
  else if (options.clientMinor === 0) head += 'Connection: keep-alive\r\n';
  return `${head}${options.extra}\r\n${options.isHead || bodiless ? '' : body.toString('latin1')}`;
}
