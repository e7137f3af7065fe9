/** A request's target, taken apart but not decoded. */
export interface RequestTarget {
  /** Of the absolute-form (RFC 9112 section 3.2.2), else null. */
  readonly authority: string | null;
  readonly path: string;
  readonly query: string;
}

/** @returns null for what is neither in origin-form nor an absolute http URL */
export function parseTarget(raw: string): RequestTarget | null {
  const parts = /^(?:http:\/\/([^/?#]*))?(\/[^?#]*|(?=[?]|$))(?:\?([^#]*))?$/i.exec(raw);
  if (parts === null) return null;
  const [, authority = null, path = '', query = ''] = parts;
  if (authority === null && path === '') return null;
  return { authority, path: path === '' ? '/' : path, query };
}
