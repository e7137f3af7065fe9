import type { Socket } from 'node:net';
import type { Failure } from '../../model/failure.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { problemAnswer } from './problem.ts';

/** An answer to a request that has no exchange: a refusal, or (`failure: null`) this hop's own answer to OPTIONS. */
export type OwnAnswer =
  | { readonly failure: null }
  | { readonly failure: Failure; readonly detail: string; readonly status?: number; readonly rule?: string };

/**
 * Writes it and counts it.
 * @param keep whether the connection may serve another request
 * @returns whether it will
 */
export function writeOwnAnswer(
  socket: Socket,
  metrics: Metrics,
  own: OwnAnswer,
  isHead: boolean,
  keep: boolean,
): boolean {
  if (own.failure === null) {
    socket.write(optionsAnswer(!keep), 'latin1');
    return keep;
  }
  const { failure, detail, status, rule = '' } = own;
  const isKept = keep && failure !== 'draining';
  metrics.requestFailures.with(rule, failure).value++;
  const answer = problemAnswer({ failure, detail, rule, backend: '', sent: false, status }, !isKept, isHead);
  metrics.requests.with(rule, '', answer.slice(9, 12)).value++;
  socket.write(answer, 'latin1');
  return isKept;
}

/** What OPTIONS with `Max-Forwards: 0` gets (RFC 9110 section 7.6.2). */
function optionsAnswer(close: boolean): string {
  const allow = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
  return `HTTP/1.1 200 OK\r\nAllow: ${allow}\r\nContent-Length: 0\r\n${close ? 'Connection: close\r\n' : ''}\r\n`;
}
