import type { PodRequest } from './request-parser.ts';

/** The body that a client can check: who, what, and padding made of the request's own id. */
export function answerBody(id: string, value: string | null, pod: string, paddingBytes: number): Buffer {
  const line = `${JSON.stringify({ id, value, pod, paddingBytes })}\n`;
  return Buffer.concat([Buffer.from(line), Buffer.alloc(paddingBytes, id)]);
}

/** A whole answer as it goes over the wire. */
export function answerOf(request: PodRequest, value: string | null, pod: string): Buffer {
  const body = answerBody(request.id, value, pod, request.answerBytes);
  switch (request.answerForm) {
    case 'length':
      return Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nX-Pod: ${pod}\r\nContent-Length: ${body.length}\r\n\r\n`),
        body,
      ]);
    case 'close':
      return Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nX-Pod: ${pod}\r\nConnection: close\r\n\r\n`),
        body,
      ]);
    case 'chunked': {
      const half = Math.ceil(body.length / 2);
      const parts: Buffer[] = [
        Buffer.from(`HTTP/1.1 200 OK\r\nX-Pod: ${pod}\r\nTransfer-Encoding: chunked\r\n\r\n`),
      ];
      for (const part of [body.subarray(0, half), body.subarray(half)])
        if (part.length > 0)
          parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
      parts.push(Buffer.from('0\r\n\r\n'));
      return Buffer.concat(parts);
    }
  }
}
