import type { Answer } from './case-pod.ts';

/** What a Pod may answer, to be assigned to `CasePod.answer`. */
export function status(code: number, headers: Record<string, string | string[]> = {}, body = ''): Answer {
  return (_request, response) => void response.writeHead(code, headers).end(body);
}

export function json(value: unknown, headers: Record<string, string> = {}): Answer {
  return status(200, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value));
}

/** Takes the request and never answers. */
export const hang: Answer = () => {};

/** Takes the whole request, then resets the connection. */
export const reset: Answer = (request) => void request.socket.resetAndDestroy();

/** Keeps every request until `open` is called. */
export function gate(): { answer: Answer; open(): void } {
  const waiting: (() => void)[] = [];
  let isOpen = false;
  return {
    answer(_request, response, entry) {
      const finish = (): void => void response.end(entry.pod);
      if (isOpen) finish();
      else waiting.push(finish);
    },
    open() {
      isOpen = true;
      for (const finish of waiting) finish();
    },
  };
}

export function slow(ms: number, then: Answer): Answer {
  return (request, response, entry) => void setTimeout(() => then(request, response, entry), ms);
}
