import type { Socket } from 'node:net';
import { formatAddress, plainAddress } from '../../model/address.ts';
import type { ListenerConfig } from '../../model/config.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { crashed, runGuarded } from '../../platform/guard.ts';
import { reset } from '../../platform/reset.ts';
import { type RequestListener, type StartedExchange, startExchange } from '../exchange/start-exchange.ts';
import { RawSide } from '../forward/raw-side.ts';
import { CR, LF } from '../http1/bytes.ts';
import { keepsAlive } from '../http1/connection-options.ts';
import { RequestBody } from '../http1/request-body.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { giveBackHead, takeHead } from '../http1/spare-heads.ts';
import { PendingBytes } from '../pending-bytes.ts';
import { type AnswerConnection, H1Answer } from '../respond/h1-answer.ts';
import { type OwnAnswer, writeOwnAnswer } from '../respond/own-answer.ts';
import { keepAlive } from '../socket-options.ts';
import type { Carried, Client, Exchange } from '../stream/client.ts';
import type { Piece } from '../stream/message.ts';
import type { RawStream } from '../stream/raw.ts';
import type { Bound } from '../stream/upstream.ts';
import { type Admission, SHED_AFTER_MS, type Waiting } from './admission.ts';
import { InputGate } from './input-gate.ts';
import { Linger } from './linger.ts';
import type { HttpListenDeps } from './listen-deps.ts';

const NEVER = Number.POSITIVE_INFINITY;
const MAX_EMPTY_LINES = 4;
const KEEP_ALIVE_AFTER_MS = 1000;

/** Its connection closes, too: fewer of them wait then, and what comes anew waits in the kernel, where it costs nothing. */
const OVERLOADED: OwnAnswer = {
  failure: 'overloaded',
  detail: `requests wait for over ${SHED_AFTER_MS} ms before they can be looked at: the sidecar needs more CPU`,
};

/**
 * What a client's connection is doing:
 * - `head`: waits for a request, or for the rest of its head;
 * - `exchange`: a request is being answered; its body is read as it comes;
 * - `linger`: the last answer is written, input is read and dropped for a while;
 * - `gone`: handed to a tunnel, or over.
 */
type State = 'head' | 'exchange' | 'linger' | 'gone';

/** Whose connection it is. */
export interface ConnectionListener extends RequestListener {
  readonly config: ListenerConfig;
}

/** One client's connection: heads and bodies in, one exchange after another, answers in order. */
export class HttpConnection implements Client, AnswerConnection, Waiting {
  readonly socket: Socket;
  readonly peer: string;
  bound: Bound | null = null;
  readonly answer = new H1Answer(this);
  closing = false;
  #endsWhenIdle = false;
  waitsSinceMs = 0;
  /** In the queue of those whose turn comes. */
  #waiting = false;
  /** It waited for too long: its next request is refused. */
  #overdue = false;
  readonly #deps: HttpListenDeps;
  readonly #admission: Admission;
  readonly #listener: ConnectionListener;
  #state: State = 'head';
  #head: RequestHead | null = null;
  #body: RequestBody | null = null;
  #exchange: Exchange | null = null;
  /** The exchange whose head was just read. */
  #unstarted: StartedExchange | null = null;
  /** Bytes read but not used: a part of a head, or requests sent ahead. */
  readonly #pending = new PendingBytes();
  #processing = false;
  #deadlineMs: number;
  /** When TCP keepalive begins: not for connections of one request. */
  #keepAliveAtMs: number;
  #bodyReadMs = 0;
  #linger: Linger | null = null;
  #emptyLines = 0;
  readonly #gate: InputGate;

