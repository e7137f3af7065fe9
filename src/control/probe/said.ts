import type { Probe } from '../../model/config.ts';
import { redactText } from '../../model/redact.ts';
import { printable } from './probe-result.ts';

/** Printable bytes of what a Pod said that people are shown (SPEC 4). */
export const SHOWN_BYTES = 60;
/** What is shorter is no secret, and stands in any text. */
const MIN_HIDDEN = 4;

/**
 * What a Pod said, quoted: its first 60 printable bytes; null: nothing.
 * @param hidden values that it may have repeated, and nobody is shown
 */
export function saidWords(text: string, hidden: readonly string[]): string | null {
  const words = withoutTail(redactText(text, hidden), hidden).replace(/\s+/g, ' ').trim();
  return words === '' ? null : JSON.stringify(printable(words, SHOWN_BYTES));
}

/** A text that is not known to be whole may end within a hidden value. */
function withoutTail(text: string, hidden: readonly string[]): string {
  for (const value of hidden)
    for (let length = value.length - 1; length >= MIN_HIDDEN; length--)
      if (text.endsWith(value.slice(0, length))) return text.slice(0, -length);
  return text;
}

/**
 * What a probe sends that nobody is shown, should the Pod repeat it: values from the environment, of header fields and of the query,
 * the body, all but the first word of `send`, name and password (SPEC 4).
 */
export function hiddenOf(probe: Probe): string[] {
  if (probe.type === 'tcpSocket') return [];
  const sent =
    probe.type === 'http'
      ? [...probe.headers.map(({ value }) => value), ...queryValues(probe.path), probe.body ?? '']
      : [...argumentsOf(probe.send), probe.auth?.username ?? ''];
  const always = [...(probe.hidden ?? []), probe.type === 'tcp' ? (probe.auth?.password ?? '') : ''];
  return [...always, ...sent.filter((value) => value.length >= MIN_HIDDEN)];
}

function queryValues(path: string): string[] {
  const query = path.split('?').slice(1).join('?');
  const values = query.split('&').map((pair) => pair.slice(pair.indexOf('=') + 1));
  return values.flatMap((value) => [value, decoded(value)]);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** As arguments of inline commands, or of arrays with their lengths. */
function argumentsOf(send: string): string[] {
  return send
    .split(/\s+/)
    .filter((word) => !/^[*$]\d+$/.test(word))
    .slice(1);
}
