import type { Socket } from 'node:net';
import type { ListenerConfig } from '../../model/config.ts';
import type { ListenerSnapshot } from '../../model/snapshot.ts';
import { after } from '../../platform/clock.ts';
import { runGuarded } from '../../platform/guard.ts';
import { reset } from '../../platform/reset.ts';
import { FanOutMemory } from '../exchange/fan-out-memory.ts';
import type { InboundListener, Traffic } from '../inbound-listener.ts';
import { ownRecord } from '../respond/own-answer.ts';
import { problemAnswer } from '../respond/problem.ts';
import { keepAlive } from '../socket-options.ts';
import { addressOf } from './address-of.ts';
import { BoundAddress } from './bound-address.ts';
import { HttpConnection } from './http-connection.ts';
import type { ListenerDeps } from './listen-deps.ts';
import { ListenerSeries } from './listener-series.ts';
import { handleTcpConnection, turnAwayTcp } from './tcp-listener.ts';

/** For what is written already to reach the client. */
const CUT_MS = 100;

/** One bound address and the connections that came in by it, whatever its name and rules are from reload to reload. */
export class Listener implements InboundListener {
  snapshot: ListenerSnapshot;
  removed = false;
  ending = false;
  readonly fanOutMemory = new FanOutMemory();
  /** The port that it listens on, or did: `/state` shows those that drain, too. */
  readonly port: number;
  /** The literal address that the port is bound at. */
  readonly host: string;
  /** null: it listens no more, or another listener has its address now. */
  #bound: BoundAddress | null;
  readonly #deps: ListenerDeps;
  readonly #http = new Set<HttpConnection>();
  readonly #sockets = new Set<Socket>();
  /** Of its present name; null: it has never accepted. */
  #series: ListenerSeries | null = null;
  #stopped = false;
  #whenEmpty: (() => void)[] = [];

  /** It has no routes until it gets a snapshot. */
  constructor(config: ListenerConfig, deps: ListenerDeps, bound: BoundAddress) {
    this.snapshot = { config, routes: [] };
    this.#deps = deps;
    this.#bound = bound;
    this.port = bound.port;
    this.host = bound.host;
  }

  /** Binds the address; connections wait until `accept`. @throws Error of `bind` */
  static async bind(config: ListenerConfig, deps: ListenerDeps): Promise<Listener> {
    return new Listener(config, deps, await BoundAddress.bind(config, deps.http, deps.turn));
  }

  get config(): ListenerConfig {
    return this.snapshot.config;
  }

  get connections(): number {
    return this.#sockets.size;
  }

