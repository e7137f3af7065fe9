import type { Socket } from 'node:net';

/**
 * Of every connection, on both sides: half-open capable, without Nagle, with TCP keepalive. An idle peer that vanished is noticed
 * within 40 s (SPEC 3, Health): Linux rounds the delay up by as much as 2 s (CONFIG_HZ=250), and libuv asks ten times, a second apart.
 * While bytes wait for an acknowledgement it does not run: platform/vanished-peers.ts.
 */
export const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 27_000,
} as const;

/** Of a client's connection when it is accepted. Keepalive costs four system calls: HTTP connections that last get it later. */
export const ACCEPTED_OPTIONS = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true } as const;

/** The same keepalive as `SOCKET_OPTIONS`, for an accepted connection; the time it has idled already counts. */
export function keepAlive(socket: Socket): void {
  socket.setKeepAlive(true, SOCKET_OPTIONS.keepAliveInitialDelay);
}
