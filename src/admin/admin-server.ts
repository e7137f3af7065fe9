import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostPort } from '../model/config.ts';
import type { Logger } from '../platform/logger.ts';
import { startGuardedServer } from './guarded-server.ts';
import { answerPlain, answerProblem } from './problem.ts';
import { parseTarget } from './target.ts';
import { writePieces } from './write-pieces.ts';

const MAX_HEADER_BYTES = 16 * 1024;

export interface Condition {
  readonly ok: boolean;
  /** Shown to whoever asks: why, in words. */
  readonly reason: string;
}

export interface AdminServerOptions {
  /** A host of `''` listens on every address. */
  readonly address: HostPort;
  livez(): Condition;
  readyz(): Condition;
  /** The exposition (Prometheus text format 0.0.4), whole or in parts. */
  metrics(): Promise<string> | AsyncIterable<string>;
  readonly logger: Logger;
}

export interface AdminServer {
  readonly address: HostPort;
  close(): Promise<void>;
}

/**
 * Probes and metrics for the kubelet and Prometheus (SPEC 4). Nothing here changes anything.
 * @throws Error that names the address and `admin.address` where it cannot be bound
 */
export function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { address, logger } = options;
  return startGuardedServer(
    { address, key: 'admin.address', maxHeaderBytes: MAX_HEADER_BYTES, logger },
    (request, response) => answer(options, request, response),
  );
}

async function answer(
  options: AdminServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const target = parseTarget(request.url ?? '');
  if (target === null) {
    answerProblem(response, 400, 'the target is not a path');
    return;
  }
  const route = ROUTES.get(target.path);
  if (route === undefined) {
    answerProblem(response, 404, 'served here are /livez, /readyz and /metrics');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    answerProblem(response, 405, `${target.path} is only read`, { Allow: 'GET, HEAD' });
    return;
  }
  await route(options, response, request.method === 'HEAD');
}

type Route = (options: AdminServerOptions, response: ServerResponse, head: boolean) => void | Promise<void>;

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/livez', ({ livez }, response) => answerCondition(response, livez())],
  ['/readyz', ({ readyz }, response) => answerCondition(response, readyz())],
  ['/metrics', answerMetrics],
]);

function answerCondition(response: ServerResponse, { ok, reason }: Condition): void {
  answerPlain(response, ok ? 200 : 503, `${reason === '' && ok ? 'ok' : reason}\n`);
}

async function answerMetrics(
  options: AdminServerOptions,
  response: ServerResponse,
  head: boolean,
): Promise<void> {
  const type = 'text/plain; version=0.0.4; charset=utf-8';
  const rendered = options.metrics();
  // Awaited before the status is sent, so that a failure is a 500 and not half an exposition.
  const parts = 'then' in rendered ? [await rendered] : rendered;
  response.writeHead(200, { 'Content-Type': type });
  if (head) response.end();
  else await writePieces(response, parts);
}
