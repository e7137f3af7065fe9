import type { Socket } from 'node:net';
import type { ListenerConfig } from '../../model/config.ts';
import type { Failure } from '../../model/failure.ts';
import type { Downstream, Exchange } from '../exchange/exchange.ts';
import type { HttpDeps } from '../exchange/http-deps.ts';
import { startExchange } from '../exchange/start-exchange.ts';
import type { UpstreamConnection } from '../forward/upstream-connection.ts';
import { CR, LF } from '../http1/bytes.ts';
import type { Piece } from '../http1/chunk-scanner.ts';
import { RequestBody } from '../http1/request-body.ts';
import { RequestHead } from '../http1/request-head.ts';
import { problemAnswer } from '../respond/problem.ts';
import { PendingBytes } from './pending-bytes.ts';

const NEVER = Number.POSITIVE_INFINITY;
/** After an early answer the rest of the request is read for so long, or so far, that the client can read the answer. */
const LINGER_MS = 500;
const LINGER_BYTES = 1024 * 1024;
const MAX_EMPTY_LINES = 4;
/** Input stopped for so long is watched for its client's end, which Node sees only by reading. */
const WATCH_AFTER_MS = 100;

/**
 * What a client's connection is doing:
 * - `head`: waits for a request, or for the rest of its head;
 * - `exchange`: a request is being answered; its body is read as it comes;
 * - `linger`: the last answer is written, input is read and dropped for a while;
 * - `gone`: handed to a tunnel, or over.
 */
type State = 'head' | 'exchange' | 'linger' | 'gone';

/** One client's connection: heads and bodies in, one exchange after another, answers in order. */
export class HttpConnection implements Downstream {
  readonly socket: Socket;
  readonly peer: string;
  bound: UpstreamConnection | null = null;
  closing = false;
  readonly #deps: HttpDeps;
  readonly #listener: ListenerConfig;
  #state: State = 'head';
  #head: RequestHead | null = null;
  #body: RequestBody | null = null;
  #exchange: (Exchange & { start(): void }) | null = null;
  /** Bytes read but not used: a part of a head, or requests sent ahead. */
  readonly #pending = new PendingBytes();
  #processing = false;
  #deadlineMs: number;
  #bodyReadMs = 0;
  #lingered = 0;
  #lateLinger = false;
  #emptyLines = 0;
  #inputPaused = false;
  #pausedMs = 0;
  #unwatch: (() => void) | null = null;

