import type { ClaimValues, Expect, JsonConstant, TermSource, ValueSource } from '../../model/config.ts';
import { redactTarget, redactText } from '../../model/redact.ts';
import { ExactJson, equalsConstant, equalsValue } from './exact-json.ts';
import { failed, type ProbeResult, printable } from './probe-result.ts';
import { lineValue, readLineage } from './read-lineage.ts';
import { saidWords } from './said.ts';
import { termOfNumber, termOfText } from './terms.ts';

/** A Pod's answer to an HTTP probe; `body` may be its beginning where the head decides. Header names in lower case; repeated ones are all listed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Whether the body decides; if not, the head is enough. */
export function needsBody(expect: Expect, shown: ClaimValues | null): boolean {
  const places = [shown?.term, shown?.lineage?.id, shown?.lineage?.previous];
  return expect.json.length > 0 || places.some((place) => place != null && !('header' in place));
}

/** Whether it must be JSON. What shows a lineage need not be: it is a claim all the same. */
function needsJson(expect: Expect, shown: ClaimValues | null): boolean {
  return expect.json.length > 0 || (shown?.term != null && 'json' in shown.term);
}

/**
 * Judges an answer by all of `expect` and, where one is configured, by its showing a term (SPEC 3, Leadership).
 * @param what the request in words: `GET /healthz`.
 * @param hidden values that no reason may show, though the Pod repeat them
 */
export function judgeAnswer(
  answer: HttpAnswer,
  expect: Expect,
  shown: ClaimValues | null,
  what: string,
  hidden: readonly string[] = [],
): ProbeResult {
  const location = only(answer, 'location');
  const redirect = answer.status >= 300 && answer.status < 400 && location !== null;
  const said = `${what} answered ${answer.status}${redirect ? ` to ${printable(redactTarget(location, hidden))}` : ''}`;
  const no = (why: string): ProbeResult => ({
    ...failed('failure', why === '' ? said : `${said}, ${why}`, true),
    kind: `http_${answer.status}`,
    said: saidWords(answer.body.toString('utf8'), hidden),
  });

  if (!statusMeets(answer.status, expect)) return no('');
  if (expect.header !== null) {
    const { name, value } = expect.header;
    const found = all(answer, name);
    if (!found.includes(value))
      return no(
        found.length === 0
          ? `without ${name}`
          : `with ${name}: ${printable(redactText(found.join(', '), hidden))}`,
      );
  }
  const json = needsBody(expect, shown) ? parsed(answer.body) : null;
  if (needsJson(expect, shown) && json === null) return no('but not with JSON');
  for (const wanted of expect.json) {
    const value = json!.at(wanted.pointer);
    if (value === null) return no(`without ${wanted.pointer}`);
    if ('equals' in wanted) {
      const allowed: readonly JsonConstant[] = Array.isArray(wanted.equals) ? wanted.equals : [wanted.equals];
      if (!allowed.some((constant) => equalsConstant(value, constant)))
        return no(
          `${wanted.pointer} is not ${allowed.map((one) => shownConstant(one, hidden)).join(' or ')}`,
        );
    } else {
      const other = json!.at(wanted.equalsPointer);
      if (other === null) return no(`without ${wanted.equalsPointer}`);
      if (!equalsValue(value, other)) return no(`${wanted.pointer} differs from ${wanted.equalsPointer}`);
    }
  }
  const success: ProbeResult = { outcome: 'success', reason: said, answered: true, term: null };
  const lineage =
    shown?.lineage == null ? null : readLineage(shown.lineage, (place) => valueAt(place, answer, json));
  if (shown?.term == null) return { ...success, lineage };
  const { value, term } = termOf(shown.term, answer, json);
  if (term === null)
    return no(value === null ? 'without a term' : `with ${quoted(value, hidden)} where a term should be`);
  return { ...success, lineage, term };
}

function parsed(body: Buffer): ExactJson | null {
  try {
    return new ExactJson(body.toString('utf8').replace(/^\ufeff/, ''));
  } catch {
    return null;
  }
}

/** @returns the term, and what stands in its place */
function termOf(
  source: TermSource,
  answer: HttpAnswer,
  json: ExactJson | null,
): { term: string | null; value: string | null } {
  if ('header' in source) {
    const value = only(answer, source.header);
    return { value, term: termOfText(value ?? '') };
  }
  const value = json?.at(source.json) ?? null;
  if (value?.type === 'number') return { value: value.text, term: termOfNumber(value.text) };
  if (value?.type === 'string') return { value: value.text, term: termOfText(value.text) };
  return { value: null, term: null };
}

/** @returns null: nothing stands there, or no text and no number */
function valueAt(place: ValueSource, answer: HttpAnswer, json: ExactJson | null): string | null {
  if ('header' in place) return only(answer, place.header);
  if ('line' in place) return lineValue(answer.body.toString('utf8'), place.line);
  const value = json?.at(place.json) ?? null;
  if (value === null) return null;
  if (value.type === 'null') return '';
  return value.type === 'string' || value.type === 'number' ? value.text : null;
}

function quoted(text: string, hidden: readonly string[]): string {
  return JSON.stringify(printable(redactText(text, hidden), 30));
}

function shownConstant(value: JsonConstant, hidden: readonly string[]): string {
  return typeof value === 'string'
    ? JSON.stringify(redactText(value, hidden))
    : redactText(String(value), hidden);
}

function statusMeets(status: number, expect: Expect): boolean {
  if (expect.status !== null) return expect.status.includes(status);
  if (expect.json.length > 0 || expect.header !== null) return true;
  return status >= 200 && status <= 399;
}

function all(answer: HttpAnswer, name: string): string[] {
  const lower = name.toLowerCase();
  return answer.headers.filter(([n]) => n === lower).map(([, value]) => value);
}

/** The value of a field that is there once; several say nothing reliable. */
function only(answer: HttpAnswer, name: string): string | null {
  const found = all(answer, name);
  return found.length === 1 ? found[0]! : null;
}
