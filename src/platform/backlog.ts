import { close, open, read } from 'node:fs';
import type { Server } from 'node:net';

/**
 * Changes how many connections the kernel keeps for a server that listens already: listen(2) may be called again. Node has no public
 * way to do so; its handle's `listen` has been the same since Node 0.x. Where it is missing nothing changes.
 *
 * @returns whether the kernel took it
 */
export function resizeBacklog(server: Server, backlog: number): boolean {
  const handle = (server as unknown as { _handle?: { listen?: (backlog: number) => number } | null })._handle;
  return typeof handle?.listen === 'function' && handle.listen(backlog) === 0;
}

/** Listening sockets come first in these tables (proc_net_tcp(5)): the beginning is enough. */
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const BEGINNING_BYTES = 16 * 1024;

/**
 * How many connections the kernel has for a listening port that nobody has accepted yet: the row's rx_queue (net/ipv4/tcp_ipv4.c,
 * get_tcp4_sock). @returns null where that cannot be told: other systems, a sealed /proc
 */
export async function waitingConnections(port: number): Promise<number | null> {
  let waiting: number | null = null;
  for (const table of TABLES) {
    const text = await beginningOf(table);
    const rows = text.matchAll(
      /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A [0-9A-F]{8}:([0-9A-F]{8}) /gm,
    );
    for (const [, local, queue] of rows)
      if (Number.parseInt(local!, 16) === port) waiting = (waiting ?? 0) + Number.parseInt(queue!, 16);
  }
  return waiting;
}

function beginningOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    open(path, (failure, fd) => {
      if (failure !== null) return resolve('');
      read(fd, Buffer.allocUnsafe(BEGINNING_BYTES), 0, BEGINNING_BYTES, null, (error, count, buffer) => {
        close(fd, () => resolve(error === null ? buffer.toString('latin1', 0, count) : ''));
      });
    });
  });
}
