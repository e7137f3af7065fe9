import { close, open, read } from 'node:fs';

/**
 * Linux's tables of TCP connections (proc_net_tcp(5); net/ipv4/tcp_ipv4.c, get_tcp4_sock), read row by row. No regular
 * expression and no string for a row that nobody asks for: there may be tens of thousands.
 */

const SPACE = 0x20;
const COLON = 0x3a;
const LF = 0x0a;
const ZERO = 0x30;
const NO_BYTES = Buffer.alloc(0);

/** Of include/net/tcp_states.h; `other` means a connection whose peer has not ended it. */
export type RowState = 'listen' | 'connecting' | 'fin-wait-1' | 'close-wait' | 'other';

/** The row that is read at the moment, to be asked at once or not at all. */
export interface Row {
  readonly port: number;
  readonly state: RowState;
  /** `connectionKey` */
  key(): string;
  /**
   * How many times in a row the kernel has sent what waits for an acknowledgement again, or asked a peer with a full window for
   * room (`retrnsmt`, `timeout`), and heard nothing. Anything that the peer acknowledges makes it 0.
   */
  unanswered(): number;
  /**
   * For how long, in ms, the kernel has sent the same again at the least; 0 while it does not. Each timeout is twice the one before
   * (RFC 6298 section 5.5), so the present one (`rto`) tells them all. Less than the truth where ICMP has shortened it (RFC 6069).
   */
  unansweredMs(): number;
}

/** What a read costs the event loop besides. */
const TURN_MS = 0.01;

/** Takes the bytes of the tables, in pieces that may end anywhere. */
export interface TableReader {
  take(bytes: Buffer): void;
}

/** Gives the tables' bytes. @returns whether these were all: a table that is there and cannot be read proves no absence */
export type TableSource = (reader: TableReader) => Promise<boolean>;

/** Finds the rows of some local ports. */
export class RowScanner implements TableReader, Row {
  port = 0;
  state: RowState = 'other';
  #bytes: Buffer = NO_BYTES;
  /** Where the local address begins, the state, and the next row. */
  #local = 0;
  #stateAt = 0;
  #end = 0;
  readonly #ports: { has(port: number): boolean };
  readonly #onRow: (row: Row) => void;
  readonly #nowMs: () => number;
  #rest: Buffer | null = null;
  /** The event loop's time so far, in ms. */
  spentMs = 0;

  /** @param ports rows of others are passed over */
  constructor(ports: { has(port: number): boolean }, onRow: (row: Row) => void, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#ports = ports;
    this.#onRow = onRow;
  }

  take(piece: Buffer): void {
    const fromMs = this.#nowMs();
    const bytes = this.#rest === null ? piece : Buffer.concat([this.#rest, piece]);
    let start = 0;
    for (let end = bytes.indexOf(LF); end >= 0; end = bytes.indexOf(LF, start)) {
      this.#row(bytes, start, end);
      start = end + 1;
    }
    // Copied: the piece may be read into again.
    this.#rest = start === bytes.length ? null : Buffer.from(bytes.subarray(start));
    this.spentMs += this.#nowMs() - fromMs + TURN_MS;
  }

  /** `   0: 0100007F:1F90 0200007F:C350 01 …`, addresses of 8 or 32 digits. */
  #row(bytes: Buffer, start: number, end: number): void {
    let at = start;
    while (bytes[at] === SPACE) at++;
    while (at < end && bytes[at] !== COLON) at++;
    const local = at + 2;
    const width = bytes[local + 8] === COLON ? 8 : 32;
    const remote = local + width + 6;
    const state = remote + width + 6;
    if (state + 2 >= end || bytes[remote + width] !== COLON || bytes[state - 1] !== SPACE) return;
    const port = hexPort(bytes, local + width + 1);
    if (!this.#ports.has(port)) return;
    const name = bytes[state] === ZERO ? bytes[state + 1]! : 0;
    // TIME_WAIT: nobody's connection any more.
    if (name === 0x36) return;
    this.port = port;
    this.state = STATES[name] ?? 'other';
    this.#bytes = bytes;
    this.#local = local;
    this.#stateAt = state;
    this.#end = end;
    this.#onRow(this);
  }

  key(): string {
    return this.#bytes.toString('latin1', this.#local, this.#stateAt - 1);
  }

