import { toByteString } from '../byte-string.ts';

/** The request that a person describes to `explain`. */
export interface DescribedRequest {
  /** Its head as it would be sent, to be read as one that came over the wire. */
  readonly head: Buffer;
  /** The host and port that it would be sent to; null: only a path was given. */
  readonly to: { readonly host: string; readonly port: number | null } | null;
}

/**
 * @param url a path (`/t/acme?x=1`), an absolute URL, or `*`. A fragment is dropped, what is not ASCII is percent-encoded.
 * @param headerLines `Name: value`. As with curl, a Host line counts and not the URL's authority.
 * @throws Error in words for what is no method, URL or header line
 */
export function describeRequest(
  method: string,
  url: string,
  headerLines: readonly string[],
): DescribedRequest {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method))
    throw new Error(`${JSON.stringify(method)} is not a method`);
  const parts = /^(?:https?:\/\/([^/?#]+))?(\/[^?#]*|\*(?=$)|(?=[?#]|$))(\?[^#]*)?(?:#.*)?$/is.exec(url);
  if (parts === null || url === '')
    throw new Error(`${JSON.stringify(url)} is neither a path that begins with / nor an http URL`);
  const [, userAndHost, path = '', query = ''] = parts;
  if (userAndHost === undefined && path === '') throw new Error(`${JSON.stringify(url)} has no path`);
  const authority = userAndHost?.replace(/^.*@/, '');
  const lines = headerLines.map(fieldLine);
  const has = (name: string): boolean => lines.some((line) => line.toLowerCase().startsWith(`${name}:`));
  // Only HTTP/1.0 may do without Host (RFC 9112 section 3.2), and it has neither of these.
  const isOld = !has('host') && authority === undefined && !has('transfer-encoding') && !has('expect');
  if (!has('host') && !isOld) lines.unshift(`Host: ${toByteString(authority ?? 'localhost')}`);
  const target = `${encode(path === '' ? '/' : path)}${encode(query)}`;
  const head = [`${method} ${target} HTTP/1.${isOld ? 0 : 1}`, ...lines, '', ''].join('\r\n');
  return { head: Buffer.from(head, 'latin1'), to: authority === undefined ? null : destination(authority) };
}

function destination(authority: string): { host: string; port: number | null } {
  const [, host = '', port] = /^(.*?)(?::([0-9]*))?$/s.exec(authority) ?? [];
  return { host: host.toLowerCase(), port: port === undefined || port === '' ? null : Number(port) };
}

function fieldLine(line: string): string {
  const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/.exec(line);
  if (field === null) throw new Error(`${JSON.stringify(line)} is not a header line 'Name: value'`);
  return `${field[1]}: ${toByteString(field[2]!.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, ''))}`;
}

/** Percent-encodes what cannot be in a request target (RFC 9112 section 3.2): controls, space and all beyond ASCII. */
function encode(text: string): string {
  return toByteString(text).replace(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
