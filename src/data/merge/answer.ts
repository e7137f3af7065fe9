/** A whole answer of one Pod. Header values are byte strings, in the order and case of the wire. */
export interface FanOutResponse {
  readonly pod: string;
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Without transfer coding. */
  readonly body: Buffer;
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
  if (!('status' in answer)) return false;
  return (answer.status >= 200 && answer.status <= 299) || (conditional && answer.status === 304);
}

/** Names of the Pods that did not succeed, in the order asked. @param conditional as for `isSuccess` */
export function failedPods(answers: readonly FanOutAnswer[], conditional = false): string[] {
  return answers.filter((answer) => !isSuccess(answer, conditional)).map(({ pod }) => pod);
}

/** The values of a field, by name in any case. */
export function valuesOf({ headers }: FanOutResponse, name: string): string[] {
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
