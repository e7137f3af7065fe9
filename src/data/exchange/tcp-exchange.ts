import type { Socket } from 'node:net';
import type { HoldConfig, RuleConfig } from '../../model/config.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Timer } from '../../platform/clock.ts';
import type { DialFailure } from '../../platform/dialer.ts';
import { runGuarded } from '../../platform/guard.ts';
import { reset } from '../../platform/reset.ts';
import type { Held, HoldQueue } from '../forward/hold-queue.ts';
import type { Tunnel } from '../forward/tunnel-registry.ts';
import type { PodPool } from '../forward/upstream-pool.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { matcherFor } from '../match/matcher.ts';
import type { Pick, PickContext } from '../pick/contract.ts';
import { holdOf } from '../pick/stale.ts';
import { SOCKET_OPTIONS } from '../socket-options.ts';
import type { RuleRuntime } from './rule-runtime.ts';
import { NO_REQUEST, type TcpDeps } from './tcp-deps.ts';
import { joinSockets, type TunnelEnd } from './tcp-tunnel.ts';

/**
 * One connection of a TCP listener, from accept to its end:
 * 1. pick a Pod; where one may come, wait for it in the backend's queue, reading nothing from the client;
 * 2. connect; a refusal is reported and, since nothing was sent, another Pod is tried, or the next leader waited for;
 * 3. join the two sockets until both ways have ended or the registry cuts them.
 * A failure can only be told by closing; metrics and the log say which.
 */
export class TcpExchange {
  readonly #client: Socket;
  readonly #listener: InboundListener;
  readonly #deps: TcpDeps;
  #rule: RuleConfig;
  #runtime: RuleRuntime;
  #backend: string;
  readonly #context: PickContext;
  readonly #tried = new Set<number>();
  #retries = 0;
  #minLeaderRevision = 0;
  #heldSinceMs: number | null = null;
  /** Undoes the present step when the client is gone. */
  #stop: (() => void) | null = null;
  #ended = false;
  /** It counts for its rule until it has a Pod, or has failed. */
  #isConnecting = true;