  constructor(socket: Socket, listener: ListenerConfig, deps: HttpDeps) {
    this.socket = socket;
    this.peer = plainAddress(socket.remoteAddress ?? '');
    this.#listener = listener;
    this.#deps = deps;
    this.#deadlineMs = performance.now() + listener.timeouts.idleMs;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', ignore);
    socket.on('close', this.#onClose);
  }

  /** Nothing is being answered and no byte of a request is here. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.#pending.length === 0;
  }

  /** Called some twenty times a second. */
  tick(nowMs: number): void {
    if (this.#inputPaused && this.#unwatch === null && nowMs - this.#pausedMs > WATCH_AFTER_MS) this.#watch();
    const exchange = this.#exchange;
    if (exchange !== null) {
      if (nowMs >= exchange.deadlineMs) exchange.expire(nowMs);
      else if (exchange.awaitsBody && nowMs - this.#bodyReadMs > this.#listener.timeouts.bodyMs)
        exchange.bodyFailed(
          'body_timeout',
          `no byte of the body within ${this.#listener.timeouts.bodyMs} ms`,
        );
    } else if (nowMs >= this.#deadlineMs) this.#expire();
  }

  /** Finishes what is in hand and closes; at once if that is nothing. */
  close(): void {
    this.closing = true;
    if (this.isIdle) this.#linger();
  }

  /** The shutdown's time is over. */
  shutDown(): void {
    this.#exchange?.shutDown();
    if (this.#state !== 'gone') this.socket.destroySoon();
  }

  pause(): void {
    this.#setPaused(true);
  }

  resume(): void {
    this.#bodyReadMs = performance.now();
    this.#setPaused(false);
  }

  bind(connection: UpstreamConnection): void {
    this.bound?.destroy();
    this.bound = connection;
  }

  finished(keep: boolean): void {
    this.#exchange = null;
    this.#body = null;
    if (this.#state !== 'exchange') return;
    if (!keep) {
      this.#linger();
      return;
    }
    this.#state = 'head';
    giveBack(this.#head!);
    this.#head = null;
    this.#setPaused(false);
    const { idleMs, headMs } = this.#listener.timeouts;
    this.#deadlineMs = performance.now() + (this.#pending.length > 0 ? headMs : idleMs);
    if (this.#processing) return;
    // A turn later: the upstream connection may be used again only then, and other clients come first.
    if (this.#pending.length > 0) setImmediate(this.#processPending);
    else if (this.closing) this.#linger();
  }

  cut(reset: boolean): void {
    this.#exchange = null;
    this.#state = 'gone';
    if (reset) this.socket.resetAndDestroy();
    else this.socket.destroySoon();
  }

  detach(): Buffer | null {
    this.#endWatch();
    this.#state = 'gone';
    this.#exchange = null;
    const { socket } = this;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    return this.#pending.takeAll();
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#state === 'linger') this.#drop(chunk.length);
    else if (this.#state === 'gone') return;
    else if (this.#pending.length === 0) this.#process(chunk, 0, chunk.length, false);
    else {
      this.#pending.append(chunk);
      this.#processPending();
    }
  };

  readonly #processPending = (): void => {
    if (this.#pending.length === 0 || this.#state === 'gone' || this.#processing) return;
    if (this.#state === 'exchange' && this.#body === null) {
      // Sent ahead of the present answer: kept, up to a bound.
      if (this.#pending.length > this.#listener.limits.headBytes) this.#setPaused(true);
      return;
    }
    const { bytes, start, end } = this.#pending;
    this.#process(bytes, start, end, true);
  };

  /** @param isPending the bytes are those of #pending */
  #process(bytes: Buffer, start: number, end: number, isPending: boolean): void {
    this.#processing = true;
    let at = start;
    while (at < end) {
      const next = this.#state === 'head' ? this.#takeHead(bytes, at, end) : this.#takeBody(bytes, at, end);
      if (next < 0) break;
      at = next;
    }
    this.#processing = false;
    if (this.#state === 'linger' || this.#state === 'gone') return;
    if (isPending) this.#pending.consume(at - start);
    else if (at < end) this.#pending.append(bytes.subarray(at, end));
    if (this.#pending.length > 0) this.#processPendingBound();
  }

  #processPendingBound(): void {
    if (
      this.#state === 'exchange' &&
      this.#body === null &&
      this.#pending.length > this.#listener.limits.headBytes
    )
      this.#setPaused(true);
  }

  /** @returns the index after what was used, or -1 to stop */
  #takeHead(bytes: Buffer, at: number, end: number): number {
    let head = this.#head;
    if (head === null) {
      head = spareHeads.pop() ?? new RequestHead();
      this.#head = head;
      head.begin();
    }
    if (!head.started) {
      // Empty lines in front of a request are ignored (RFC 9112 section 2.2), a few of them.
      while (bytes[at] === CR && this.#emptyLines < MAX_EMPTY_LINES) {
        if (at + 1 >= end) return this.#needMore();
        if (bytes[at + 1] !== LF) break;
        this.#emptyLines++;
        at += 2;
        if (at === end) return at;
      }
    }
    const next = head.parse(bytes, at, end, this.#listener.limits);
    if (next === 0) return this.#needMore();
    if (next < 0) {
      const { failure, detail, status } = head.error!;
      this.#refuse(failure, detail, status);
      return -1;
    }
    this.#emptyLines = 0;
    this.#begin(head);
    return next;
  }

  #needMore(): -1 {
    if (this.#pending.length === 0) this.#deadlineMs = performance.now() + this.#listener.timeouts.headMs;
    return -1;
  }

  #begin(head: RequestHead): void {
    const nowMs = performance.now();
    this.#state = 'exchange';
    this.#body =
      head.chunked || head.contentLength > 0
        ? new RequestBody(head.contentLength, head.chunked, this.#listener.limits.headBytes)
        : null;
    this.#bodyReadMs = nowMs;
    const started = startExchange(this.#deps, this, head, this.#listener.name, nowMs);
    if ('start' in started) {
      this.#exchange = started;
      started.start();
    } else if (started.failure === null) this.#answerOptions(head);
    else
      this.#refuse(
        started.failure,
        started.detail,
        undefined,
        started.rule,
        this.#body === null && head.method !== 'CONNECT' && mayKeep(head),
      );
  }

  #takeBody(bytes: Buffer, at: number, end: number): number {
    const body = this.#body;
    if (this.#state !== 'exchange' || body === null) return -1;
    const pieces: Piece[] = [];
    const next = body.push(bytes, at, end, pieces);
    this.#bodyReadMs = performance.now();
    if (next < 0) {
      this.#exchange?.bodyFailed('body_invalid', `the body holds ${body.error}`);
      return -1;
    }
    if (body.complete) this.#body = null;
    if (pieces.length > 0 || body.complete) this.#exchange?.body(pieces, body.complete);
    return next;
  }

  /** An answer without an exchange. */
  #refuse(failure: Failure, detail: string, status?: number, rule = '', keep = false): void {
    const isKept = keep && !this.closing && failure !== 'draining';
    this.#deps.metrics.requestFailures.with(rule, failure).value++;
    const problem = { failure, detail, rule, backend: '', sent: false, status };
    const answer = problemAnswer(
      problem,
      !isKept,
      this.#head?.method === 'HEAD' && this.#state === 'exchange',
    );
    this.#deps.metrics.requests.with(rule, '', answer.slice(9, 12)).value++;
    this.socket.write(answer, 'latin1');
    this.#state = 'exchange';
    this.finished(isKept);
  }

  #answerOptions(head: RequestHead): void {
    const keep = this.#body === null && mayKeep(head) && !this.closing;
    this.socket.write(
      `HTTP/1.1 200 OK\r\nAllow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\nContent-Length: 0\r\n${keep ? '' : 'Connection: close\r\n'}\r\n`,
      'latin1',
    );
    this.finished(keep);
  }

  /** Ends this side; what still comes is read and dropped, within bounds, so that the client can read the answer. */
  #linger(): void {
    this.#state = 'linger';
    this.#pending.takeAll();
    this.#setPaused(false);
    this.#deadlineMs = performance.now() + LINGER_MS;
    this.socket.end();
  }

  #drop(bytes: number): void {
    this.#lingered += bytes;
    if (this.#lingered > LINGER_BYTES) this.#setPaused(true);
  }

  #expire(): void {
    if (this.#state === 'head' && this.#pending.length > 0)
      this.#refuse('head_timeout', `no whole request head within ${this.#listener.timeouts.headMs} ms`);
    else if (this.#state === 'head') this.#linger();
    else if (this.#state === 'linger') this.#endLinger();
  }

  /** What is written but not read by the client yet may take as long as an idle connection may. */
  #endLinger(): void {
    if (this.socket.writableLength > 0 && this.#lingered <= LINGER_BYTES && !this.#lateLinger) {
      this.#lateLinger = true;
      this.#deadlineMs = performance.now() + this.#listener.timeouts.idleMs;
    } else this.socket.destroy();
  }

  #setPaused(paused: boolean): void {
    if (paused === this.#inputPaused || this.#state === 'gone') return;
    this.#inputPaused = paused;
    if (paused) {
      this.#pausedMs = performance.now();
      this.socket.pause();
    } else {
      this.#endWatch();
      this.socket.resume();
    }
  }

  /** The client of a request that is held, or that a Pod does not take, may leave: then nothing of it is sent any more. */
  #watch(): void {
    if (this.#state !== 'exchange') return;
    this.#unwatch = this.#deps.peers.watch(this.socket, () => this.socket.destroy());
  }

  #endWatch(): void {
    this.#unwatch?.();
    this.#unwatch = null;
  }

  readonly #onEnd = (): void => {
    if (this.#state === 'exchange') {
      const exchange = this.#exchange;
      this.#exchange = null;
      this.#state = 'gone';
      exchange?.clientGone();
    }
    if (this.socket.writableLength === 0) this.socket.destroy();
    else this.socket.end();
  };

  readonly #onDrain = (): void => {
    this.#exchange?.clientDrained();
  };

  readonly #onClose = (): void => {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#state = 'gone';
    this.#deadlineMs = NEVER;
    this.#endWatch();
    this.bound?.destroy();
    exchange?.clientGone();
  };
}

/** Heads that no connection needs now: an idle connection holds none. */
const spareHeads: RequestHead[] = [];
const MAX_SPARE_HEADS = 256;

function giveBack(head: RequestHead): void {
  if (spareHeads.length < MAX_SPARE_HEADS) spareHeads.push(head);
}

function mayKeep(head: RequestHead): boolean {
  return head.minor === 1 ? !head.connection.close : head.connection.keepAlive && !head.connection.close;
}

/** IPv4 clients of a dual-stack socket are shown as IPv4. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

function ignore(): void {}
