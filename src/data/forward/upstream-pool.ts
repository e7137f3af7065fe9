import type { OutcomeSink } from '../../boundary/outcome-sink.ts';
import type { PodView } from '../../model/pod.ts';
import type { Metrics } from '../../observe/metrics.ts';
import type { Cell, HistogramCell } from '../../observe/primitives.ts';
import { monotonicMs } from '../../platform/clock.ts';
import { crashed } from '../../platform/guard.ts';
import type { LocalErrorLog } from '../../platform/local-error.ts';
import type { Logger } from '../../platform/logger.ts';
import type { InForce } from '../../platform/tls/client.ts';
import type { TlsCause } from '../../platform/tls/failure.ts';
import type { TlsTerms } from '../../platform/tls/handshake.ts';
import type { TurnTask } from '../../platform/turn-end.ts';
import {
  type ConnectionDeps,
  type IdleWatch,
  UpstreamConnection,
  type UpstreamUser,
} from './upstream-connection.ts';

/** After a Pod sent bytes that nobody asked for, no connection to it is used twice for so long (docs/life-of-a-request.md). */
const DISTRUST_MS = 10_000;

/** What pools use. */
export interface PoolDeps extends ConnectionDeps {
  readonly metrics: Metrics;
  readonly outcomes: OutcomeSink;
  readonly logger: Logger;
  readonly localErrors: LocalErrorLog;
  /** Every connection of every Pod that is open, or is being opened. */
  readonly open: Set<UpstreamConnection>;
}

/**
 * Connections to one Pod and what goes on there. Idle ones are taken last in, first out, so that the surplus ages and is
 * closed. A connection is taken again in a later turn of the event loop, and written to at the end of that: what the Pod sent
 * or closed behind its answer is seen first.
 */
export class PodPool implements IdleWatch, TurnTask {
  readonly podId: number;
  backend: string;
  label: string;
  /** Requests and tunnels that are with the Pod now. */
  inFlight = 0;
  /** The last answer was a failure: the next whole one is reported. */
  failing = false;
  /** The Pod left the roster: nothing idles any more, and the end of the last request is reported. */
  leaving = false;
  readonly #idle: UpstreamConnection[] = [];
  /** Came back in this turn of the event loop; may be used in the next. */
  readonly #cooling: UpstreamConnection[] = [];
  #distrustUntilMs = 0;
  readonly #deps: PoolDeps;
  /** Connections that are in use, tunnels included. */
  #active = 0;
  #activeCell!: Cell;
  #idleCell!: Cell;
  #duration!: HistogramCell;
  readonly #results = new Map<string, Cell>();
  /** By the first digit of the status. */
  readonly #classes: (Cell | undefined)[] = [];
  /** The cell of the commonest result, bound once. */
  ok!: Cell;

  constructor(backend: string, pod: PodView, deps: PoolDeps) {
    this.podId = pod.id;
    this.backend = backend;
    this.label = pod.label;
    this.#deps = deps;
    this.#bind();
  }

