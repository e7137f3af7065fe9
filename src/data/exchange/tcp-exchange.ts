import type { Socket } from 'node:net';
import type { RuleConfig } from '../../model/config.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { DialFailure } from '../../platform/dialer.ts';
import { runGuarded } from '../../platform/guard.ts';
import { reset } from '../../platform/reset.ts';
import type { Tunnel } from '../forward/tunnel-registry.ts';
import type { PodPool } from '../forward/upstream-pool.ts';
import type { InboundListener } from '../inbound-listener.ts';
import { NO_REQUEST } from '../placement/decide.ts';
import { Placement } from '../placement/placement.ts';
import type { PlacementOwner } from '../placement/placement-owner.ts';
import type { RuleSeries } from '../placement/rule-series.ts';
import { SOCKET_OPTIONS } from '../socket-options.ts';
import type { TcpDeps } from './tcp-deps.ts';
import { joinSockets, type TunnelEnd } from './tcp-tunnel.ts';

/**
 * One connection of a TCP listener, from accept to its end:
 * 1. place it (placement/placement.ts); while it waits nothing is read from the client;
 * 2. connect; a refusal is reported and, since nothing was sent, another Pod is tried, or the next leader waited for;
 * 3. join the two sockets until both ways have ended or the registry cuts them.
 * A failure can only be told by closing; metrics and the log say which.
 */
export class TcpExchange implements PlacementOwner {
  /** Nothing is read before it has a Pod. */
  readonly received = 0;
  readonly #client: Socket;
  readonly #listener: InboundListener;
  readonly #deps: TcpDeps;
  readonly #placement: Placement;
  /** Where it counts until it has a Pod, or has failed; then null. */
  #series: RuleSeries | null;
  #tries = 0;
  /** Ends the watch for a client that leaves while it waits. */
  #unwatch: (() => void) | null = null;
  /** Gives the connection up that is being opened. */
  #cancel: (() => void) | null = null;
  #ended = false;

  constructor(client: Socket, listener: InboundListener, rule: RuleConfig, backend: string, deps: TcpDeps) {
    this.#client = client;
    this.#listener = listener;
    this.#deps = deps;
    this.#placement = new Placement(this, NO_REQUEST, listener, rule, backend, deps);
    this.#series = this.#placement.runtime.series;
    this.#series.connecting++;
  }

