import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { HostPort } from '../../../model/config.ts';
import { guarded } from '../../../platform/guard.ts';
import { localErrorOf } from '../../../platform/local-error.ts';
import { matchResponse, type Query, type Response } from './dns-query.ts';

/** What became of a query at one server. `unreachable`: the socket failed, e.g. ICMP port unreachable; `local_error`: there was none to be had. */
export type ExchangeOutcome =
  | Response
  | { readonly kind: 'unreachable' | 'local_error'; readonly detail: string };

/** Errors of Node's that people meet, in words. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
};

/** What an error of a query's socket says. */
export function socketFailed(error: NodeJS.ErrnoException): ExchangeOutcome {
  const local = localErrorOf(error.code);
  return local === null
    ? { kind: 'unreachable', detail: WORDS[error.code ?? ''] ?? error.message }
    : { kind: 'local_error', detail: `no query could be sent: ${local}` };
}

/**
 * Sends a query from a socket of its own, on a random port (RFC 5452 section 4.5; one socket for A and AAAA loses
 * answers behind some NATs, case N6). The socket is connected: the kernel drops datagrams from elsewhere (D16) and
 * reports a closed port at once. Waits without limit until an answer fits; the function returned stops it.
 */
export function exchangeUdp(
  server: HostPort,
  query: Query,
  onOutcome: (outcome: ExchangeOutcome) => void,
): () => void {
  const socket = createSocket(isIPv6(server.host.split('%')[0]!) ? 'udp6' : 'udp4');
  let open = true;
  const stop = (): void => {
    if (!open) return;
    open = false;
    try {
      socket.close();
    } catch {
      // Closed by Node already, after an error.
    }
  };
  const end = (outcome: ExchangeOutcome): void => {
    if (!open) return;
    stop();
    onOutcome(outcome);
  };
  const crashed = (): void => end({ kind: 'unreachable', detail: 'internal error' });
  const fail = (error: Error): void => end(socketFailed(error));
  const onMessage = (bytes: Buffer): void => {
    const response = matchResponse(query, bytes);
    if (response !== null) end(response);
  };
  const onSent = (error: Error | null): void => {
    if (error !== null) fail(error);
  };
  const onConnect = (): void => {
    if (open) socket.send(query.bytes, guarded('dns', onSent, crashed));
  };
  socket.on('error', guarded('dns', fail, crashed));
  socket.on('message', guarded('dns', onMessage, crashed));
  socket.on('connect', guarded('dns', onConnect, crashed));
  // Without a callback: one would be given connect's error in place of 'error'.
  socket.connect(server.port, server.host);
  return stop;
}
