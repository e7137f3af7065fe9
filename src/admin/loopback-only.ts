import type { IncomingMessage } from 'node:http';

const LOOPBACK = /^(?:localhost|127(?:\.(?:0|[1-9][0-9]{0,2})){3}|\[::1\])(?::[0-9]{1,5})?$/i;

/**
 * Whether `host` (of Host or of an absolute-form target) is literally this machine: `localhost`, 127.0.0.0/8 in plain
 * decimal or `[::1]`, with any port. A name that merely resolves to loopback is what DNS rebinding uses (case A1), so
 * no name but `localhost` counts, not even with a dot at its end.
 */
export function isLoopbackHost(host: string): boolean {
  if (!LOOPBACK.test(host)) return false;
  const [name = '', port] = host.startsWith('[') ? ['', host.split(']:')[1]] : host.split(':');
  return (
    name.split('.').every((part) => !/^[0-9]/.test(part) || Number(part) <= 255) && Number(port ?? 0) <= 65535
  );
}

/** All lines of a field as they came: Node keeps only the first Host. */
export function linesOf(request: IncomingMessage, name: string): string[] {
  const lines: string[] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2)
    if (request.rawHeaders[i]!.toLowerCase() === name) lines.push(request.rawHeaders[i + 1]!);
  return lines;
}

/**
 * Why a request may not be served on a loopback port that any web page can aim a browser at, or null.
 * @param authority of an absolute-form target, else null
 */
export function refusalOf(request: IncomingMessage, authority: string | null): string | null {
  const hosts = linesOf(request, 'host');
  if (hosts.length !== 1) return `one Host field is expected, ${hosts.length} came`;
  if (!isLoopbackHost(hosts[0]!) || (authority !== null && !isLoopbackHost(authority)))
    return 'only localhost, 127.0.0.0/8 and [::1] are served here: the Host is another';
  return request.method === 'GET' || request.method === 'HEAD'
    ? null
    : crossSite(request, authority ?? hosts[0]!);
}

/** Case A3: a page may send a simple POST anywhere; browsers then say where it comes from. */
function crossSite(request: IncomingMessage, host: string): string | null {
  const origins = linesOf(request, 'origin');
  if (origins.length > 1 || (origins.length === 1 && originOf(origins[0]!) !== originOf(`http://${host}`)))
    return 'the Origin is another: web pages may not control headroute';
  const sites = linesOf(request, 'sec-fetch-site');
  // `same-site` is another port of this machine, which is another program.
  if (sites.some((site) => site !== 'same-origin' && site !== 'none') || sites.length > 1)
    return 'the request comes from another site: web pages may not control headroute';
  return null;
}

function originOf(origin: string): string {
  return origin.toLowerCase().replace(/^(http:\/\/.*):80$/, '$1');
}
