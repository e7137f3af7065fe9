import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatAddress } from '../model/address.ts';
import type { HostPort } from '../model/config.ts';

/**
 * Listens, and says in words what is wrong where it cannot. A host of `''` is every address: `::` for both families, or
 * `0.0.0.0` where the node has no IPv6.
 *
 * @param key the configuration key to change, as in `admin.address`
 * @throws Error that names the address, the port and the key
 */
export async function bind(server: Server, address: HostPort, key: string): Promise<HostPort> {
  try {
    if (address.host !== '') await listen(server, address.host, address.port);
    else await listenEverywhere(server, address.port);
  } catch (error) {
    throw new Error(`cannot listen on ${formatAddress(address)} (${key}): ${reasonOf(error, address, key)}`, {
      cause: error,
    });
  }
  const bound = server.address() as AddressInfo;
  return { host: bound.address, port: bound.port };
}

async function listenEverywhere(server: Server, port: number): Promise<void> {
  try {
    await listen(server, '::', port);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    await listen(server, '0.0.0.0', port);
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, ipv6Only: false }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function reasonOf(error: unknown, { host, port }: HostPort, key: string): string {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `port ${port} is already in use; set ${key} to a free port`;
    case 'EACCES':
      return port < 1024
        ? `port ${port} is privileged and this process may not bind it; set ${key} to a port from 1024 on`
        : `this process may not bind port ${port}; set ${key} to another`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this host; change ${key}`;
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
