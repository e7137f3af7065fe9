import type { AddressInfo, Server } from 'node:net';

/** Where to listen; a host of `''` is every address. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
  /** Connections that the kernel keeps for Node, which accepts them one by one; default Node's own. */
  readonly backlog?: number;
}

/** An address could not be bound. */
export class BindError extends Error {
  /** What this very process listens on at that port; null: it is another's, or something else is wrong. */
  readonly own: BindAddress | null;

  constructor(message: string, own: BindAddress | null, cause: unknown) {
    super(message, { cause });
    this.own = own;
  }
}

/** What this process was bound to, with the key that says so, so that it blames nobody else for it. */
const bounds = new Map<Server, { readonly address: BindAddress; readonly key: string }>();

/**
 * Listens, and says in words what is wrong where it cannot. Every address is `::` for both families, or `0.0.0.0` where the node has no
 * IPv6.
 *
 * @param key the configuration key to change, as in `admin.address`
 * @returns the address and port that it got
 * @throws BindError that names the address, the port and the key
 */
export async function bind(server: Server, address: BindAddress, key: string): Promise<BindAddress> {
  try {
    if (address.host !== '') await listen(server, address);
    else await listenEverywhere(server, address);
  } catch (error) {
    const own = codeOf(error) === 'EADDRINUSE' ? ownAt(address.port) : null;
    const reason =
      own === null
        ? reasonOf(error, address, key)
        : `headroute itself listens on ${shown(own.address)} (${own.key}); set ${key} to another address`;
    throw new BindError(
      `cannot listen on ${shown(address)} (${key}): ${reason}`,
      own?.address ?? null,
      error,
    );
  }
  const { address: host, port } = server.address() as AddressInfo;
  bounds.set(server, { address: { host, port }, key });
  server.once('close', () => bounds.delete(server));
  return { host, port };
}

function ownAt(port: number): { readonly address: BindAddress; readonly key: string } | null {
  // A server that waits for its connections to end is in the list, but has given its port up.
  for (const [server, bound] of bounds) if (server.listening && bound.address.port === port) return bound;
  return null;
}

function shown({ host, port }: BindAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function listenEverywhere(server: Server, address: BindAddress): Promise<void> {
  try {
    await listen(server, { ...address, host: '::' });
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    await listen(server, { ...address, host: '0.0.0.0' });
  }
}

function listen(server: Server, address: BindAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...address, ipv6Only: false }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function reasonOf(error: unknown, { host, port }: BindAddress, key: string): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `port ${port} is in use by another process; set ${key} to a free port, or stop the other`;
    case 'EACCES':
      return port < 1024
        ? `port ${port} is privileged and this process may not bind it; set ${key} to a port from 1024 on, or grant NET_BIND_SERVICE`
        : `this process may not bind port ${port}; set ${key} to another`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this host; change ${key}`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host} does not resolve; change ${key}`;
    default:
      return `${error instanceof Error ? error.message : String(error)}; change ${key}`;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
