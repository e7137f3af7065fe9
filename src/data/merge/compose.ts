import type { FanOutSelection } from '../../model/config.ts';
import {
  type FanOutAnswer,
  type FanOutResponse,
  isSuccess,
  PARTIAL_FIELD,
  partialValue,
  valuesOf,
} from './answer.ts';
import { decodeUtf8, validJson } from './json-text.ts';
import { isEncoded, mergeTexts, partOf } from './merge-bodies.ts';
import { tooFew } from './too-few.ts';

/** One answer made of many, or the failure that there were too few. */
export type ComposedAnswer =
  | {
      readonly type: 'answer';
      readonly status: 200;
      /** Without Content-Length. */
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly body: Buffer;
    }
  | { readonly type: 'fail'; readonly failure: 'quorum_unmet'; readonly detail: string };

/**
 * Composes the answer of `respond: All` and `respond: Merge` from every Pod's part, in the order given (SPEC 3, Fan-out).
 *
 * It carries nothing of a single Pod's but, merged, the first one's Content-Type: no validator, freshness, cookie or
 * digest would be true of the whole (case P2). What restricts caching is kept: `no-store`, `no-cache` or `private` of
 * any Pod makes it `no-store`, and the fields of `Vary` are joined.
 *
 * @param bodiless whether the request was HEAD: answers have no bodies to be merged, and the composed one has none
 */
export function compose(
  selection: FanOutSelection,
  answers: readonly FanOutAnswer[],
  bodiless = false,
): ComposedAnswer {
  const { merge } = selection;
  if (selection.respond === 'Merge' && merge !== null && !bodiless) {
    const texts: string[] = [];
    const judged = answers.map((answer): FanOutAnswer => {
      if (!isSuccess(answer)) return answer;
      const part = partOf(merge, answer);
      if ('reason' in part) return { pod: answer.pod, error: part.reason };
      texts.push(part.text);
      return answer;
    });
    const fallback = merge.type === 'JSONLines' ? 'application/x-ndjson' : 'application/json';
    return finish(selection, judged, (used) => [
      (used[0] && valuesOf(used[0], 'content-type')[0]) ?? fallback,
      texts.length === 0 ? emptyOf(merge.type) : mergeTexts(merge, texts),
    ]);
  }
  return finish(selection, answers, () => ['application/json', bodiless ? '' : allOf(answers)]);
}

function finish(
  selection: FanOutSelection,
  answers: readonly FanOutAnswer[],
  write: (used: readonly FanOutResponse[]) => [contentType: string, body: string],
): ComposedAnswer {
  const used = answers.filter((answer) => isSuccess(answer));
  const failed = answers.filter((answer) => !isSuccess(answer));
  const needed = selection.minSuccess ?? 1;
  if (used.length < needed)
    return {
      type: 'fail',
      failure: 'quorum_unmet',
      detail: tooFew(used.length, needed, answers.length, failed),
    };
  const [contentType, body] = write(used);
  const headers: [string, string][] = [['Content-Type', contentType]];
  const partial = partialValue(
    failed.map(({ pod }) => pod),
    used,
  );
  if (partial !== null) headers.push([PARTIAL_FIELD, partial]);
  const contributors = selection.respond === 'All' ? answers.filter((answer) => 'status' in answer) : used;
  if (partial !== null || contributors.some(restrictsCaching)) headers.push(['Cache-Control', 'no-store']);
  const vary = varyOf(contributors);
  if (vary !== null) headers.push(['Vary', vary]);
  return { type: 'answer', status: 200, headers, body: Buffer.from(body, 'utf8') };
}

/** Only with `minSuccess: 0` can nothing be merged. */
function emptyOf(type: 'ConcatArrays' | 'JSONLines'): string {
  return type === 'JSONLines' ? '' : '[]';
}

function allOf(answers: readonly FanOutAnswer[]): string {
  const responses = answers.filter((answer) => 'status' in answer).map(responseOf);
  const succeeded = answers.filter((answer) => isSuccess(answer)).length;
  const failed = answers.length - succeeded;
  return `{"responses":[${responses.join(',')}],"succeeded":${succeeded},"failed":${failed}}`;
}

function responseOf(answer: FanOutResponse): string {
  return `{"pod":${JSON.stringify(answer.pod)},"status":${answer.status},${bodyOf(answer)}}`;
}

/**
 * A body that says it is JSON and is, or an object or array whatever it says, is put in as it is; a number or `true`
 * under another type stays the text that it was.
 */
function bodyOf(answer: FanOutResponse): string {
  const text = isEncoded(answer) ? null : decodeUtf8(answer.body);
  if (text === null) return `"bodyBase64":"${answer.body.toString('base64')}"`;
  const json = validJson(text);
  const declared = valuesOf(answer, 'content-type').some((type) =>
    /^\s*[\w.+-]+\/(?:[\w.-]+\+)?json\b/i.test(type),
  );
  if (json !== null && (declared || json.startsWith('{') || json.startsWith('['))) return `"body":${json}`;
  return `"body":${JSON.stringify(text)}`;
}

function restrictsCaching(answer: FanOutResponse): boolean {
  return valuesOf(answer, 'cache-control').some((value) =>
    /(?:^|[,\s])(?:no-store|no-cache|private)\b/i.test(value),
  );
}

function varyOf(answers: readonly FanOutResponse[]): string | null {
  const names = new Map<string, string>();
  for (const answer of answers)
    for (const value of valuesOf(answer, 'vary'))
      for (const name of value.split(',').map((part) => part.trim()))
        if (name !== '' && !names.has(name.toLowerCase())) names.set(name.toLowerCase(), name);
  return names.size === 0 ? null : names.has('*') ? '*' : [...names.values()].join(', ');
}