  /** After the state: `tx_queue:rx_queue tr:tm->when retrnsmt` of fixed width, then `uid timeout inode ref pointer rto`. */
  unanswered(): number {
    const bytes = this.#bytes;
    const timer = bytes[this.#stateAt + TIMER + 1];
    const retransmits = this.#stateAt + RETRANSMITS;
    if (timer === RETRANSMIT_TIMER) return number(bytes, retransmits, retransmits + 8, 16);
    if (timer !== PROBE_TIMER) return 0;
    return number(bytes, this.#column(TIMEOUT), this.#end, 10);
  }

  unansweredMs(): number {
    const bytes = this.#bytes;
    const count = this.unanswered();
    if (count === 0 || bytes[this.#stateAt + TIMER + 1] !== RETRANSMIT_TIMER) return 0;
    const rtoMs = number(bytes, this.#column(RTO), this.#end, 10) * TICK_MS;
    const whenMs = number(bytes, this.#stateAt + WHEN, this.#stateAt + WHEN + 8, 16) * TICK_MS;
    return Math.max(0, 2 * rtoMs - rtoMs / 2 ** count - whenMs);
  }

  /** Where the nth column after `retrnsmt` begins, with the spaces before it. */
  #column(n: number): number {
    const bytes = this.#bytes;
    let at = this.#stateAt + RETRANSMITS + 8;
    for (let column = 0; column < n; column++) {
      while (at < this.#end && bytes[at] === SPACE) at++;
      while (at < this.#end && bytes[at] !== SPACE) at++;
    }
    return at;
  }
}

/** By the second digit of the state; the first is 0. */
const STATES: Readonly<Record<number, RowState>> = {
  50: 'connecting',
  51: 'connecting',
  52: 'fin-wait-1',
  56: 'close-wait',
  65: 'listen',
};

/** Where columns begin, from the state on. */
const TIMER = 21;
const WHEN = 24;
const RETRANSMITS = 33;
/** Columns after that. */
const TIMEOUT = 1;
const RTO = 5;
/** Of the times in the table (USER_HZ). */
const TICK_MS = 10;
/** Second digit of `tr`: icsk_pending of get_tcp4_sock. */
const RETRANSMIT_TIMER = 0x31;
const PROBE_TIMER = 0x34;

/** Digits after spaces; 0 where there are none. */
function number(bytes: Buffer, start: number, end: number, base: 10 | 16): number {
  let value = 0;
  let at = start;
  while (at < end && bytes[at] === SPACE) at++;
  for (; at < end; at++) {
    const byte = bytes[at]!;
    const digit = byte <= 0x39 ? byte - ZERO : byte - 0x37;
    if (digit < 0 || digit >= base) break;
    value = value * base + digit;
  }
  return value;
}

/** Four digits; -1 where they are none. */
function hexPort(bytes: Buffer, at: number): number {
  let port = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i]!;
    const digit = byte <= 0x39 ? byte - ZERO : byte - 0x37;
    if (digit < 0 || digit > 15) return -1;
    port = port * 16 + digit;
  }
  return port;
}

const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
/** More than the page that the kernel gives at a time. */
const PIECE_BYTES = 16 * 1024;

/** The tables of this network namespace; none on other systems, or where /proc is sealed. */
export const linuxTables: TableSource = async (reader) => {
  let complete = true;
  for (const path of TABLES) {
    const error = await readPieces(path, reader);
    if (error !== null && error.code !== 'ENOENT') complete = false;
  }
  return complete;
};

/** Reads with callbacks, for a table of 1,000 pages costs half of what promises take. */
function readPieces(path: string, reader: TableReader): Promise<NodeJS.ErrnoException | null> {
  return new Promise((resolve) => {
    open(path, (failure, fd) => {
      if (failure !== null) return resolve(failure);
      const buffer = Buffer.allocUnsafe(PIECE_BYTES);
      const next = (error: NodeJS.ErrnoException | null, count: number): void => {
        if (error !== null || count === 0) {
          close(fd, () => resolve(error));
          return;
        }
        reader.take(buffer.subarray(0, count));
        read(fd, buffer, 0, PIECE_BYTES, null, next);
      };
      read(fd, buffer, 0, PIECE_BYTES, null, next);
    });
  });
}

/** A connection as the tables show it: `local address:port remote address:port`. */
export function connectionKey(
  localAddress: string,
  localPort: number,
  remoteAddress: string,
  remotePort: number,
): string {
  return `${addressKey(localAddress)}:${hex(localPort, 4)} ${addressKey(remoteAddress)}:${hex(remotePort, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** How the peer of a connection has it in the tables, if it is of this network namespace: by each family that it may use. */
export function peerKeys(
  localAddress: string,
  localPort: number,
  remoteAddress: string,
  remotePort: number,
): readonly string[] {
  const key = connectionKey(remoteAddress, remotePort, localAddress, localPort);
  if (!remoteAddress.startsWith(MAPPED) || !localAddress.startsWith(MAPPED)) return [key];
  // An IPv4 client of a socket for both.
  const [remote, local] = [remoteAddress.slice(MAPPED.length), localAddress.slice(MAPPED.length)];
  return [key, connectionKey(remote, remotePort, local, localPort)];
}

const MAPPED = '::ffff:';

/** An address as the tables show it: words of 32 bits, each with its lowest byte first. */
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
