import type { HostPort } from './config.ts';

/** `host:port`, an IPv6 host in brackets. */
export function formatAddress({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
