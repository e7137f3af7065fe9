import { STATUS_CODES } from 'node:http';
import type { ComposedHead } from '../stream/message.ts';

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

/** Whether an answer has no body, whatever its fields say (RFC 9110 sections 15.3.5 and 15.4.5). */
function isBodiless(status: number): boolean {
  return status === 204 || status === 304;
}

/** The bytes of the head of an answer made here, as a byte string. @param length of its body */
export function composedHead(
  parts: ComposedHead,
  length: number,
  options: { isHead: boolean; close: boolean; clientMinor: number },
): string {
  const { status } = parts;
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  /** HEAD tells only what a Pod told: nobody knows the length of a body that was not asked for (RFC 9110 section 8.6). */
  let announced = options.isHead ? null : `${length}`;
  for (const [name, value] of parts.headers) {
    const lower = name.toLowerCase();
    if (lower === 'content-length' && options.isHead) announced = value;
    if (!OWN.has(lower)) head += `${name}: ${value}\r\n`;
  }
  if (!isBodiless(status) && announced !== null) head += `Content-Length: ${announced}\r\n`;
  if (options.close) head += 'Connection: close\r\n';
  else if (options.clientMinor === 0) head += 'Connection: keep-alive\r\n';
  return `${head}\r\n`;
}
