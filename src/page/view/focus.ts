/** What a link into the page points to: `/?backend=db&pod=db-1`. */
export interface Focus {
  /** null: all backends. */
  readonly backend: string | null;
  /** null: no Pod of it in particular. */
  readonly pod: string | null;
}

/** What the explain box asks: `/?method=GET&url=/x&header=Name:value`. */
export interface Question {
  readonly method: string;
  readonly url: string;
  /** `Name: value`, a line each. */
  readonly headers: string;
}

/** @param query of the page's URL, with or without its `?` */
export function focusOf(query: string): Focus {
  const parameters = new URLSearchParams(query);
  const backend = parameters.get('backend');
  return { backend, pod: backend === null ? null : parameters.get('pod') };
}

/** null: nothing is asked. */
export function questionOf(query: string): Question | null {
  const parameters = new URLSearchParams(query);
  const url = parameters.get('url');
  if (url === null || url === '') return null;
  const headers = parameters.getAll('header').join('\n').replaceAll('\r\n', '\n');
  return { method: parameters.get('method') || 'GET', url, headers };
}

export function headerLines(headers: string): string[] {
  return headers
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** As `GET /explain` wants it. */
export function explainQuery({ method, url, headers }: Question): string {
  const parameters = new URLSearchParams({ method, url });
  for (const line of headerLines(headers)) parameters.append('header', line);
  return parameters.toString();
}

export function backendLink(backend: string): string {
  return `/?${new URLSearchParams({ backend })}`;
}

export function podLink(backend: string, pod: string): string {
  return `/?${new URLSearchParams({ backend, pod })}`;
}
