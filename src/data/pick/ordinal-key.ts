import type { OrdinalKey } from '../../model/config.ts';
import { decodePercent, toByteString } from '../byte-string.ts';
import { firstQueryParam } from '../query-params.ts';
import type { PickContext } from './contract.ts';

/**
 * The routing key of a request as a byte string, or null where there is none. An empty key is none.
 *
 * Path segments count from 1 between the slashes of the path as sent, then `%XX` is decoded: two spellings of one
 * segment (RFC 3986 section 6.2.2.2) are one key, and an escaped slash is a byte of the key and no border.
 */
export function keyOf(source: OrdinalKey, context: PickContext): string | null {
  const { request } = context;
  switch (source.from) {
    case 'pathSegment':
      return orNull(pathSegment(request.path, source.index));
    case 'header':
      return orNull(request.header(source.name.toLowerCase()));
    case 'queryParam':
      return orNull(firstQueryParam(request.query, toByteString(source.name)));
    case 'cookie':
      return orNull(cookie(request.header('cookie'), source.name));
    case 'self':
      return orNull(toByteString(context.selfPodName));
  }
}

/** A key's source in words. */
export function describeKey(source: OrdinalKey): string {
  if (source.from === 'pathSegment') return `path segment ${source.index}`;
  return source.from === 'self' ? 'self.podName' : `${source.from} ${source.name}`;
}

function orNull(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

function pathSegment(path: string, index: number): string | undefined {
  let start = 1;
  if (!path.startsWith('/')) return undefined;
  for (let n = 1; ; n++) {
    const slash = path.indexOf('/', start);
    if (n === index) return decodePercent(slash < 0 ? path.slice(start) : path.slice(start, slash));
    if (slash < 0) return undefined;
    start = slash + 1;
  }
}

/**
 * The first cookie of that very name (RFC 6265 section 4.2.1; names are case-sensitive). Surrounding double quotes are
 * not part of its value, nothing is decoded; a pair without `=` is no cookie.
 */
function cookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  }
  return undefined;
}
