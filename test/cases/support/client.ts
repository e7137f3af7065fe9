import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { loopNowMs } from '../../helpers/waiting.ts';

/** What a client saw of one request. */
export interface Seen {
  /** 0: no answer, or no whole one. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly error: string | null;
  readonly sentMs: number;
  readonly doneMs: number;
  /** From sending to the end by loopNowMs(), for upper bounds. */
  readonly tookLoopMs: number;
  /** `X-Headroute-Failure`, or ''. */
  readonly failure: string;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** Sends one request, each on a connection of its own unless an agent is given. Never rejects. */
export function ask(
  port: number,
  path: string,
  { method = 'GET', headers = {}, body, agent }: Ask = {},
): Promise<Seen> {
  const sentMs = performance.now();
  const sentLoopMs = loopNowMs();
  return new Promise((resolve) => {
    const settle = (part: Partial<Seen>): void =>
      resolve({
        status: 0,
        headers: {},
        body: '',
        error: null,
        failure: String(part.headers?.['x-headroute-failure'] ?? ''),
        ...part,
        sentMs,
        doneMs: performance.now(),
        tookLoopMs: loopNowMs() - sentLoopMs,
      });
    const outgoing = httpRequest(
      { host: '127.0.0.1', port, path, method, headers, agent: agent ?? false },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', (error) => settle({ error: error.message }));
        response.on('end', () =>
          settle({
            status: response.statusCode!,
            headers: response.headers,
            body: Buffer.concat(parts).toString('utf8'),
          }),
        );
      },
    );
    outgoing.on('error', (error) => settle({ error: error.message }));
    outgoing.end(body);
  });
}

export function keepAliveAgent(sockets = 8): Agent {
  return new Agent({ keepAlive: true, maxSockets: sockets });
}
