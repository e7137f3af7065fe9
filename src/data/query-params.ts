import { decodePercent } from './byte-string.ts';

/**
 * The first value of a query parameter, decoded; undefined where it is missing, `''` for `?name` without `=`. Only `&`
 * separates. The first of several counts, as the Gateway API recommends (HTTPQueryParamMatch); names and values are
 * decoded as forms are (`%XX`, and `+` for a space), so that two spellings of one value take one route.
 *
 * @param query raw query without `?`
 * @param name a byte string, as decoded
 */
export function firstQueryParam(query: string, name: string): string | undefined {
  let start = 0;
  while (start < query.length) {
    let end = query.indexOf('&', start);
    if (end < 0) end = query.length;
    const pair = query.slice(start, end);
    const equals = pair.indexOf('=');
    const rawName = equals < 0 ? pair : pair.slice(0, equals);
    if (decodePercent(rawName, true) === name)
      return equals < 0 ? '' : decodePercent(pair.slice(equals + 1), true);
    start = end + 1;
  }
  return undefined;
}
