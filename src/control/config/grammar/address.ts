import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { HostPort } from '../../../model/config.ts';
import { isDnsName } from './dns-name.ts';

const SHAPE = 'write HOST:PORT, for example 127.0.0.1:8080, [::1]:8080 or :8080';

/**
 * `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:9180` (every local address). Port 0 lets the system choose.
 * @returns the address, or what is wrong with the text, in words
 */
export function parseAddress(text: string): HostPort | string {
  if (/^[0-9]+$/.test(text))
    return `has no host: write 127.0.0.1:${text}, or :${text} for every local address`;
  if (isIPv6(text)) return `has no port: write [${text}]:8080`;
  const bare = /^(.*):([0-9]+)$/.exec(text);
  if (bare !== null && isIPv6(bare[1]!)) return `is ambiguous: write [${bare[1]}]:${bare[2]}`;
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):([^:]*)$/.exec(text);
  if (match === null) return /^[a-z]+:\/\//.test(text) ? `is a URL: ${SHAPE}` : `is not an address: ${SHAPE}`;
  const [, bracketed, plain, digits] = match;
  const port = parsePort(digits!);
  if (port === null) return `has no port from 0 to 65535: ${SHAPE}`;
  if (bracketed !== undefined) {
    if (!isIPv6(bracketed)) return 'has something other than an IPv6 address in its brackets';
    return { host: canonicalIp(bracketed), port };
  }
  if (plain !== '' && !isIPv4(plain!) && (looksLikeIpv4(plain!) || !isDnsName(plain!)))
    return `has neither an IP address nor a name as its host: ${SHAPE}`;
  return { host: plain!.toLowerCase(), port };
}

/**
 * An IP address with an optional port, 53 by default.
 * @returns the address, or what is wrong with the text, in words
 */
export function parseNameserver(text: string): HostPort | string {
  if (isIP(text) !== 0) return { host: canonicalIp(text), port: 53 };
  const bracketed = /^\[([^\]]+)\]$/.exec(text);
  if (bracketed !== null && isIPv6(bracketed[1]!)) return { host: canonicalIp(bracketed[1]!), port: 53 };
  const address = parseAddress(text);
  if (typeof address === 'string' || isIP(address.host) === 0)
    return 'must be an IP address, perhaps with a port, as 10.96.0.10, 10.96.0.10:53 or [fd00::a]:53';
  return address.port === 0 ? 'cannot have port 0' : address;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

/** Whether two listening sockets certainly cannot exist side by side. */
export function collide(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.port === 0) return false;
  return a.host === b.host || covers(a.host, b.host) || covers(b.host, a.host);
}

/** `''` and `::` take both families (Node binds `::` dual-stack), `0.0.0.0` every IPv4 address. */
function covers(wide: string, narrow: string): boolean {
  if (wide === '' || wide === '::') return true;
  return wide === '0.0.0.0' && isIPv4(narrow);
}

function parsePort(text: string): number | null {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null;
}

/** `256.0.0.1` and `127.1` are mistakes and not names. */
function looksLikeIpv4(host: string): boolean {
  return /^[0-9.]+$/.test(host);
}

/** One spelling for each IPv6 address (RFC 5952), so that equal ones compare equal. */
function canonicalIp(ip: string): string {
  if (isIPv4(ip) || ip.includes('%')) return ip;
  return new URL(`http://[${ip}]/`).hostname.slice(1, -1);
}
