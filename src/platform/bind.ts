import type { AddressInfo, Server } from 'node:net';

/** Where to listen; a host of `''` is every address. */
export interface BindAddress {
  readonly host: string;
  readonly port: number;
  /** Connections that the kernel keeps for Node, which accepts them one by one; default Node's own. */
  readonly backlog?: number;
}

/**
 * Listens, and says in words what is wrong where it cannot. Every address is `::` for both families, or `0.0.0.0` where the node has no
 * IPv6.
 *
 * @param key the configuration key to change, as in `admin.address`
 * @returns the address and port that it got
 * @throws Error that names the address, the port and the key
 */
export async function bind(server: Server, address: BindAddress, key: string): Promise<BindAddress> {
  try {
    if (address.host !== '') await listen(server, address);
    else await listenEverywhere(server, address);
  } catch (error) {
    const shown = `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    throw new Error(`cannot listen on ${shown} (${key}): ${reasonOf(error, address, key)}`, { cause: error });
  }
  const bound = server.address() as AddressInfo;
  return { host: bound.address, port: bound.port };
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
