import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Ports that are free on all of the addresses: servers that are no part of headroute cannot be told to choose their own and say
 * which. All are held at once before they are given back, so that no two are the same.
 */
export async function freePorts(count: number, hosts: readonly string[] = ['127.0.0.1']): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  try {
    for (let tries = 0; ports.length < count; tries++) {
      if (tries > count + 50) throw new Error(`no ${count} ports are free on ${hosts.join(', ')}`);
      const first = await listen(hosts[0]!, 0);
      held.push(first);
      const { port } = first.address() as { port: number };
      const others = await Promise.allSettled(hosts.slice(1).map((host) => listen(host, port)));
      for (const other of others) if (other.status === 'fulfilled') held.push(other.value);
      if (others.every((other) => other.status === 'fulfilled')) ports.push(port);
    }
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
  return ports;
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  return server;
}
