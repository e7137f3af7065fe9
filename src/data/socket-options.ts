/** Of every connection, on both sides: half-open capable, without Nagle, TCP keepalive after 30 s (SPEC 3, Health). */
export const SOCKET_OPTIONS = {
  allowHalfOpen: true,
  noDelay: true,
  keepAlive: true,
  keepAliveInitialDelay: 30_000,
} as const;
