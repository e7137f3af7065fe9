/**
 * JSON whose numbers keep all their digits: `JSON.parse` rounds terms and ids past 2^53 (and hands the source text to
 * revivers only from Node 21 on). Every string in the text, keys included, gets an `s` in front and every number becomes
 * a string with an `n` in front before it is parsed, so that neither can pass for the other.
 */
export type ExactValue =
  | { readonly type: 'string'; readonly text: string }
  | { readonly type: 'number'; readonly text: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'null' }
  | { readonly type: 'composite' };

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** A parsed document, to be asked by pointer. */
export class ExactJson {
  readonly #root: unknown;

  /** @throws SyntaxError where `text` is not JSON. */
  constructor(text: string) {
    JSON.parse(text);
    this.#root = JSON.parse(
      text.replace(TOKENS, (token) => (token[0] === '"' ? `"s${token.slice(1)}` : `"n${token}"`)),
    );
  }

  /** The value at an RFC 6901 pointer, or null where there is none. */
  at(pointer: string): ExactValue | null {
    let value = this.#root;
    for (const step of pointer === '' ? [] : pointer.slice(1).split('/')) {
      const key = step.replaceAll('~1', '/').replaceAll('~0', '~');
      if (Array.isArray(value)) {
        if (!/^(0|[1-9]\d{0,9})$/.test(key) || Number(key) >= value.length) return null;
        value = value[Number(key)];
      } else if (typeof value === 'object' && value !== null && Object.hasOwn(value, `s${key}`)) {
        value = (value as Record<string, unknown>)[`s${key}`];
      } else return null;
    }
    if (typeof value === 'string')
      return { type: value.startsWith('n') ? 'number' : 'string', text: value.slice(1) };
    if (typeof value === 'boolean') return { type: 'boolean', value };
    return value === null ? { type: 'null' } : { type: 'composite' };
  }
}

/** Whether a value is this constant of the configuration. Types must agree: `"1"` is not `1`. */
export function equalsConstant(value: ExactValue, wanted: string | number | boolean | null): boolean {
  if (wanted === null) return value.type === 'null';
  if (typeof wanted === 'boolean') return value.type === 'boolean' && value.value === wanted;
  if (typeof wanted === 'string') return value.type === 'string' && value.text === wanted;
  return (
    value.type === 'number' &&
    sameNumber(value.text, Number.isInteger(wanted) ? `${BigInt(wanted)}` : `${wanted}`)
  );
}

/**
 * Whether two values of one answer are the same scalar. Two nulls are not: "the leader is nobody" must not match "I have
 * no id yet".
 */
export function equalsValue(a: ExactValue, b: ExactValue): boolean {
  if (a.type === 'string') return b.type === 'string' && a.text === b.text;
  if (a.type === 'number') return b.type === 'number' && sameNumber(a.text, b.text);
  return a.type === 'boolean' && b.type === 'boolean' && a.value === b.value;
}

const INTEGER = /^-?\d+$/;

function sameNumber(a: string, b: string): boolean {
  if (INTEGER.test(a) && INTEGER.test(b)) return BigInt(a) === BigInt(b);
  return Number(a) === Number(b);
}
