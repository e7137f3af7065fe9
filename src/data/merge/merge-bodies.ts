import type { FanOutSelection } from '../../model/config.ts';
import { type FanOutResponse, valuesOf } from './answer.ts';
import { decodeUtf8, spanAt, validJson } from './json-text.ts';

/** One Pod's part of a merged body, or in words why it cannot be merged. */
export type Part = { readonly answer: FanOutResponse; readonly text: string } | { readonly reason: string };

export type MergeConfig = NonNullable<FanOutSelection['merge']>;

/** Whether the body is in a content coding, so that its bytes are not the text. */
export function isEncoded(answer: FanOutResponse): boolean {
  return valuesOf(answer, 'content-encoding').some(
    (value) => !['', 'identity'].includes(value.trim().toLowerCase()),
  );
}

/** Checks that an answer can be merged: UTF-8, JSON, and an array where the pointer says. */
export function partOf(merge: MergeConfig, answer: FanOutResponse): Part {
  if (isEncoded(answer))
    return { reason: `its body is in ${valuesOf(answer, 'content-encoding').join(', ')}` };
  const text = decodeUtf8(answer.body);
  if (text === null) return { reason: 'its body is not UTF-8' };
  if (merge.type === 'JSONLines') return linesOf(answer, text);
  const json = validJson(text);
  if (json === null) return { reason: 'its body is not JSON' };
  const span = spanAt(json, merge.pointer);
  if (span === null) return { reason: `there is nothing at ${merge.pointer}` };
  if (json[span.start] !== '[') return { reason: `there is no array at ${merge.pointer || 'the top'}` };
  return { answer, text: json };
}

/** Blank lines are dropped; every other must be JSON, so that an error page does not become data. */
function linesOf(answer: FanOutResponse, text: string): Part {
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    const json = line.trim() === '' ? '' : validJson(line);
    if (json === null) return { reason: 'a line of its body is not JSON' };
    if (json !== '') lines.push(`${json}\n`);
  }
  return { answer, text: lines.join('') };
}

/**
 * One body out of several, in the order of the Pods. ConcatArrays: the first Pod's document with the elements of every
 * Pod's array in place of its own; its other members are the first Pod's. JSONLines: the lines one after the other.
 */
export function mergeTexts(merge: MergeConfig, texts: readonly string[]): string {
  if (merge.type === 'JSONLines') return texts.join('');
  const frame = texts[0]!;
  const { start, end } = spanAt(frame, merge.pointer)!;
  const elements: string[] = [];
  for (const text of texts) {
    const span = spanAt(text, merge.pointer)!;
    const inner = text.slice(span.start + 1, span.end - 1).trim();
    if (inner !== '') elements.push(inner);
  }
  return `${frame.slice(0, start)}[${elements.join(',')}]${frame.slice(end)}`;
}
