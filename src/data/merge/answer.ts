import type { Blocks } from './blocks.ts';
import type { Finding } from './finding.ts';

/** The head of one Pod's answer. Header values are byte strings, in the order and case of the wire. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** A whole answer of one Pod. */
export interface FanOutResponse extends AnswerHead {
  readonly pod: string;
  /** Without transfer coding; empty where nobody needs it. */
  readonly body: Blocks;
  readonly finding: Finding;
}

/** One Pod's part in a fan-out: what it answered, or in words why there is no answer. */
export type FanOutAnswer = FanOutResponse | { readonly pod: string; readonly error: string };

/** The field that names Pods whose part is missing. */
export const PARTIAL_FIELD = 'X-Headroute-Partial';

/**
 * A success is 2xx (SPEC 3, Fan-out).
 * @param conditional the Pods were asked whether the client's copy is still good: 304, "it is", is a success then
 */
export function isSuccess(answer: FanOutAnswer, conditional = false): answer is FanOutResponse {
  return 'status' in answer && isSuccessStatus(answer.status, conditional);
}

/** @param conditional as for `isSuccess` */
export function isSuccessStatus(status: number, conditional = false): boolean {
  return (status >= 200 && status <= 299) || (conditional && status === 304);
}

/** Names of the Pods that did not succeed, in the order asked. @param conditional as for `isSuccess` */
export function failedPods(answers: readonly FanOutAnswer[], conditional = false): string[] {
  return answers.filter((answer) => !isSuccess(answer, conditional)).map(({ pod }) => pod);
}

/** The values of a field, by name in any case. */
export function valuesOf({ headers }: AnswerHead, name: string): string[] {
  const lower = name.toLowerCase();
  return headers.filter(([field]) => field.toLowerCase() === lower).map(([, value]) => value);
}

/**
 * The value of `X-Headroute-Partial`: the Pods that failed here, joined with those that the answers' own such fields
 * name (a Pod behind another headroute), each once; null where none did.
 */
export function partialValue(failed: readonly string[], used: readonly FanOutResponse[]): string | null {
  const names = new Set(failed);
  for (const answer of used)
    for (const value of valuesOf(answer, PARTIAL_FIELD))
      for (const name of value.split(',')) if (name.trim() !== '') names.add(name.trim());
  return names.size === 0 ? null : [...names].join(', ');
}

/** Whether the body is in a content coding, so that its bytes are not the text. */
export function isEncoded(answer: AnswerHead): boolean {
  return valuesOf(answer, 'content-encoding').some(
    (value) => !['', 'identity'].includes(value.trim().toLowerCase()),
  );
}

/** Whether the answer says that its body is JSON. */
export function isDeclaredJson(answer: AnswerHead): boolean {
  return valuesOf(answer, 'content-type').some((type) => /^\s*[\w.+-]+\/(?:[\w.-]+\+)?json\b/i.test(type));
}
