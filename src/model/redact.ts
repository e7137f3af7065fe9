/** What stands where people are not shown a value. */
export const REDACTED = '[redacted]';

/** A text without these values. */
export function redactText(text: string, hidden: readonly string[] = []): string {
  // The longest first: one value may be a part of another.
  const longestFirst = [...hidden].filter((value) => value !== '').sort((a, b) => b.length - a.length);
  return longestFirst.reduce((shown, value) => shown.replaceAll(value, REDACTED), text);
}

/**
 * A request target or URL as people are shown it: `/leader?k=[redacted]`. A query's names stay; a piece without a name is hidden
 * whole, with all that follows a `#`.
 *
 * @param hidden values that may stand anywhere in it
 */
export function redactTarget(target: string, hidden: readonly string[] = []): string {
  const [, path = '', query, fragment] = /^([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/s.exec(target)!;
  let shown = redactText(path, hidden);
  if (query)
    shown += `?${query
      .split('&')
      .map((pair) => redactPair(pair, hidden))
      .join('&')}`;
  return fragment ? `${shown}#${REDACTED}` : shown;
}

function redactPair(pair: string, hidden: readonly string[]): string {
  const at = pair.indexOf('=');
  if (at < 0) return pair === '' ? '' : REDACTED;
  return `${redactText(pair.slice(0, at), hidden)}=${at + 1 === pair.length ? '' : REDACTED}`;
}
