import { type ServerResponse, STATUS_CODES } from 'node:http';

/** A problem document (RFC 9457) of the admin and debug servers. */
export function problemText(status: number, detail: string): string {
  return `${JSON.stringify({ title: STATUS_CODES[status], status, detail })}\n`;
}

export function answerProblem(
  response: ServerResponse,
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  answerText(response, status, 'application/problem+json', problemText(status, detail), headers);
}

export function answerJson(response: ServerResponse, status: number, value: object): void {
  answerText(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`);
}

export function answerPlain(response: ServerResponse, status: number, text: string): void {
  answerText(response, status, 'text/plain; charset=utf-8', text);
}

function answerText(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = Buffer.from(text, 'utf8');
  response.writeHead(status, { ...headers, 'Content-Type': type, 'Content-Length': body.length });
  response.end(body);
}
