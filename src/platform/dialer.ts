import { connect, type OnReadOpts, type Socket } from 'node:net';
import { type Clock, systemClock, type Timer } from './clock.ts';
import { localErrorOf } from './local-error.ts';
import type { TlsCause, TlsError } from './tls/failure.ts';
import { handshake, type TlsTerms } from './tls/handshake.ts';

/** A host to be connected to. */
export interface DialTarget {
  /** At least one, tried in order. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** For all addresses together; infinite: no limit. */
  readonly timeoutMs: number;
  readonly options: DialOptions;
  /** Absent or null: plain. With it `options.onread` has no effect, and the connection is there once the handshake is over. */
  readonly tls?: TlsTerms | null;
}

/** What Node is told of the socket, as in `net.connect`. */
export interface DialOptions {
  readonly noDelay: boolean;
  readonly allowHalfOpen?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
  readonly onread?: OnReadOpts;
}

/** Why there is no connection: of several addresses the failure that says most about the host. */
export interface DialFailure {
  /**
   * What it says of the host. `local`: nothing, for this machine could ask at none of its addresses; `silent`: it gave no sign of
   * life, or nobody knows a way to it; `refused`: it, or something on the way, said no.
   */
  readonly kind: 'local' | 'silent' | 'refused';
  /** Node's; null: nothing came in time. */
  readonly error: NodeJS.ErrnoException | null;
  /** For logs and answers: Node's code, what is missing here in words, or how long was waited. */
  readonly reason: string;
  /** Why TLS did not come about, over a connection that did. */
  readonly tls?: TlsCause;
}

/** Exactly one of these is called, once, in a later turn of the event loop. They guard themselves (platform/guard.ts). */
export interface DialUser {
  /** The socket (a TLSSocket, where that was asked for) is the caller's; nobody listens to its `error` yet. */
  opened(socket: Socket): void;
  unopened(failure: DialFailure): void;
}

/** Opens every TCP connection of this program that it asks for itself, whatever goes over it. */
export class Dialer {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  dial(target: DialTarget, user: DialUser): Dial {
    return new Dial(target, user, this.#clock);
  }
}

export const systemDialer: Dialer = new Dialer(systemClock);

/** Of a host that is gone, or to which nobody knows a way. */
const UNREACHABLE: ReadonlySet<string | undefined> = new Set([
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
]);

/** How much a failure says about the host. */
const WEIGHT = { local: 0, silent: 1, refused: 2 } as const;

/**
 * A connection that is being opened, to the first address that takes it. Each address but the last has half of the time that is
 * left, so that a family that leads nowhere does not use up all of it (A and AAAA of one Pod); the last has what is left, and not
 * less because a turn of the event loop was long.
 */
export class Dial {
  readonly #target: DialTarget;
  readonly #user: DialUser;
  readonly #clock: Clock;
  readonly #dueMs: number;
  #index = 0;
  #told: DialFailure | null = null;
  /** Ends the present try. */
  #giveUp!: () => void;

  constructor(target: DialTarget, user: DialUser, clock: Clock) {
    this.#target = target;
    this.#user = user;
    this.#clock = clock;
    this.#dueMs = clock.nowMs() + target.timeoutMs;
    this.#try();
  }

  /** Gives it up without a call. Not for a socket that was handed over. */
  cancel(): void {
    this.#giveUp();
  }

  #try(): void {
    const { addresses, port, timeoutMs, options, tls = null } = this.#target;
    const address = addresses[this.#index]!;
    const socket = connect({ ...options, host: address, port });
    let timer: Timer | null = null;
    const settle = (): void => {
      timer?.clear();
      socket.off('error', onError);
      socket.off('connect', onConnect);
    };
    this.#giveUp = () => {
      settle();
      socket.on('error', () => {});
      socket.destroy();
    };
    const onError = (error: NodeJS.ErrnoException): void => this.#failed(failureOf(error));
    const onConnect = (): void => {
      if (tls === null) {
        settle();
        this.#user.opened(socket);
      } else {
        socket.off('error', onError);
        late = {
          kind: 'refused',
          error: null,
          reason: `no TLS handshake within ${timeoutMs} ms`,
          tls: 'timeout',
        };
        this.#secure(socket, tls, `${address} ${port}`, () => timer?.clear());
      }
    };
    let late: DialFailure = { kind: 'silent', error: null, reason: `no connection within ${timeoutMs} ms` };
    socket.on('error', onError);
    socket.on('connect', onConnect);
    const limitMs = this.#limitMs();
    if (limitMs === Number.POSITIVE_INFINITY) return;
    timer = this.#clock.after(limitMs, () => this.#failed(late));
  }

  #secure(socket: Socket, tls: TlsTerms, peer: string, settle: () => void): void {
    const giveUp = handshake(socket, tls, peer, this.#clock, {
      secured: (secured) => {
        settle();
        this.#user.opened(secured);
      },
      failed: (error) => this.#failed(tlsFailure(error)),
    });
    this.#giveUp = () => {
      settle();
      giveUp();
    };
  }

  get #isLast(): boolean {
    return this.#index === this.#target.addresses.length - 1;
  }

  #limitMs(): number {
    const { addresses, timeoutMs } = this.#target;
    const leftMs = this.#dueMs - this.#clock.nowMs();
    const leastMs = timeoutMs / 2 ** Math.min(this.#index + 1, addresses.length - 1);
    return Math.max(leastMs, this.#isLast ? leftMs : leftMs / 2);
  }

  #failed(failure: DialFailure): void {
    this.#giveUp();
    if (this.#told === null || WEIGHT[failure.kind] >= WEIGHT[this.#told.kind]) this.#told = failure;
    if (this.#isLast) this.#user.unopened(this.#told);
    else {
      this.#index++;
      this.#try();
    }
  }
}

function tlsFailure(error: TlsError): DialFailure {
  const kind = error.tlsCause === 'own_files' ? 'local' : 'refused';
  return { kind, error, reason: error.message, tls: error.tlsCause };
}

function failureOf(error: NodeJS.ErrnoException): DialFailure {
  const local = localErrorOf(error.code);
  if (local !== null) return { kind: 'local', error, reason: local };
  const kind = UNREACHABLE.has(error.code) ? 'silent' : 'refused';
  return { kind, error, reason: error.code ?? error.message };
}