  start(): void {
    this.#client.on('error', () => {});
    this.#client.once(
      'close',
      this.#guarded(() => {
        this.#ended = true;
        this.#endConnecting();
        this.#placement.end();
        this.#cancel?.();
        this.#endWatch();
      }),
    );
    this.#placement.begin(this.#deps.clock.nowMs());
  }

  place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void {
    if (waited) this.#askForClient();
    else {
      this.#endWatch();
      this.#connect(pods[0]!, backend);
    }
  }

  /** A client that left meanwhile is never connected: the kernel is asked once more, for all that are released together. */
  #askForClient(): void {
    void this.#deps.peers.check().then(
      this.#guarded(() => {
        if (!this.#ended) this.#placement.route(true);
      }),
    );
  }

  refuse(failure: Failure): void {
    this.#fail(failure);
  }

  waits(): void {
    this.#unwatch ??= this.#deps.peers.watch(this.#client, () => {
      this.#placement.end('client_gone');
      this.#fail('client_gone');
    });
  }

  #endWatch(): void {
    const unwatch = this.#unwatch;
    this.#unwatch = null;
    unwatch?.();
  }

  moved(): void {
    this.#endConnecting();
    this.#series = this.#placement.runtime.series;
    this.#series.connecting++;
  }

  canFollow(): boolean {
    return true;
  }

  restart(rule: RuleConfig | null): void {
    this.#fail(rule === null ? 'no_route' : 'no_endpoint');
  }

  crashed(): void {
    this.#client.destroy();
  }

  #connect(pod: PodView, backend: BackendSnapshot): void {
    this.#tries++;
    const pool = this.#deps.pools.of(this.#placement.backend, pod);
    pool.begin();
    const target = {
      addresses: pod.addresses,
      port: pod.port,
      timeoutMs: backend.config.connection.connectTimeoutMs,
      options: SOCKET_OPTIONS,
    };
    const dialling = this.#deps.dialer.dial(target, {
      opened: (socket) =>
        runGuarded(
          'tcp',
          () => {
            this.#cancel = null;
            this.#connected(pod, pool, socket);
          },
          () => {
            reset(socket);
            reset(this.#client);
          },
        ),
      unopened: (failure) => this.#guarded(() => this.#notConnected(pod, pool, backend, failure))(),
    });
    this.#cancel = () => {
      dialling.cancel();
      pool.end();
    };
  }

  #notConnected(pod: PodView, pool: PodPool, backend: BackendSnapshot, failure: DialFailure): void {
    this.#cancel = null;
    const { kind, reason } = failure;
    pool.end();
    if (kind === 'local') {
      pool.result('local_error').value++;
      pool.localError(reason);
      this.#another(pod, 'local_error', 'overloaded');
      return;
    }
    pool.result('connect_failed').value++;
    this.#deps.outcomes.report({ kind: 'connect_failed', podId: pod.id, reason });
    if (!this.#placement.awaitNextLeader(pod, backend))
      this.#another(pod, 'connect_failed', 'connect_failed');
  }

  /** Nothing was sent, so that another Pod may be tried. */
  #another(pod: PodView, reason: string, failure: Failure): void {
    if (this.#placement.spendRetry(this.#tries)) this.#placement.retry(pod, reason);
    else this.#fail(failure);
  }

  #connected(pod: PodView, pool: PodPool, upstream: Socket): void {
    if (!this.#placement.confirms(pod)) {
      upstream.on('error', () => {});
      upstream.destroy();
      pool.end();
      this.#placement.route();
      return;
    }
    const deps = this.#deps;
    const { rule } = this.#placement;
    this.#endConnecting();
    pool.result('ok').value++;
    pool.tunnelOpened();
    let remove = (): void => {};
    const joint = joinSockets(this.#client, upstream, deps.tunnels.unread, (end) => {
      remove();
      pool.tunnelEnded();
      pool.end();
      this.#tunnelEnded(pod, rule, end);
    });
    const tunnel: Tunnel = {
      listener: this.#listener,
      podId: pod.id,
      upstream,
      rule: rule.name,
      onDemotion: rule.selection.type === 'Leader' ? rule.selection.onDemotion : null,
      onUnready: deps.cell.current().backends.get(pool.backend)?.config.connection.onUnready ?? 'Keep',
      destroy: (reason) => {
        deps.logger.debug({ rule: rule.name, pod: pod.name, reason }, 'tunnel cut');
        joint.cut();
      },
      pause: joint.pause,
      resume: joint.resume,
    };
    remove = deps.tunnels.add(tunnel, pool.backend);
  }

  /** A leader that closes a connection by itself may have lost its role. */
  #tunnelEnded(pod: PodView, { selection }: RuleConfig, end: TunnelEnd): void {
    if (selection.type === 'Leader' && end.first === 'upstream')
      this.#deps.outcomes.report({ kind: 'leader_closed', podId: pod.id });
  }

  /** To be given to the event loop: a mistake of this program costs this connection alone. */
  #guarded(run: () => void): () => void {
    return () => runGuarded('tcp', run, () => this.#client.destroy());
  }

  #endConnecting(): void {
    if (this.#series !== null) this.#series.connecting--;
    this.#series = null;
  }

  #fail(failure: FailureLabel): void {
    this.#ended = true;
    const { runtime, rule } = this.#placement;
    this.#placement.end();
    runtime.failed(failure);
    this.#endConnecting();
    this.#deps.logger.debug({ rule: rule.name, failure }, 'TCP connection closed');
    this.#client.destroy();
  }
}