  #bind(): void {
    const { upstreamConnections, upstreamDuration } = this.#deps.metrics;
    this.#activeCell = upstreamConnections.with(this.backend, 'active');
    this.#idleCell = upstreamConnections.with(this.backend, 'idle');
    this.#activeCell.value += this.#active;
    this.#idleCell.value += this.idle;
    this.#duration = upstreamDuration.with(this.backend);
    this.bindPod();
  }

  /** To the series that the Pod has now (`metrics.podLabel`). */
  bindPod(): void {
    this.#results.clear();
    this.#classes.length = 0;
    this.ok = this.result('ok');
  }

  /** The Pod's backend, or the Pod, has this name from now on: what is open moves there, what was counted does not. */
  countAs(backend: string, label: string): void {
    if (backend === this.backend && label === this.label) return;
    this.#activeCell.value -= this.#active;
    this.#idleCell.value -= this.idle;
    this.backend = backend;
    this.label = label;
    this.#bind();
  }

  /** Nothing is with the Pod and no connection to it is open. */
  get isUnused(): boolean {
    return this.inFlight === 0 && this.#active === 0 && this.idle === 0;
  }

  get idle(): number {
    return this.#idle.length + this.#cooling.length;
  }

  result(name: string): Cell {
    let cell = this.#results.get(name);
    if (cell === undefined) {
      const { metrics } = this.#deps;
      cell = metrics.upstreamRequests.with(this.backend, metrics.podLabel(this.label), name);
      this.#results.set(name, cell);
    }
    return cell;
  }

  /** The Pod has answered with this status. */
  answered(status: number): void {
    const digit = status >= 100 && status <= 599 ? Math.floor(status / 100) : 0;
    const cell = this.#classes[digit] ?? this.#bindClass(digit);
    cell.value++;
  }

  #bindClass(digit: number): Cell {
    const { metrics } = this.#deps;
    const name = digit === 0 ? 'other' : `${digit}xx`;
    const cell = metrics.upstreamResponses.with(this.backend, metrics.podLabel(this.label), name);
    this.#classes[digit] = cell;
    return cell;
  }

  /** The Pod had a request for so long. */
  took(durationMs: number): void {
    this.#deps.metrics.upstreamDuration.observe(this.#duration, durationMs / 1000);
  }

  /** An idle connection for `user`, or null. @param under the certificates in force; null: plain. One under others is closed */
  take(user: UpstreamUser, under: InForce | null): UpstreamConnection | null {
    let connection = this.#idle.pop();
    while (connection !== undefined && connection.under !== under) {
      this.#idle.push(connection);
      connection.destroy();
      connection = this.#idle.pop();
    }
    if (connection === undefined) return null;
    this.#idleCell.value--;
    this.#count(1);
    connection.use(user);
    return connection;
  }

  /** A new connection. `connected` is still false. @param timeoutMs for opening it @param plain for one that becomes a tunnel */
  open(
    pod: PodView,
    timeoutMs: number,
    tls: TlsTerms | null,
    user: UpstreamUser,
    plain: boolean,
  ): UpstreamConnection {
    this.#count(1);
    const connection = new UpstreamConnection(pod, timeoutMs, tls, user, this, this.#deps, plain);
    this.#deps.open.add(connection);
    return connection;
  }

  /** Gives a connection back after a whole exchange. @param idleMs how long it may idle; 0: not at all */
  release(connection: UpstreamConnection, idleMs: number, nowMs: number): void {
    connection.user = null;
    if (idleMs <= 0 || this.leaving || nowMs < this.#distrustUntilMs || connection.isOutdated) {
      connection.destroy();
      return;
    }
    connection.idleUntilMs = nowMs + idleMs;
    this.#count(-1);
    this.#idleCell.value++;
    if (this.#cooling.push(connection) === 1) this.#deps.turn.add(this);
  }

  /** A tunnel begins that has a socket of its own. */
  tunnelOpened(): void {
    this.#count(1);
  }

  /** The tunnel that has, or took, the socket has ended. */
  tunnelEnded(): void {
    this.#count(-1);
  }

  #count(active: 1 | -1): void {
    this.#active += active;
    this.#activeCell.value += active;
  }

  poisoned(connection: UpstreamConnection): void {
    const { metrics } = this.#deps;
    metrics.upstreamPoisoned.with(this.backend, metrics.podLabel(this.label)).value++;
    this.#distrustUntilMs = monotonicMs() + DISTRUST_MS;
    connection.destroy();
    this.closeIdle(Number.POSITIVE_INFINITY);
  }

  crashed(_connection: UpstreamConnection, error: unknown): void {
    crashed('pod', error, { backend: this.backend, pod: this.label });
  }

  detached(connection: UpstreamConnection): void {
    this.#deps.open.delete(connection);
  }

  closed(connection: UpstreamConnection): void {
    this.#deps.open.delete(connection);
    const wasIdle = remove(this.#idle, connection) || remove(this.#cooling, connection);
    if (wasIdle) this.#idleCell.value--;
    else this.#count(-1);
  }

  /** Closes what has idled past its time, or is outdated. */
  closeIdle(nowMs: number): void {
    for (const list of [this.#idle, this.#cooling])
      for (let i = list.length - 1; i >= 0; i--)
        if (list[i]!.idleUntilMs <= nowMs || list[i]!.isOutdated) list[i]!.destroy();
  }

  begin(): void {
    this.inFlight++;
  }

  end(): void {
    this.inFlight--;
    if (this.leaving && this.inFlight === 0) this.#drained();
  }

  /** The Pod has left: idle connections close now, the others when their request has ended. */
  leave(): void {
    if (this.leaving) return;
    this.leaving = true;
    this.closeIdle(Number.POSITIVE_INFINITY);
    if (this.inFlight === 0) this.#drained();
  }

  /** This machine could not ask for a connection; nothing is known of the Pod. @param reason of `localErrorOf` */
  localError(reason: string): void {
    this.#deps.localErrors.report('connection to a Pod', reason);
  }

  /** There was no TLS with the Pod. */
  tlsFailed(cause: TlsCause): void {
    this.#deps.metrics.tlsFailures.with(this.backend, cause).value++;
  }

  /** A whole answer after a failure ends a row of failures. */
  reportOk(): void {
    this.#deps.outcomes.report({ kind: 'ok', podId: this.podId });
  }

  #drained(): void {
    this.#deps.outcomes.report({ kind: 'drained', podId: this.podId });
  }

  /** What came back in this turn may be used again. */
  turnEnded(): void {
    for (const connection of this.#cooling) this.#idle.push(connection);
    this.#cooling.length = 0;
  }
}

function remove(list: UpstreamConnection[], connection: UpstreamConnection): boolean {
  const at = list.lastIndexOf(connection);
  if (at < 0) return false;
  list.splice(at, 1);
  return true;
}
