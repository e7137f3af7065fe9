import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from './clock.ts';

const POLL_MS = 250;
/** TCP states of /proc/net/tcp (Linux, include/net/tcp_states.h). */
const CLOSE_WAIT = '08';
const LISTEN = '0A';

interface Watched {
  readonly onGone: () => void;
  /**
   * Whether the kernel's table ever showed it: then its absence means a reset. So it does where the table shows our
   * listener, for it is of this network namespace then.
   */
  seen: boolean;
}

/**
 * Notices that a peer has closed its side although nothing is read from the connection: Node sees a FIN or RST only by
 * reading. Asks Linux's table of connections; where there is none (other systems, a sealed /proc) nobody is ever gone.
 */
export class PeerWatch {
  readonly #watched = new Map<Socket, Watched>();
  readonly #clock: Clock;
  readonly #table: () => Promise<string>;
  #timer: Timer | null = null;
  #checking: Promise<void> | null = null;

  constructor(clock: Clock = systemClock, table: () => Promise<string> = linuxTable) {
    this.#clock = clock;
    this.#table = table;
  }

  /** Calls `onGone` once when the peer has sent a FIN or a RST. @returns a function that ends the watch. */
  watch(socket: Socket, onGone: () => void): () => void {
    this.#watched.set(socket, { onGone, seen: false });
    if (this.#watched.size === 1) void this.check();
    this.#arm();
    return () => this.#watched.delete(socket);
  }

  /** Looks at every watched connection now. Calls at the same time share one look. */
  check(): Promise<void> {
    this.#checking ??= this.#look().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  #arm(): void {
    if (this.#timer !== null || this.#watched.size === 0) return;
    this.#timer = this.#clock.after(POLL_MS, () => {
      this.#timer = null;
      void this.check().then(() => this.#arm());
    });
  }

  async #look(): Promise<void> {
    const asked = [...this.#watched];
    const { states, listening } = readTable(await this.#table());
    for (const [socket, watched] of asked) {
      if (this.#watched.get(socket) !== watched) continue;
      const state = states.get(keyOf(socket));
      if (state !== undefined && state !== CLOSE_WAIT) watched.seen = true;
      else if (state === CLOSE_WAIT || watched.seen || listening.has(hex(socket.localPort ?? 0, 4))) {
        this.#watched.delete(socket);
        watched.onGone();
      }
    }
  }
}

async function linuxTable(): Promise<string> {
  const files = await Promise.allSettled(
    ['/proc/net/tcp', '/proc/net/tcp6'].map((path) => readFile(path, 'latin1')),
  );
  return files.map((file) => (file.status === 'fulfilled' ? file.value : '')).join('\n');
}

/** State by `local port, remote address and port`, and the local ports that are listened on. */
function readTable(table: string): { states: Map<string, string>; listening: Set<string> } {
  const states = new Map<string, string>();
  const listening = new Set<string>();
  for (const line of table.split('\n')) {
    const row = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) ([0-9A-F]+:[0-9A-F]{4}) ([0-9A-F]{2}) /.exec(line);
    if (row === null) continue;
    states.set(`${row[1]} ${row[2]}`, row[3]!);
    if (row[3] === LISTEN) listening.add(row[1]!);
  }
  return { states, listening };
}

function keyOf({ localPort = 0, remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${hex(localPort, 4)} ${addressKey(remoteAddress)}:${hex(remotePort, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** An address as the table shows it: words of 32 bits, each with its lowest byte first. */
export function addressKey(address: string): string {
  const bytes = address.includes(':') ? ipv6Bytes(address) : address.split('.').map(Number);
  let key = '';
  for (let i = 0; i + 3 < bytes.length; i += 4)
    key += [bytes[i + 3]!, bytes[i + 2]!, bytes[i + 1]!, bytes[i]!].map((byte) => hex(byte, 2)).join('');
  return key;
}

function ipv6Bytes(address: string): number[] {
  const plain = address
    .replace(/%.*$/, '')
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
      [Number(a) * 256 + Number(b), Number(c) * 256 + Number(d)].map((word) => word.toString(16)).join(':'),
    );
  const [head = '', tail] = plain.split('::');
  const words = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((word) => Number.parseInt(word, 16));
  const front = words(head);
  const back = tail === undefined ? [] : words(tail);
  const all = [...front, ...new Array<number>(Math.max(0, 8 - front.length - back.length)).fill(0), ...back];
  return all.flatMap((word) => [word >> 8, word & 0xff]);
}
