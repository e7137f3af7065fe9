import { isIPv6 } from './ipv6.ts';

const REG_NAME = /^(?:[A-Za-z0-9._~!$&'()*+;=-]|%[0-9A-Fa-f]{2})+$/;

/**
 * Splits a Host value or the authority of an absolute-form target (RFC 9110 section 7.2: uri-host, optional port).
 * @returns the lower-case host without port (brackets kept), or null if it is none. Userinfo is refused.
 */
export function hostOf(authority: string): string | null {
  let host = authority;
  const bracket = authority.charCodeAt(0) === 0x5b ? authority.indexOf(']') : -1;
  if (authority.charCodeAt(0) === 0x5b && bracket < 0) return null;
  const colon = authority.indexOf(':', bracket < 0 ? 0 : bracket + 1);
  if (colon >= 0) {
    host = authority.slice(0, colon);
    if (!isPort(authority, colon + 1)) return null;
  }
  if (bracket >= 0)
    return bracket === host.length - 1 && isIPv6(host.slice(1, -1)) ? host.toLowerCase() : null;
  return REG_NAME.test(host) ? host.toLowerCase() : null;
}

/** An empty port is allowed (RFC 3986 section 3.2.3). */
function isPort(text: string, from: number): boolean {
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
    if (value > 65_535) return false;
  }
  return true;
}
