import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostPort } from '../model/config.ts';
import type { Logger } from '../platform/logger.ts';
import { startGuardedServer } from './guarded-server.ts';
import { answerJsonInPieces } from './json-pieces.ts';
import { refusalOf } from './loopback-only.ts';
import { answerText, type ListedPath, type WebPage } from './page-routes.ts';
import { backendParameter, explainParameters, levelParameter, ParameterError } from './parameters.ts';
import { answerJson, answerProblem } from './problem.ts';
import { parseTarget } from './target.ts';

/** Room for an `explain` of a request whose own head is large. */
const MAX_HEADER_BYTES = 64 * 1024;

export interface DebugServerOptions {
  readonly address: HostPort;
  /** The page of `GET /`, with its script and style. */
  page(): Promise<WebPage>;
  state(): object;
  /** Throws a plain Error, in words, for a request that cannot be. */
  explain(method: string, url: string, headers: readonly (readonly [string, string])[]): object;
  /** With secrets already redacted (redact-config.ts). */
  config(): object;
  drain(): void;
  /** Rejects with an Error that says why it drains on. */
  undrain(): Promise<void>;
  /** Called once the answer is out. */
  quit(): void;
  /** @returns the term that was forgotten, or null; undefined: no such backend */
  forgetTerm(backend: string): string | null | undefined;
  /** @returns false for what is no level */
  setLogLevel(level: string): boolean;
  readonly logger: Logger;
}

export interface DebugServer {
  readonly address: HostPort;
  close(): Promise<void>;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly summary: string;
  answer(options: DebugServerOptions, response: ServerResponse, query: string): void | Promise<void>;
}

/**
 * State and control for people on this machine (SPEC 4). Every request is checked against DNS rebinding and, where it
 * changes something, against requests that another site's page makes a browser send.
 * @throws Error that names the address and `debug.address` where it cannot be bound
 */
export function startDebugServer(options: DebugServerOptions): Promise<DebugServer> {
  const { address, logger } = options;
  return startGuardedServer(
    { address, key: 'debug.address', maxHeaderBytes: MAX_HEADER_BYTES, logger },
    (request, response) => answer(options, request, response),
  );
}

async function answer(
  options: DebugServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  response.setHeader('Referrer-Policy', 'no-referrer');
  const target = parseTarget(request.url ?? '');
  const refusal = refusalOf(request, target?.authority ?? null);
  if (refusal !== null) {
    answerProblem(response, 403, refusal);
    return;
  }
  if (target === null) {
    answerProblem(response, 400, 'the target is not a path');
    return;
  }
  const route = ROUTES.get(target.path);
  if (route === undefined) {
    answerProblem(response, 404, 'no such path; GET / lists them');
    return;
  }
  const method = request.method === 'HEAD' ? 'GET' : request.method;
  if (method !== route.method) {
    answerProblem(response, 405, `${target.path} takes ${route.method}`, {
      Allow: route.method === 'GET' ? 'GET, HEAD' : 'POST',
    });
    return;
  }
  try {
    await route.answer(options, response, target.query);
  } catch (error) {
    if (!(error instanceof ParameterError)) throw error;
    answerProblem(response, 400, error.message);
  }
}

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  [
    '/',
    {
      method: 'GET',
      summary: 'this page: ?backend=NAME&pod=NAME shows one of them',
      async answer(options, response, query) {
        const { renderPage } = await options.page();
        const page = {
          state: options.state(),
          query,
          paths: listed(),
          explain: (ask: string) => explained(options, ask),
        };
        await answerText(response, 'html', renderPage(page));
      },
    },
  ],
  [
    '/page.js',
    {
      method: 'GET',
      summary: "the page's script",
      answer: async ({ page }, response) => answerText(response, 'javascript', [(await page()).pageScript]),
    },
  ],
  [
    '/page.css',
    {
      method: 'GET',
      summary: "the page's style",
      answer: async ({ page }, response) => answerText(response, 'css', [(await page()).pageStyle]),
    },
  ],
  [
    '/state',
    {
      method: 'GET',
      summary: 'every Pod as headroute sees it, and who leads',
      answer: ({ state }, response) => answerJsonInPieces(response, state()),
    },
  ],
  [
    '/explain',
    {
      method: 'GET',
      summary: 'which rule and Pod a request would take: ?method=GET&url=/path&header=Name:value',
      answer: (options, response, query) => answerJson(response, 200, explained(options, query)),
    },
  ],
  [
    '/config',
    {
      method: 'GET',
      summary: 'the running configuration, without secrets',
      answer: ({ config }, response) => answerJson(response, 200, config()),
    },
  ],
  [
    '/drain',
    {
      method: 'POST',
      summary: 'turn unready, refuse new requests and TCP connections; the process stays',
      answer({ drain, logger }, response) {
        logger.info({}, 'draining, as POST /drain asked');
        drain();
        answerJson(response, 200, { draining: true });
      },
    },
  ],
  [
    '/undrain',
    {
      method: 'POST',
      summary: 'take back /drain',
      answer({ undrain, logger }, response) {
        undrain().then(
          () => {
            logger.info({}, 'serving again, as POST /undrain asked');
            answerJson(response, 200, { draining: false });
          },
          (error: Error) => answerProblem(response, 503, error.message),
        );
      },
    },
  ],
  [
    '/quit',
    {
      method: 'POST',
      summary: 'shut down as on SIGTERM',
      answer({ quit, logger }, response) {
        logger.info({}, 'shutting down, as POST /quit asked');
        response.once('close', quit);
        response.setHeader('Connection', 'close');
        answerJson(response, 202, { quitting: true });
      },
    },
  ],
  [
    '/terms/forget',
    {
      method: 'POST',
      summary: 'let a Pod lead although a higher term was seen: ?backend=NAME',
      answer: forgetTerm,
    },
  ],
  ['/log', { method: 'POST', summary: 'change the log level: ?level=debug', answer: setLevel }],
]);

/** @throws ParameterError */
function explained(options: DebugServerOptions, query: string): object {
  const { method, url, headers } = explainParameters(query);
  try {
    return options.explain(method, url, headers);
  } catch (error) {
    // A plain Error is about the request described; anything else (a TypeError, say) is our own fault.
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new ParameterError(`parameter method, url or header: ${error.message}`);
  }
}

function forgetTerm(options: DebugServerOptions, response: ServerResponse, query: string): void {
  const backend = backendParameter(query);
  const term = options.forgetTerm(backend);
  if (term === undefined)
    throw new ParameterError(`parameter backend names no backend: ${JSON.stringify(backend.slice(0, 100))}`);
  answerJson(response, 200, { backend, forgotten: term });
}

function setLevel(
  { setLogLevel, logger }: DebugServerOptions,
  response: ServerResponse,
  query: string,
): void {
  const level = levelParameter(query);
  if (!setLogLevel(level))
    throw new ParameterError(`parameter level is no log level: ${JSON.stringify(level.slice(0, 50))}`);
  logger.info({ level }, 'log level changed, as POST /log asked');
  answerJson(response, 200, { level });
}

function listed(): ListedPath[] {
  return [...ROUTES].map(([path, { method, summary }]) => ({ method, path, summary }));
}
