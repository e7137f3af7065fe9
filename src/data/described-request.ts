import { toByteString } from './byte-string.ts';
import type { RequestView } from './request-view.ts';

/**
 * The request that a person describes to `explain`.
 *
 * @param url a path (`/t/acme?x=1`), an absolute URL, or `*`. A fragment is dropped, what is not ASCII is percent-encoded.
 * @param headerLines `Name: value`. As with curl, a Host line counts and not the URL's authority.
 * @throws Error in words for what is no method, URL or header line
 */
export function requestViewOf(method: string, url: string, headerLines: readonly string[]): RequestView {
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method))
    throw new Error(`${JSON.stringify(method)} is not a method`);
  const target = /^(?:https?:\/\/([^/?#]+))?(\/[^?#]*|\*(?=$)|(?=[?#]|$))(?:\?([^#]*))?(?:#.*)?$/is.exec(url);
  if (target === null || url === '')
    throw new Error(`${JSON.stringify(url)} is neither a path that begins with / nor an http URL`);
  const [, authority, path = '', query = ''] = target;
  if (authority === undefined && path === '') throw new Error(`${JSON.stringify(url)} has no path`);
  const fields = fieldsOf(headerLines);
  if (!fields.has('host') && authority !== undefined) fields.set('host', authority.replace(/^.*@/, ''));
  return {
    method,
    path: encode(path === '' ? '/' : path),
    query: encode(query),
    host: hostWithoutPort(fields.get('host') ?? ''),
    header: (name) => fields.get(name),
  };
}

function fieldsOf(lines: readonly string[]): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const field = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/.exec(line);
    if (field === null) throw new Error(`${JSON.stringify(line)} is not a header line 'Name: value'`);
    const name = field[1]!.toLowerCase();
    const value = toByteString(field[2]!.replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, ''));
    const before = fields.get(name);
    fields.set(name, before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`);
  }
  return fields;
}

function hostWithoutPort(host: string): string {
  return host.toLowerCase().replace(/:[0-9]*$/, '');
}

/** Percent-encodes what cannot be in a request target (RFC 9112 section 3.2): controls, space and all beyond ASCII. */
function encode(text: string): string {
  return toByteString(text).replace(
    /[^\x21-\x7e]/g,
    (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}
