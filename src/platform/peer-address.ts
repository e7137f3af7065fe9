import type { Socket } from 'node:net';

/**
 * The peer's address and port; null where the socket is closed already. Node.js keeps with the socket what it was asked for, and would
 * hide a later RST by it (`wasReset`): here it is kept elsewhere.
 */
export function peerAddress(socket: Socket): { readonly host: string; readonly port: number } | null {
  const kept = new Map<string | symbol, unknown>();
  const asked = new Proxy(socket, {
    get: (target, key, receiver) => (kept.has(key) ? kept.get(key) : Reflect.get(target, key, receiver)),
    set: (_, key, value) => {
      kept.set(key, value);
      return true;
    },
  });
  const { remoteAddress: host, remotePort: port } = asked;
  return host === undefined || port === undefined ? null : { host, port };
}
