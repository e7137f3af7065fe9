import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { type Applied, CLIENT_TIMEOUT_MS, WriteFailed } from '../writes.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** One kept connection by plain node:http, which sends nothing twice. */
export class HttpConnection {
  readonly #host: string;
  readonly #port: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** @param address host:port */
  constructor(address: string) {
    [this.#host, this.#port] = address.split(':') as [string, string];
  }

  /** @throws where no whole answer came in time */
  ask(method: string, path: string, body = '', timeoutMs = CLIENT_TIMEOUT_MS): Promise<HttpAnswer> {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    return new Promise((resolve, reject) => {
      const sent = request({ host: this.#host, port: this.#port, agent: this.#agent, method, path, headers });
      const timer = setTimeout(() => sent.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
      sent.on('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          clearTimeout(timer);
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
        response.on('error', reject);
      });
      sent.on('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** What an answer that is no acknowledgement says of the write. */
export function failure({ status, headers, body }: HttpAnswer): WriteFailed {
  const sent = headers['x-headroute-sent'];
  const own = headers['x-headroute-failure'];
  if (own !== undefined) return new WriteFailed(sent === 'false' ? 'no' : 'unknown', `${status} ${own}`);
  return new WriteFailed(NOT_APPLIED[status] ?? 'unknown', `${status} ${firstLine(body)}`);
}

/** 421: the node does not lead. 503: a node that refused it, or HAProxy that reached nobody. */
const NOT_APPLIED: Readonly<Record<number, Applied>> = { 421: 'no', 503: 'no' };

/** HAProxy's own answers are small pages. */
const firstLine = (body: string): string =>
  body
    .replace(/<[^>]*>/g, ' ')
    .trim()
    .split('\n')[0]!
    .slice(0, 60);
