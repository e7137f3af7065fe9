/** What is wrong with a query; its message names the parameter. */
export class ParameterError extends Error {}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @throws ParameterError for a parameter that is not among `known` */
function parametersOf(query: string, known: readonly string[]): URLSearchParams {
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys())
    if (!known.includes(name))
      throw new ParameterError(
        `unknown parameter ${JSON.stringify(name.slice(0, 100))}; known: ${known.join(', ')}`,
      );
  return parameters;
}

function only(parameters: URLSearchParams, name: string): string {
  const values = parameters.getAll(name);
  if (values.length === 0 || values[0] === '') throw new ParameterError(`parameter ${name} is missing`);
  if (values.length > 1) throw new ParameterError(`parameter ${name} is given ${values.length} times`);
  return values[0]!;
}

export interface ExplainParameters {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** Reads `method`, `url` and any number of `header=Name:value`. @throws ParameterError */
export function explainParameters(query: string): ExplainParameters {
  const parameters = parametersOf(query, ['method', 'url', 'header']);
  const method = only(parameters, 'method');
  if (!TOKEN.test(method)) throw new ParameterError('parameter method is not an HTTP method');
  const url = only(parameters, 'url');
  if (!/^(?:\/|\*$|https?:\/\/)/i.test(url))
    throw new ParameterError('parameter url is neither a path that begins with / nor an http URL');
  return { method, url, headers: parameters.getAll('header').map(headerOf) };
}

function headerOf(line: string): [string, string] {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const value = line.slice(colon + 1).replace(/^[ \t]+|(?<![ \t])[ \t]+$/g, '');
  if (!TOKEN.test(name) || /[\x00-\x08\x0a-\x1f\x7f]/.test(value))
    throw new ParameterError(`parameter header is not Name:value but ${JSON.stringify(line.slice(0, 100))}`);
  return [name, value];
}

/** Reads `backend`. @throws ParameterError */
export function backendParameter(query: string): string {
  return only(parametersOf(query, ['backend']), 'backend');
}

/** Reads `level`. @throws ParameterError */
export function levelParameter(query: string): string {
  return only(parametersOf(query, ['level']), 'level');
}