  constructor(socket: Socket, listener: ConnectionListener, deps: HttpListenDeps, admission: Admission) {
    this.#admission = admission;
    this.socket = socket;
    this.peer = plainAddress(socket.remoteAddress ?? '');
    this.#listener = listener;
    this.#deps = deps;
    this.#gate = new InputGate(socket, deps.peers);
    const nowMs = monotonicMs();
    this.#deadlineMs = nowMs + listener.config.timeouts.idleMs;
    this.#keepAliveAtMs = nowMs + KEEP_ALIVE_AFTER_MS;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', ignore);
    socket.on('close', this.#onClose);
  }

  get address(): string {
    return formatAddress({ host: this.peer, port: this.socket.remotePort ?? 0 });
  }

  get requestComplete(): boolean {
    return this.#body === null;
  }

  /** Nothing is being answered and no byte of a request is here. */
  get isIdle(): boolean {
    return this.#state === 'head' && this.#pending.length === 0;
  }

  /** Called some twenty times a second. */
  tick(nowMs: number): void {
    if (nowMs >= this.#keepAliveAtMs) {
      this.#keepAliveAtMs = NEVER;
      keepAlive(this.socket);
    }
    try {
      this.#expire(nowMs);
    } catch (error) {
      this.#crashed(error);
    }
  }

  #expire(nowMs: number): void {
    const exchange = this.#exchange;
    if (exchange !== null) {
      this.#gate.tick(nowMs);
      if (nowMs >= exchange.deadlineMs) exchange.expire(nowMs);
      else if (exchange.awaitsBody && nowMs - this.#bodyReadMs > this.#listener.config.timeouts.bodyMs)
        exchange.bodyFailed(
          'body_timeout',
          `no byte of the body within ${this.#listener.config.timeouts.bodyMs} ms`,
        );
    } else if (this.#linger !== null) {
      if (nowMs >= this.#linger.deadlineMs) this.#linger.expire();
    } else if (nowMs >= this.#deadlineMs && this.#state === 'head' && !this.#waiting) this.#headOverdue();
  }

  /** Finishes what is in hand and closes; at once if that is nothing. */
  close(): void {
    this.closing = true;
    this.#endsWhenIdle = true;
    try {
      if (this.isIdle) this.#end();
    } catch (error) {
      this.#crashed(error);
    }
  }

  /** The next answer is the last, and says so; a connection that idles waits for it (SPEC 2, Reload). */
  closeAfterNext(): void {
    this.closing = true;
  }

  /** The shutdown's time is over. */
  shutDown(): void {
    this.#exchange?.shutDown();
    if (this.#state !== 'gone') this.socket.destroySoon();
  }

  pause(): void {
    this.#gate.pause();
  }

  resume(): void {
    this.#bodyReadMs = monotonicMs();
    this.#gate.resume();
  }

  confirm(isThere: () => void): void {
    if (!this.#gate.isPaused) {
      isThere();
      return;
    }
    const exchange = this.#exchange;
    const looked = (): void => {
      if (this.#exchange === exchange && !this.socket.destroyed) isThere();
    };
    const check = this.#gate.check();
    void check.then(() => runGuarded('client', looked, () => this.socket.destroy()));
  }

  finished(keep: boolean): void {
    this.#exchange = null;
    this.#body = null;
    if (this.#state !== 'exchange') return;
    if (!keep) {
      this.#end();
      return;
    }
    this.#state = 'head';
    giveBackHead(this.#head!);
    this.#head = null;
    const { idleMs, headMs } = this.#listener.config.timeouts;
    this.#deadlineMs = monotonicMs() + (this.#pending.length > 0 && !this.#isBlocked ? headMs : idleMs);
    if (this.#processing) return;
    this.#boundReadAhead();
    // A turn later: the upstream connection may be used again only then, and other clients come first.
    if (this.#pending.length > 0) setImmediate(this.#processLater);
    else if (this.#endsWhenIdle) this.#end();
  }

  cut(isReset: boolean): void {
    this.#exchange = null;
    this.#state = 'gone';
    if (isReset) reset(this.socket);
    else this.socket.destroySoon();
  }

  /** Its end, which is told as a client's leaving is, ends what is under way. */
  abort(): void {
    reset(this.socket);
  }

  detach(): RawStream {
    this.#gate.endWatch();
    this.#state = 'gone';
    this.#exchange = null;
    const { socket } = this;
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    return new RawSide(socket, this.#pending.takeAll(), null);
  }

  wrote(bytes: number): void {
    this.#listener.traffic.sent.value += bytes;
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#listener.traffic.received.value += chunk.length;
    try {
      this.#take(chunk);
    } catch (error) {
      this.#crashed(error);
    }
  };

  #take(chunk: Buffer): void {
    if (this.#linger !== null) this.#linger.drop(chunk.length);
    else if (this.#state === 'gone') return;
    else if (this.#state === 'head' && (this.#waiting || !this.#admission.mayRun())) this.#wait(chunk);
    else if (this.#pending.length === 0) this.#process(chunk, 0, chunk.length, false);
    else {
      this.#pending.append(chunk);
      this.#processPending();
    }
  }

  #wait(chunk: Buffer): void {
    if (this.#pending.length === 0) this.#needMore();
    this.#pending.append(chunk);
    this.#boundReadAhead();
    if (this.#waiting) return;
    this.#waiting = true;
    this.#admission.wait(this);
  }

  admitted(overdue: boolean): void {
    this.#waiting = false;
    this.#overdue = overdue;
    try {
      this.#processPending();
    } catch (error) {
      this.#crashed(error);
    }
    this.#overdue = false;
  }

  /** A mistake of this program ends the one connection that met it, not the process. */
  #crashed(error: unknown): void {
    crashed('client', error, { peer: this.peer });
    this.socket.destroy();
  }

  readonly #processLater = (): void => {
    try {
      this.#processPending();
    } catch (error) {
      this.#crashed(error);
    }
  };

  #processPending(): void {
    if (this.#pending.length === 0 || this.#state === 'gone' || this.#processing) return;
    if (this.#state === 'exchange' && this.#body === null) {
      this.#boundReadAhead();
      return;
    }
    const { bytes, start, end } = this.#pending;
    this.#process(bytes, start, end, true);
  }

  /** The client leaves so much of its answers unread that it gets no further one: its next request waits. */
  get #isBlocked(): boolean {
    return this.socket.writableNeedDrain;
  }

  /** @param isPending the bytes are those of #pending */
  #process(bytes: Buffer, start: number, end: number, isPending: boolean): void {
    this.#processing = true;
    let at = start;
    let answered = false;
    while (at < end && !answered) {
      if (this.#state === 'head' && this.#isBlocked) break;
      const next = this.#state === 'head' ? this.#takeHead(bytes, at, end) : this.#takeBody(bytes, at, end);
      if (next < 0) break;
      at = next;
      // Started with what there is of its body, so that a small one travels with its head in one write.
      if (this.#unstarted !== null && (this.#body === null || at === end)) this.#start();
      answered = this.#state === 'head';
    }
    if (this.#unstarted !== null) this.#start();
    this.#processing = false;
    if (this.#state === 'linger' || this.#state === 'gone') return;
    if (isPending) this.#pending.consume(at - start);
    else if (at < end) this.#pending.append(bytes.subarray(at, end));
    this.#boundReadAhead();
    // An answer of its own, or a failure at once: other clients come before this one's next request.
    if (answered && this.#pending.length > 0) setImmediate(this.#processLater);
  }

  /** What a client sends ahead of the present answer is kept, up to a bound; a body is read as its exchange takes it. */
  #boundReadAhead(): void {
    if (this.#body !== null) return;
    if (this.#pending.length > this.#listener.config.limits.headBytes) this.#gate.pause();
    else if (this.#state === 'head') this.#gate.resume();
  }

  /** @returns the index after what was used, or -1 to stop */
  #takeHead(bytes: Buffer, at: number, end: number): number {
    let head = this.#head;
    if (head === null) {
      head = takeHead();
      this.#head = head;
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
    const next = head.parse(bytes, at, end, this.#listener.config.limits);
    if (next === 0) return this.#needMore();
    if (next < 0) {
      this.#answerOwn(head.error!, null, false);
      return -1;
    }
    this.#emptyLines = 0;
    this.#begin(head);
    return next;
  }

  #needMore(): -1 {
    if (this.#pending.length === 0) this.#deadlineMs = monotonicMs() + this.#listener.config.timeouts.headMs;
    return -1;
  }

  #begin(head: RequestHead): void {
    const nowMs = monotonicMs();
    this.#state = 'exchange';
    this.#body =
      head.chunked || head.contentLength > 0
        ? new RequestBody(head, this.#listener.config.limits.headBytes)
        : null;
    this.#bodyReadMs = nowMs;
    if (this.#overdue) {
      this.#answerOwn(OVERLOADED, head, false);
      return;
    }
    this.#deps.pulse.check(nowMs);
    this.answer.expect(head);
    const started = startExchange(this.#deps, this, head, this.#listener, nowMs);
    if ('start' in started) {
      this.#exchange = started;
      this.#unstarted = started;
    } else {
      this.#refuse(started, head);
    }
  }

  restart({ startedMs, sent, body, complete }: Carried): void {
    const head = this.#head!;
    const started = startExchange(this.#deps, this, head, this.#listener, startedMs, sent);
    this.resume();
    if (!('start' in started)) {
      this.#exchange = null;
      this.#refuse({ ...started, sent }, head);
      return;
    }
    this.#exchange = started;
    if (body.length > 0) started.body(body, complete);
    if (this.#exchange === started) started.start();
  }

  #refuse(refusal: OwnAnswer, head: RequestHead): void {
    const isServed = head.minor === 1 && head.method !== 'CONNECT';
    this.#answerOwn(refusal, head, isServed && this.#body === null && keepsAlive(head));
  }

  #start(): void {
    const exchange = this.#unstarted;
    this.#unstarted = null;
    // Gone where its body was refused already.
    if (exchange === this.#exchange) exchange?.start();
  }

  #takeBody(bytes: Buffer, at: number, end: number): number {
    const body = this.#body;
    if (this.#state !== 'exchange' || body === null) return -1;
    const pieces: Piece[] = [];
    const next = body.push(bytes, at, end, pieces);
    this.#bodyReadMs = monotonicMs();
    if (next < 0) {
      this.#exchange?.bodyFailed('body_invalid', `the body holds ${body.error}`);
      return -1;
    }
    if (body.complete) this.#body = null;
    if (pieces.length > 0 || body.complete) this.#exchange?.body(pieces, body.complete);
    return next;
  }

  /** An answer without an exchange. */
  #answerOwn(own: OwnAnswer, request: RequestHead | null, mayKeep: boolean): void {
    const keep = mayKeep && !this.closing;
    this.#state = 'exchange';
    this.finished(writeOwnAnswer(this, this.#listener.config.name, this.#deps, request, own, keep));
  }

  #end(): void {
    this.#state = 'linger';
    this.#pending.takeAll();
    this.#linger = new Linger(this.socket, this.#gate, this.#listener.config.timeouts.idleMs);
  }

  #headOverdue(): void {
    if (this.#pending.length === 0 || this.#isBlocked) {
      this.#end();
      return;
    }
    const detail = `no whole request head within ${this.#listener.config.timeouts.headMs} ms`;
    this.#answerOwn({ failure: 'head_timeout', detail }, null, false);
  }

  readonly #onEnd = (): void => {
    try {
      this.#ended();
    } catch (error) {
      this.#crashed(error);
    }
  };

  #ended(): void {
    if (this.#state === 'exchange') {
      const exchange = this.#exchange;
      this.#exchange = null;
      this.#state = 'gone';
      if (exchange !== null) {
        exchange.clientGone();
        this.answer.clientGone();
      }
    }
    this.#pending.takeAll();
    if (this.socket.writableLength === 0) this.socket.destroy();
    // It may still read what is written already, for a while.
    else if (this.#linger === null && !this.socket.destroyed) this.#end();
  }

  readonly #onDrain = (): void => {
    try {
      if (this.#state !== 'head' || this.#pending.length === 0) return;
      this.#deadlineMs = monotonicMs() + this.#listener.config.timeouts.headMs;
      this.#processPending();
    } catch (error) {
      this.#crashed(error);
    }
  };

  readonly #onClose = (): void => {
    const exchange = this.#exchange;
    this.#exchange = null;
    this.#state = 'gone';
    this.#deadlineMs = NEVER;
    try {
      this.#gate.endWatch();
      this.bound?.destroy();
      exchange?.clientGone();
    } catch (error) {
      this.#crashed(error);
    }
  };
}

function ignore(): void {}
