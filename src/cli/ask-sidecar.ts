import type { Explanation } from '../model/explanation.ts';
import type { State } from '../model/state.ts';

const TIMEOUT_MS = 5_000;

interface Question {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

/**
 * Asks a running sidecar's debug server (SPEC 4, `GET /explain`).
 * @param debug its URL, or host and port alone
 * @throws Error in words where it is not reached, refuses or is no debug server
 */
export async function askSidecar(debug: string, { method, url, headers }: Question): Promise<Explanation> {
  const ask = debugUrl(debug, '/explain');
  ask.searchParams.set('method', method);
  ask.searchParams.set('url', url);
  for (const [name, value] of headers) ask.searchParams.append('header', `${name}:${value}`);
  return (await answerOf(ask, ['rulesTried', 'outcome'])) as Explanation;
}

/** As `askSidecar`, for `GET /state`. */
export async function askState(debug: string): Promise<State> {
  return (await answerOf(debugUrl(debug, '/state'), ['problems', 'backends'])) as State;
}

/** @param members that the answer of a debug server has */
async function answerOf(ask: URL, members: readonly string[]): Promise<object> {
  let response: Response;
  let text: string;
  try {
    response = await fetch(ask, { signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' });
    text = await response.text();
  } catch (error) {
    throw new Error(`no sidecar answers at ${ask.origin}: ${reasonOf(error)}; is it the debug.address?`);
  }
  const answer = parsed(text);
  if (response.status !== 200)
    throw new Error(
      `${ask.origin} answered ${response.status}: ${detailOf(answer) ?? 'is it the debug.address?'}`,
    );
  if (typeof answer !== 'object' || answer === null || !members.every((member) => member in answer))
    throw new Error(`${ask.origin} is no debug server of headroute`);
  return answer;
}

function debugUrl(debug: string, path: string): URL {
  const url = tryUrl(debug);
  if (url === null || url.protocol !== 'http:')
    throw new Error(`--debug ${JSON.stringify(debug)} is no http URL, as in http://127.0.0.1:9181`);
  return new URL(path, url);
}

function tryUrl(text: string): URL | null {
  try {
    return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    return null;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`;
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function detailOf(answer: unknown): string | null {
  if (typeof answer !== 'object' || answer === null) return null;
  return 'detail' in answer && typeof answer.detail === 'string' ? answer.detail : null;
}
