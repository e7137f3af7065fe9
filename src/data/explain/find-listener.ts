import { isIP } from 'node:net';
import type { ListenerSnapshot } from '../../model/snapshot.ts';
import type { DescribedRequest } from './described-request.ts';
import type { Present } from './present.ts';

/**
 * The listener that a described request comes to: that of its URL's port. Of several at one port, that of its host. Without a
 * port in it, as in a path alone, the one at port 80, else the first that takes HTTP: the sidecar's address is not known then.
 * @returns a sentence: nobody listens there
 */
export function findListener(
  { snapshot, addresses }: Present,
  { to }: DescribedRequest,
): ListenerSnapshot | string {
  const byName = (name: string): ListenerSnapshot | undefined =>
    snapshot.listeners.find(({ config }) => config.name === name);
  const port = to?.port ?? 80;
  const there = to === null ? [] : addresses.filter((address) => address.port === port);
  const name = (there.find(({ host }) => isAt(host, to!.host)) ?? there[0])?.name;
  const found = name === undefined ? undefined : byName(name);
  if (found !== undefined) return found;
  if (to !== null && to.port !== null) return `no listener of the sidecar has port ${port}`;
  const first = snapshot.listeners.find(({ config }) => config.protocol === 'HTTP') ?? snapshot.listeners[0];
  return first ?? 'there is no listener';
}

/** @param bound a literal address @param host as in a URL */
function isAt(bound: string, host: string): boolean {
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  if (isIP(plain) !== 0) return bound === plain;
  return plain === 'localhost' && (bound === '127.0.0.1' || bound === '::1');
}