  /** Takes another configuration and other routes; what is counted under its name moves along. */
  follow(snapshot: ListenerSnapshot): void {
    const renamed = snapshot.config.name !== this.config.name;
    this.snapshot = snapshot;
    if (!renamed || this.#series === null) return;
    this.#series.open.value -= this.#sockets.size;
    this.#series = new ListenerSeries(this.#deps.http.metrics, this.config);
    this.#series.open.value += this.#sockets.size;
  }

  /** Of what came in by it: it has accepted then. */
  get traffic(): Traffic {
    return this.#series!;
  }

  get sockets(): Iterable<Socket> {
    return this.#sockets;
  }

  accept(): void {
    this.#series ??= new ListenerSeries(this.#deps.http.metrics, this.config);
    this.#bound?.take((socket) => this.#accept(socket));
  }

  /** Gives its bound address up to another listener, which keeps the socket; connections wait for that one. */
  release(): BoundAddress {
    const bound = this.#bound;
    if (bound === null) throw new Error(`listener ${this.config.name} has no address to give`);
    this.#bound = null;
    bound.take(null);
    return bound;
  }

  /** New connections are refused until `admit`; those that are open go on. */
  refuse(): void {
    this.#bound?.refuse();
  }

  /** Takes back `refuse`. @throws Error of `bind` */
  async admit(): Promise<void> {
    const bound = this.#bound;
    await bound?.listenAgain(this.config);
    // It may have stopped meanwhile, or given its address up.
    if (this.#bound !== bound && (this.#stopped || this.removed)) bound?.close();
  }

  /** A reload removed it: it stops listening, and each connection gets one more answer by the rules that it came under. */
  retire(): void {
    this.removed = true;
    this.#stopListening();
    for (const connection of this.#http) connection.closeAfterNext();
  }

  /** Stops listening; idle connections end, the others when their exchange has. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#stopListening();
    // What has arrived already is read before the idle ones are closed (K4).
    setImmediate(() => setImmediate(() => runGuarded('client', () => this.#closeIdle())));
  }

  /** Ends everything that is still open. */
  destroy(): void {
    this.ending = true;
    this.stop();
    for (const connection of [...this.#http]) connection.shutDown();
    for (const socket of this.#sockets) if (this.config.protocol === 'TCP') reset(socket);
    // A client that does not read takes nothing any more: it must neither keep its connection nor the process.
    after(CUT_MS, () => {
      for (const socket of this.#sockets) reset(socket);
    });
  }

  /** Resolves when no connection is left, or at the deadline. */
  async drained(timeoutMs: number): Promise<void> {
    if (this.#sockets.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = after(timeoutMs, resolve);
      // A listener that a reload removed may be waited for by the shutdown as well.
      this.#whenEmpty.push(() => {
        timer.clear();
        resolve();
      });
    });
  }

  tick(nowMs: number): void {
    for (const connection of this.#http) connection.tick(nowMs);
    if (this.#bound === null || this.#series === null) return;
    const { queue } = this.#bound;
    queue.tick(nowMs);
    this.#series.delay.value = queue.delayMs(nowMs) / 1000;
  }

  #stopListening(): void {
    this.#bound?.close();
    this.#bound = null;
  }

  #closeIdle(): void {
    for (const connection of [...this.#http]) connection.close();
  }

  #accept(socket: Socket): void {
    const { http, tcp, admission } = this.#deps;
    admission.accepted();
    this.#series!.accepted.value++;
    if (this.#sockets.size >= this.config.limits.connections) {
      this.#turnAway(socket);
      return;
    }
    this.#series!.open.value++;
    this.#sockets.add(socket);
    let connection: HttpConnection | null = null;
    socket.once('close', () => {
      this.#series!.open.value--;
      this.#sockets.delete(socket);
      if (connection !== null) this.#http.delete(connection);
      if (this.#sockets.size === 0) for (const wake of this.#whenEmpty.splice(0)) wake();
    });
    if (this.config.protocol === 'TCP') {
      keepAlive(socket);
      handleTcpConnection(socket, this, tcp);
      return;
    }
    connection = new HttpConnection(socket, this, http, admission);
    this.#http.add(connection);
    socket.resume();
    if (this.#stopped) connection.close();
    else if (this.removed) connection.closeAfterNext();
  }

  /** Past `limits.connections`: told so where the protocol has words for it, and closed. */
  #turnAway(socket: Socket): void {
    const { http, tcp } = this.#deps;
    const { metrics } = http;
    metrics.requestFailures.with('', 'overloaded').value++;
    const detail = `${this.config.limits.connections} connections are open (limits.connections)`;
    if (this.config.protocol === 'TCP') {
      turnAwayTcp(socket, this, detail, tcp);
      return;
    }
    socket.on('error', () => {});
    const problem = { failure: 'overloaded', detail, rule: '', backend: '', sent: false } as const;
    metrics.requests.with('', '', '503').value++;
    const answer = problemAnswer(problem, true, false);
    if (http.accessLog.wants(true)) {
      const record = ownRecord(this.config.name, addressOf(socket), null);
      const bytesSent = answer.length;
      http.accessLog.request({ ...record, status: 503, failure: 'overloaded', detail, bytesSent });
    }
    this.traffic.sent.value += answer.length;
    socket.end(answer, 'latin1');
    socket.resume();
    after(500, () => socket.destroy());
  }
}
