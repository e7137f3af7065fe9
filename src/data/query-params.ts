import { decodePercent, octetAt } from './byte-string.ts';

const PERCENT = 0x25;
const AMPERSAND = 0x26;
const PLUS = 0x2b;
const EQUALS = 0x3d;
const SPACE = 0x20;

/**
 * The first value of a query parameter, decoded; undefined where it is missing, `''` for `?name` without `=`. Only `&`
 * separates. The first of several counts, as the Gateway API recommends (HTTPQueryParamMatch); names and values are
 * decoded as forms are (`%XX`, and `+` for a space), so that two spellings of one value take one route.
 *
 * @param query raw query without `?`
 * @param name a byte string, as decoded
 */
export function firstQueryParam(query: string, name: string): string | undefined {
  for (let start = 0; start < query.length; ) {
    const nameEnd = endOfName(query, start, name);
    const next = query.indexOf('&', nameEnd < 0 ? start : nameEnd);
    const end = next < 0 ? query.length : next;
    if (nameEnd >= 0) return nameEnd === end ? '' : decodePercent(query.slice(nameEnd + 1, end), true);
    start = end + 1;
  }
  return undefined;
}

/** Where the name ends that begins at `at`, if it is `name` when decoded, else -1. Nothing is made: there may be thousands. */
function endOfName(query: string, at: number, name: string): number {
  let i = at;
  for (let n = 0; n < name.length; n++) {
    let code = query.charCodeAt(i);
    if (code === AMPERSAND || code === EQUALS) return -1;
    const octet = code === PERCENT ? octetAt(query, i) : -1;
    if (octet >= 0) {
      code = octet;
      i += 2;
    } else if (code === PLUS) code = SPACE;
    if (code !== name.charCodeAt(n)) return -1;
    i++;
  }
  const after = query.charCodeAt(i);
  return i >= query.length || after === AMPERSAND || after === EQUALS ? i : -1;
}
