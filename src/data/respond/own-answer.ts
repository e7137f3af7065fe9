import type { Socket } from 'node:net';
import type { Failure } from '../../model/failure.ts';
import type { AccessLog, AccessRecord } from '../../observe/access-log.ts';
import type { Metrics } from '../../observe/metrics.ts';
import { detailOf, requestFields } from '../request-fields.ts';
import type { RequestView } from '../request-view.ts';
import { problemAnswer } from './problem.ts';

/** An answer to a request that has no exchange: a refusal, or (`failure: null`) this hop's own answer to OPTIONS. */
export type OwnAnswer =
  | { readonly failure: null; readonly sent?: boolean }
  | {
      readonly failure: Failure;
      readonly detail: string;
      readonly status?: number;
      readonly rule?: string;
      /** Whether a byte of the request went to a Pod; default: none did. */
      readonly sent?: boolean;
    };

/** What this hop says that it serves: to OPTIONS, and to CONNECT and TRACE where it refuses them. */
const SERVED = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** Whom an answer without an exchange goes to. */
export interface OwnClient {
  readonly socket: Socket;
  /** Its address and port. */
  readonly address: string;
  /** So many bytes were written to it. */
  wrote(bytes: number): void;
}

/**
 * Writes it, counts it and logs it.
 * @param listener its name
 * @param request null where the head could not be read
 * @param keep whether the connection may serve another request
 * @returns whether it will
 */
export function writeOwnAnswer(
  client: OwnClient,
  listener: string,
  { metrics, accessLog }: { readonly metrics: Metrics; readonly accessLog: AccessLog },
  request: RequestView | null,
  own: OwnAnswer,
  keep: boolean,
): boolean {
  const { failure } = own;
  const rule = failure === null ? '' : (own.rule ?? '');
  const isKept = keep && failure !== 'draining';
  const answer =
    failure === null
      ? optionsAnswer(!isKept)
      : problemAnswer(
          {
            failure,
            detail: own.detail,
            rule,
            backend: '',
            sent: own.sent ?? false,
            status: own.status,
            allow: SERVED,
          },
          !isKept,
          request?.method === 'HEAD',
        );
  const status = answer.slice(9, 12);
  if (failure !== null) metrics.requestFailures.with(rule, failure).value++;
  metrics.requests.with(rule, '', status).value++;
  client.socket.write(answer, 'latin1');
  client.wrote(answer.length);
  if (accessLog.wants(failure !== null))
    accessLog.request({
      ...ownRecord(listener, client.address, request),
      rule: rule === '' ? null : rule,
      status: Number(status),
      failure,
      detail: own.failure === null ? null : detailOf(own.failure, own.detail),
      sent: own.sent ?? false,
      bytesSent: answer.length,
    });
  return isKept;
}

type Said = 'status' | 'failure' | 'detail' | 'bytesSent';

/** The line of a request that is answered without an exchange, but for the answer. @param request null where there is no head */
export function ownRecord(
  listener: string,
  client: string,
  request: RequestView | null,
): Omit<AccessRecord, Said> {
  return {
    listener,
    client,
    ...requestFields(request),
    rule: null,
    backend: null,
    pod: null,
    pods: null,
    sent: false,
    attempts: 0,
    heldMs: 0,
    firstByteMs: 0,
    durationMs: 0,
    bytesReceived: 0,
  };
}

/** What OPTIONS with `Max-Forwards: 0` gets (RFC 9110 section 7.6.2). */
function optionsAnswer(close: boolean): string {
  return `HTTP/1.1 200 OK\r\nAllow: ${SERVED}\r\nContent-Length: 0\r\n${close ? 'Connection: close\r\n' : ''}\r\n`;
}