  constructor(client: Socket, listener: InboundListener, rule: RuleConfig, backend: string, deps: TcpDeps) {
    this.#client = client;
    this.#listener = listener;
    this.#deps = deps;
    this.#rule = rule;
    this.#runtime = deps.rules.of(rule);
    this.#runtime.series.connecting++;
    this.#backend = backend;
    const tried = this.#tried;
    const minLeaderRevision = (): number => this.#minLeaderRevision;
    this.#context = {
      request: NO_REQUEST,
      selfPodName: deps.selfPodName,
      random: deps.random,
      inFlight: (podId) => deps.pools.inFlight(podId),
      nextTurn: () => this.#runtime.nextTurn(),
      tried: (podId) => tried.has(podId),
      barred: () => null,
      get minLeaderRevision() {
        return minLeaderRevision();
      },
    };
  }

  start(): void {
    this.#client.on('error', () => {});
    this.#client.once(
      'close',
      this.#guarded(() => {
        this.#ended = true;
        this.#endConnecting();
        this.#stop?.();
      }),
    );
    this.#route();
  }

  /** @param released whether it has waited its turn in the queue */
  #route(released = false): void {
    if (!this.#deps.cell.current().backends.has(this.#backend) && !this.#rematch()) {
      this.#fail('no_route');
      return;
    }
    const { pick, backend } = this.#pick();
    const hold = holdOf(this.#rule, backend);
    const mustQueue =
      !released && hold !== null && hold.timeoutMs > 0 && this.#deps.holdQueue(this.#backend).releasing;
    if (pick.type === 'pod' && !mustQueue) this.#connect(pick.pod, backend!);
    else if (pick.type === 'wait' || pick.type === 'pod') this.#hold(pick, hold);
    else this.#fail(pick.type === 'fail' ? pick.failure : 'no_endpoint');
  }

  #pick(): { pick: Pick; backend: BackendSnapshot | undefined } {
    const backend = this.#deps.cell.current().backends.get(this.#backend);
    const pick: Pick =
      backend === undefined
        ? { type: 'fail', failure: 'no_endpoint', detail: 'the backend is not known' }
        : this.#runtime.picker.pick(backend, this.#context);
    return { pick, backend };
  }

  /** After a reload: takes the rule that its listener has now. @returns false: there is none */
  #rematch(): boolean {
    const rule = matcherFor(this.#listener.snapshot).match(NO_REQUEST);
    if (rule === null) return false;
    const { renamed, cell, random } = this.#deps;
    const backend = renamed.choose(rule, this.#backend, cell.current(), random) ?? this.#backend;
    const pods = cell.current().backends.get(backend)?.pods ?? [];
    // Revisions are those of one backend; under another name it is still that one.
    if (backend !== this.#backend && !pods.some(({ id }) => this.#tried.has(id))) this.#minLeaderRevision = 0;
    this.#runtime.series.connecting--;
    this.#rule = rule;
    this.#runtime = this.#deps.rules.of(rule);
    this.#runtime.series.connecting++;
    this.#backend = backend;
    return true;
  }

  /**
   * Several holds of one connection share one `hold.timeout`.
   * @param from the place that it has, after a reload that gave it another rule
   */
  #hold(
    pick: Pick,
    hold: HoldConfig | null,
    from: { readonly queue: HoldQueue; readonly held: Held } | null = null,
  ): void {
    if (hold === null || hold.timeoutMs === 0) {
      this.#fail(pick.type === 'wait' ? pick.failure : 'no_endpoint');
      return;
    }
    const nowMs = this.#deps.clock.nowMs();
    this.#heldSinceMs ??= nowMs;
    const leftMs = hold.timeoutMs - (nowMs - this.#heldSinceMs);
    if (leftMs <= 0) {
      from?.held.leave('timeout');
      this.#fail('hold_timeout');
      return;
    }
    let unwatch = (): void => {};
    const queue = this.#deps.holdQueue(this.#backend);
    const limits = { ...hold, timeoutMs: leftMs };
    const waiter = {
      retry: () => this.#release(held!, unwatch),
      expire: () => {
        unwatch();
        this.#fail('hold_timeout');
      },
      rematch: () => this.#rematchHeld(queue, held!, unwatch),
      crashed: () => this.#client.destroy(),
    };
    const held = queue.enter(this.#rule.name, limits, 0, waiter, from);
    if (held === null) {
      this.#fail('hold_full');
      return;
    }
    unwatch = this.#deps.peers.watch(this.#client, () => {
      held.leave('client_gone');
      this.#fail('client_gone');
    });
    this.#stop = () => {
      unwatch();
      held.leave('abandoned');
    };
  }

  /** The rule of its listener may be another now: it waits on under that one, in its order of arrival. */
  #rematchHeld(queue: HoldQueue, held: Held, unwatch: () => void): void {
    const [rule, name] = [this.#rule, this.#backend];
    const matched = this.#rematch();
    if (matched && this.#rule === rule && this.#backend === name) return;
    unwatch();
    const { pick, backend } = this.#pick();
    const hold = matched ? holdOf(this.#rule, backend) : null;
    if (hold !== null && hold.timeoutMs > 0 && pick.type !== 'fail') {
      this.#hold(pick, hold, { queue, held });
      return;
    }
    this.#stop = null;
    held.leave(matched && pick.type === 'pod' ? 'released' : 'abandoned');
    if (matched) this.#route(true);
    else this.#fail('no_route');
  }

  /**
   * A client that left meanwhile is never connected: the kernel is asked once more, for all that are released together.
   * @returns whether it leaves the queue
   */
  #release(held: Held, unwatch: () => void): boolean {
    const { pick } = this.#pick();
    if (pick.type === 'wait') return false;
    if (pick.type !== 'pod') {
      unwatch();
      held.leave('abandoned');
      this.#fail(pick.type === 'fail' ? pick.failure : 'no_endpoint');
      return true;
    }
    this.#stop = unwatch;
    void this.#deps.peers.check().then(
      this.#guarded(() => {
        unwatch();
        if (this.#ended) return;
        this.#stop = null;
        this.#route(true);
      }),
    );
    return true;
  }

  #connect(pod: PodView, backend: BackendSnapshot): void {
    const { connectTimeoutMs, maxPerPod } = backend.config.connection;
    const pool = this.#deps.pools.of(this.#backend, pod);
    if (pool.inFlight >= maxPerPod) {
      this.#another(pod, backend, 'overloaded');
      return;
    }
    pool.begin();
    const target = {
      addresses: pod.addresses,
      port: pod.port,
      timeoutMs: connectTimeoutMs,
      options: SOCKET_OPTIONS,
    };
    const dialling = this.#deps.dialer.dial(target, {
      opened: (socket) =>
        runGuarded(
          'tcp',
          () => {
            this.#stop = null;
            this.#connected(pod, pool, socket);
          },
          () => {
            reset(socket);
            reset(this.#client);
          },
        ),
      unopened: (failure) => this.#guarded(() => this.#notConnected(pod, pool, backend, failure))(),
    });
    this.#stop = () => {
      dialling.cancel();
      pool.end();
    };
  }

  #notConnected(pod: PodView, pool: PodPool, backend: BackendSnapshot, failure: DialFailure): void {
    this.#stop = null;
    const { kind, reason } = failure;
    pool.end();
    if (kind === 'local') {
      pool.result('local_error').value++;
      pool.localError(reason);
      this.#another(pod, backend, 'overloaded');
      return;
    }
    pool.result('connect_failed').value++;
    this.#deps.outcomes.report({ kind: 'connect_failed', podId: pod.id, reason });
    this.#another(pod, backend, 'connect_failed');
  }

  /**
   * Nothing was sent, so that another Pod may be tried. Of a Leader rule, the next leader is: it is waited for as long as
   * the hold allows, however many refuse meanwhile.
   */
  #another(pod: PodView, backend: BackendSnapshot, failure: Failure): void {
    const { retry, selection } = this.#rule;
    const awaitsLeader = selection.type === 'Leader' && failure === 'connect_failed' && retry.attempts > 0;
    this.#tried.add(pod.id);
    this.#retries++;
    if (!awaitsLeader && this.#retries > retry.attempts) {
      this.#fail(failure);
      return;
    }
    this.#runtime.retried(failure);
    if (awaitsLeader) this.#minLeaderRevision = backend.leadership.revision + 1;
    const next = this.#guarded(() => {
      this.#stop = null;
      this.#route();
    });
    const timer: Timer = this.#deps.clock.after(retry.backoffMs, next);
    this.#stop = () => timer.clear();
  }

  #connected(pod: PodView, pool: PodPool, upstream: Socket): void {
    if (this.#rule.selection.type === 'Leader' && !this.#stillPicks(pod)) {
      upstream.on('error', () => {});
      upstream.destroy();
      pool.end();
      this.#route();
      return;
    }
    const deps = this.#deps;
    this.#endConnecting();
    pool.result('ok').value++;
    pool.tunnelOpened();
    let remove = (): void => {};
    const cut = joinSockets(this.#client, upstream, deps.tunnels.unread, (end) => {
      this.#stop = null;
      remove();
      pool.tunnelEnded();
      pool.end();
      this.#tunnelEnded(pod, end);
    });
    const tunnel: Tunnel = {
      listener: this.#listener,
      podId: pod.id,
      upstream,
      rule: this.#rule.name,
      onDemotion: this.#rule.selection.type === 'Leader' ? this.#rule.selection.onDemotion : null,
      onUnready: deps.cell.current().backends.get(pool.backend)?.config.connection.onUnready ?? 'Keep',
      destroy: (reason) => {
        deps.logger.debug({ rule: this.#rule.name, pod: pod.name, reason }, 'tunnel cut');
        cut();
      },
    };
    remove = deps.tunnels.add(tunnel, pool.backend);
  }

  #stillPicks(pod: PodView): boolean {
    const { pick } = this.#pick();
    return pick.type === 'pod' && pick.pod.id === pod.id;
  }

  /** A leader that closes a connection by itself may have lost its role. */
  #tunnelEnded(pod: PodView, end: TunnelEnd): void {
    if (this.#rule.selection.type === 'Leader' && end.first === 'upstream')
      this.#deps.outcomes.report({ kind: 'leader_closed', podId: pod.id });
  }

  /** To be given to the event loop: a mistake of this program costs this connection alone. */
  #guarded(run: () => void): () => void {
    return () => runGuarded('tcp', run, () => this.#client.destroy());
  }

  #endConnecting(): void {
    if (!this.#isConnecting) return;
    this.#isConnecting = false;
    this.#runtime.series.connecting--;
  }

  #fail(failure: FailureLabel): void {
    this.#stop = null;
    this.#ended = true;
    this.#runtime.failed(failure);
    this.#endConnecting();
    this.#deps.logger.debug({ rule: this.#rule.name, failure }, 'TCP connection closed');
    this.#client.destroy();
  }
}
