import type { ServerResponse } from 'node:http';
import { writePieces } from './write-pieces.ts';

/** What the debug server needs of the web page; it is loaded when somebody asks for it. */
export interface WebPage {
  readonly pageScript: string;
  readonly pageStyle: string;
  renderPage(input: {
    /** As `GET /state` says it. */
    readonly state: object;
    readonly query: string;
    readonly paths: readonly ListedPath[];
    explain(query: string): object;
  }): Iterable<string>;
}

/** A path of the debug server, as the page lists it. */
export interface ListedPath {
  readonly method: string;
  readonly path: string;
  readonly summary: string;
}

/**
 * What the page may do: load its own script and style, and ask its own server. Nothing inline, nobody else's, no frame around it; the
 * icon is a `data:` URL.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Writes a text of the page piece by piece. */
export function answerText(
  response: ServerResponse,
  type: 'html' | 'javascript' | 'css',
  parts: Iterable<string>,
): Promise<void> {
  response.setHeader('Content-Type', `text/${type}; charset=utf-8`);
  if (type === 'html') response.setHeader('Content-Security-Policy', PAGE_POLICY);
  return writePieces(response, parts);
}
