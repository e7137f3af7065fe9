/**
 * JSON as text. Answers are put together from slices of what Pods sent: parsing and writing again would round large
 * numbers (RFC 8259 section 6) and lose repeated members. Slices are taken from texts that JSON.parse has accepted.
 */

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text of bytes, or null where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** The JSON text without surrounding space and byte order mark, or null where it is not JSON. */
export function validJson(text: string): string | null {
  const json = (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text).trim();
  try {
    JSON.parse(json);
    return json;
  } catch {
    return null;
  }
}

/** Where a value lies in a text. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** The span of the value that a JSON Pointer (RFC 6901) names in a valid JSON text without surrounding space, or null. */
export function spanAt(json: string, pointer: string): Span | null {
  let span: Span | null = { start: 0, end: json.length };
  for (const token of pointer.split('/').slice(1)) {
    if (span === null) return null;
    span = childAt(json, span.start, token.replaceAll('~1', '/').replaceAll('~0', '~'));
  }
  return span;
}

function childAt(json: string, start: number, key: string): Span | null {
  if (json[start] === '{') return member(json, start, key);
  return json[start] === '[' ? element(json, start, key) : null;
}

/** The last member of that name, as JSON.parse takes it. */
function member(json: string, start: number, key: string): Span | null {
  let found: Span | null = null;
  let at = skipSpace(json, start + 1);
  while (json[at] === '"') {
    const nameEnd = skipValue(json, at);
    const name = JSON.parse(json.slice(at, nameEnd)) as string;
    const from = skipSpace(json, skipSpace(json, nameEnd) + 1);
    const to = skipValue(json, from);
    if (name === key) found = { start: from, end: to };
    at = skipSpace(json, skipSpace(json, to) + 1);
  }
  return found;
}

function element(json: string, start: number, key: string): Span | null {
  if (!/^(?:0|[1-9][0-9]*)$/.test(key)) return null;
  let at = skipSpace(json, start + 1);
  for (let left = Number(key); json[at] !== ']' && at < json.length; left--) {
    const to = skipValue(json, at);
    if (left === 0) return { start: at, end: to };
    const separator = skipSpace(json, to);
    if (json[separator] === ']') return null;
    at = skipSpace(json, separator + 1);
  }
  return null;
}

function skipSpace(json: string, at: number): number {
  while (at < json.length && json.charCodeAt(at) <= 0x20) at++;
  return at;
}

function skipValue(json: string, at: number): number {
  let depth = 0;
  while (at < json.length) {
    const c = json[at]!;
    if (c === '"') at = skipString(json, at);
    else if (c === '{' || c === '[') {
      depth++;
      at++;
    } else if (c === '}' || c === ']') {
      if (depth === 0) return at;
      depth--;
      at++;
    } else if (depth === 0 && (c === ',' || c === ':' || json.charCodeAt(at) <= 0x20)) return at;
    else {
      at++;
      continue;
    }
    if (depth === 0) return at;
  }
  return at;
}

function skipString(json: string, at: number): number {
  for (at++; json[at] !== '"'; at++) if (json[at] === '\\') at++;
  return at + 1;
}
