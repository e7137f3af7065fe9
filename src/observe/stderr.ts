import { constants, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

const AGAIN = '/proc/self/fd/2';

/**
 * A descriptor for what goes to stderr that does not block where its reader stalls: a pipe, a FIFO, a terminal that is stopped.
 * Opened anew where that is allowed, since whether an open file blocks is shared with every process that inherited it, and each
 * of them could turn it back. Where it is not (a pipe of another user, a socket, no /proc), libuv has made stderr itself so, as
 * it does with every pipe and socket when `process.stderr` is first read. A write to a file waits for nobody.
 */
export function stderrDescriptor(): number {
  const { fd } = process.stderr;
  if (!isatty(fd) && !fstatSync(fd).isFIFO()) return fd;
  try {
    return openSync(AGAIN, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return fd;
  }
}
