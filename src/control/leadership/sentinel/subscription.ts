import type { Socket } from 'node:net';
import type { Credentials } from '../../../model/config.ts';
import type { Clock, Timer } from '../../../platform/clock.ts';
import { guarded } from '../../../platform/guard.ts';
import type { Random } from '../../../platform/random.ts';
import { dial } from '../../probe/dial.ts';
import { MAX_READ_BYTES } from '../../probe/probe-exchange.ts';
import type { ProbeTarget } from '../../probe/probe-result.ts';
import { decodeReply, encodeAuth, encodeCommand, isError, type Reply } from '../../probe/resp.ts';
import { refusalText } from './ask-master.ts';
import { PATTERNS, readMessage, type SentinelMessage } from './messages.ts';

const CONNECT_MS = 1000;
/** How often it is asked whether it is still there, and how long it may say nothing at all. */
const PING_MS = 1000;
const SILENCE_MS = 3000;
/** Before another connection is tried, twice as long after each that failed. */
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2000;

export interface SubscriptionDeps {
  readonly clock: Clock;
  readonly random: Random;
}

export interface SubscriptionEvents {
  onMessage(message: SentinelMessage): void;
  /** It is listened to from now on (null), or not any more, and why. */
  onState(problem: string | null): void;
}

/** Listens to what one Sentinel tells of one master, over one connection at a time, until `close`. */
export class Subscription {
  readonly #target: ProbeTarget;
  readonly #master: string;
  readonly #auth: Credentials | null;
  readonly #events: SubscriptionEvents;
  readonly #deps: SubscriptionDeps;
  #received: Buffer = Buffer.alloc(0);
  /** Replies to AUTH and to each pattern that have not come yet. */
  #pending = 0;
  #retryMs = FIRST_RETRY_MS;
  #lastHeardMs = 0;
  #timer: Timer | null = null;
  /** Gives the present connection up, or the try for one. */
  #hangUp: () => void = () => {};

  constructor(
    target: ProbeTarget,
    master: string,
    auth: Credentials | null,
    events: SubscriptionEvents,
    deps: SubscriptionDeps,
  ) {
    this.#target = target;
    this.#master = master;
    this.#auth = auth;
    this.#events = events;
    this.#deps = deps;
    this.#connect();
  }

  close(): void {
    this.#timer?.clear();
    this.#hangUp();
  }

  #connect(): void {
    const { addresses, port } = this.#target;
    this.#hangUp = dial(
      { addresses, port, timeoutMs: CONNECT_MS },
      (socket) => this.#begin(socket),
      ({ reason }) => this.#lost(reason),
    );
  }

  #begin(socket: Socket): void {
    const hangUp = this.#hangUp;
    let over = false;
    this.#hangUp = () => {
      over = true;
      hangUp();
    };
    const lost = guarded('probe', (reason: string) => {
      if (!over) this.#lost(reason);
    });
    socket.on('data', (chunk) =>
      guarded(
        'probe',
        () => over || this.#take(chunk),
        () => lost('internal error'),
      )(),
    );
    socket.on('error', () => lost('connection reset'));
    socket.on('end', () => lost('connection closed'));
    socket.on('close', () => lost('connection closed'));
    this.#received = Buffer.alloc(0);
    this.#pending = PATTERNS.length + (this.#auth === null ? 0 : 1);
    this.#lastHeardMs = this.#deps.clock.nowMs();
    if (this.#auth !== null) socket.write(encodeAuth(this.#auth));
    socket.write(encodeCommand('PSUBSCRIBE', ...PATTERNS));
    this.#ping(socket);
  }

  #ping(socket: Socket): void {
    const { clock } = this.#deps;
    this.#timer = clock.after(PING_MS, () => {
      if (clock.nowMs() - this.#lastHeardMs > SILENCE_MS) {
        this.#lost('no answer');
        return;
      }
      socket.write(encodeCommand('PING'));
      this.#ping(socket);
    });
  }

  #take(chunk: Buffer): void {
    this.#lastHeardMs = this.#deps.clock.nowMs();
    this.#received = Buffer.concat([this.#received, chunk]);
    try {
      for (let next = decodeReply(this.#received); next !== null; next = decodeReply(this.#received)) {
        this.#received = this.#received.subarray(next.end);
        if (!this.#hear(next.reply)) return;
      }
    } catch (error) {
      this.#lost((error as Error).message);
      return;
    }
    if (this.#received.length > MAX_READ_BYTES) this.#lost('a message is too long');
  }

  /** @returns false: the connection is given up */
  #hear(reply: Reply): boolean {
    // A Sentinel without a password refuses AUTH and serves all the same.
    const isAuth = this.#auth !== null && this.#pending === PATTERNS.length + 1;
    if (isError(reply) && !isAuth) {
      this.#lost(`answers ${refusalText(reply, this.#auth)}`);
      return false;
    }
    if (Array.isArray(reply) && reply[0] === 'pmessage') {
      const [, , channel, text] = reply;
      const message =
        typeof channel === 'string' && typeof text === 'string'
          ? readMessage(channel, text, this.#master)
          : null;
      if (message !== null) this.#events.onMessage(message);
      return true;
    }
    if (this.#pending > 0 && --this.#pending === 0) {
      this.#retryMs = FIRST_RETRY_MS;
      this.#events.onState(null);
    }
    return true;
  }

  #lost(reason: string): void {
    const { clock, random } = this.#deps;
    this.close();
    // Many sidecars lose a Sentinel in the same moment.
    this.#timer = clock.after(this.#retryMs * (1 - 0.5 * random()), () => this.#connect());
    this.#retryMs = Math.min(LAST_RETRY_MS, this.#retryMs * 2);
    this.#events.onState(reason);
  }
}
