import type { Expect, TermSource } from '../../model/config.ts';
import { redactTarget, redactText } from '../../model/redact.ts';
import { termOfNumber, termOfText } from '../leadership/terms.ts';
import { ExactJson, equalsConstant, equalsValue } from './exact-json.ts';
import { failed, type ProbeResult, printable } from './probe-result.ts';

/** A Pod's answer to an HTTP probe. Header names in lower case; repeated ones are all listed. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/** Whether the body decides; if not, the head is enough. */
export function needsBody(expect: Expect, term: TermSource | null): boolean {
  return expect.json.length > 0 || (term !== null && 'json' in term);
}

/**
 * Judges an answer by all of `expect` and, where one is configured, by its showing a term (SPEC 3, Leadership).
 * @param what the request in words: `GET /healthz`.
 * @param hidden values that no reason may show, though the Pod repeat them
 */
export function judgeAnswer(
  answer: HttpAnswer,
  expect: Expect,
  term: TermSource | null,
  what: string,
  hidden: readonly string[] = [],
): ProbeResult {
  const location = only(answer, 'location');
  const redirect = answer.status >= 300 && answer.status < 400 && location !== null;
  const said = `${what} answered ${answer.status}${redirect ? ` to ${printable(redactTarget(location, hidden))}` : ''}`;
  const no = (why: string): ProbeResult => failed('failure', why === '' ? said : `${said}, ${why}`, true);

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
  let shown: string | null = null;
  /** What stands where the term should. */
  let instead: string | null = null;
  if (needsBody(expect, term)) {
    let json: ExactJson;
    try {
      json = new ExactJson(answer.body.toString('utf8').replace(/^\ufeff/, ''));
    } catch {
      return no('but not with JSON');
    }
    for (const wanted of expect.json) {
      const value = json.at(wanted.pointer);
      if (value === null) return no(`without ${wanted.pointer}`);
      if ('equals' in wanted) {
        if (!equalsConstant(value, wanted.equals))
          return no(`${wanted.pointer} is not ${shownConstant(wanted.equals, hidden)}`);
      } else {
        const other = json.at(wanted.equalsPointer);
        if (other === null) return no(`without ${wanted.equalsPointer}`);
        if (!equalsValue(value, other)) return no(`${wanted.pointer} differs from ${wanted.equalsPointer}`);
      }
    }
    if (term !== null && 'json' in term) {
      const value = json.at(term.json);
      if (value?.type === 'number' || value?.type === 'string') {
        instead = value.text;
        shown = value.type === 'number' ? termOfNumber(value.text) : termOfText(value.text);
      }
    }
  }
  if (term !== null && 'header' in term) {
    instead = only(answer, term.header);
    shown = termOfText(instead ?? '');
  }
  if (term !== null && shown === null)
    return no(instead === null ? 'without a term' : `with ${quoted(instead, hidden)} where a term should be`);
  return { outcome: 'success', reason: said, answered: true, term: shown };
}

function quoted(text: string, hidden: readonly string[]): string {
  return JSON.stringify(printable(redactText(text, hidden), 30));
}

function shownConstant(value: string | number | boolean | null, hidden: readonly string[]): string {
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
