import type { FanOutSelection } from '../../model/config.ts';
import {
  type FanOutAnswer,
  type FanOutResponse,
  isSuccess,
  PARTIAL_FIELD,
  partialValue,
  valuesOf,
} from './answer.ts';
import type { BodyPart } from './body-parts.ts';
import { ComposedBody } from './composed-body.ts';
import { concatenated, embedded, joinedLines } from './merge-bodies.ts';
import { tooFew } from './too-few.ts';

/** One answer made of many, or the failure that there were too few. */
export type ComposedAnswer =
  | {
      readonly type: 'answer';
      readonly status: 200;
      /** Without Content-Length. */
      readonly headers: readonly (readonly [name: string, value: string])[];
      readonly body: ComposedBody;
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
  if (selection.respond === 'All' || merge === null || bodiless)
    return finish(selection, answers, () => ['application/json', bodiless ? [] : embedded(answers)]);
  const judged = answers.map((answer) =>
    isSuccess(answer) && answer.finding.type === 'unusable'
      ? { pod: answer.pod, error: answer.finding.reason }
      : answer,
  );
  return finish(selection, judged, (used) => {
    const fallback = merge.type === 'JSONLines' ? 'application/x-ndjson' : 'application/json';
    const type = (used[0] && valuesOf(used[0], 'content-type')[0]) ?? fallback;
    return [type, merge.type === 'JSONLines' ? joinedLines(used) : concatenated(used)];
  });
}

function finish(
  selection: FanOutSelection,
  answers: readonly FanOutAnswer[],
  write: (used: readonly FanOutResponse[]) => [contentType: string, parts: BodyPart[]],
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
  const [contentType, parts] = write(used);
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
  return { type: 'answer', status: 200, headers, body: new ComposedBody(parts) };
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
