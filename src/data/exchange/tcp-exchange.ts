import type { Socket } from 'node:net';
import type { HoldConfig, RuleConfig } from '../../model/config.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import type { Timer } from '../../platform/clock.ts';
import { dial } from '../forward/dial.ts';
import type { Held } from '../forward/hold-queue.ts';
import type { Pick, PickContext, Picker } from '../pick/contract.ts';
import { pickerFor } from '../pick/registry.ts';
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
  readonly #listener: string;
  readonly #rule: RuleConfig;
  readonly #backend: string;
  readonly #deps: TcpDeps;
  readonly #picker: Picker;
  readonly #context: PickContext;
  readonly #tried = new Set<number>();
  #retries = 0;
  #minLeaderRevision = 0;
  #heldSinceMs: number | null = null;
  /** Undoes the present step when the client is gone. */
  #stop: (() => void) | null = null;
  #ended = false;

  constructor(client: Socket, listener: string, rule: RuleConfig, backend: string, deps: TcpDeps) {
    this.#client = client;
    this.#listener = listener;
    this.#rule = rule;
    this.#backend = backend;
    this.#deps = deps;
    this.#picker = pickerFor(rule.selection);
    const tried = this.#tried;
    const minLeaderRevision = (): number => this.#minLeaderRevision;
    this.#context = {
      request: NO_REQUEST,
      selfPodName: deps.selfPodName,
      random: deps.random,
      inFlight: (podId) => deps.inFlight(podId),
      nextTurn: () => deps.nextTurn(rule),
      tried: (podId) => tried.has(podId),
      barred: () => null,
      get minLeaderRevision() {
        return minLeaderRevision();
      },
    };
  }

  start(): void {
    this.#client.on('error', () => {});
    this.#client.once('close', () => {
      this.#ended = true;
      this.#stop?.();
    });
    this.#route();
  }

  /** @param released whether it has waited its turn in the queue */
  #route(released = false): void {
    const { pick, backend } = this.#pick();
    const hold = holdOf(this.#rule);
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
        : this.#picker.pick(backend, this.#context);
    return { pick, backend };
  }

  /** Several holds of one connection share one `hold.timeout`. */
  #hold(pick: Pick, hold: HoldConfig | null): void {
    if (hold === null || hold.timeoutMs === 0) {
      this.#fail(pick.type === 'wait' ? pick.failure : 'no_endpoint');
      return;
    }
    const nowMs = this.#deps.clock.nowMs();
    this.#heldSinceMs ??= nowMs;
    const leftMs = hold.timeoutMs - (nowMs - this.#heldSinceMs);
    if (leftMs <= 0) {
      this.#fail('hold_timeout');
      return;
    }
    let unwatch = (): void => {};
    const queue = this.#deps.holdQueue(this.#backend);
    const held = queue.enter(this.#rule.name, { ...hold, timeoutMs: leftMs }, 0, {
      retry: () => this.#release(held!, unwatch),
      expire: () => {
        unwatch();
        this.#fail('hold_timeout');
      },
    });
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
    void this.#deps.peers.check().then(() => {
      unwatch();
      if (this.#ended) return;
      this.#stop = null;
      this.#route(true);
    });
    return true;
  }

  #connect(pod: PodView, backend: BackendSnapshot): void {
    const { connectTimeoutMs, maxPerPod } = backend.config.connection;
    if (this.#deps.inFlight(pod.id) >= maxPerPod) {
      this.#another(pod, backend, 'overloaded');
      return;
    }
    this.#deps.begin(this.#backend, pod.id);
    const cancel = dial(pod, connectTimeoutMs, (result) => {
      this.#stop = null;
      if ('isLocal' in result) {
        this.#deps.end(pod.id);
        if (result.isLocal) {
          this.#count(pod, 'local_error');
          this.#deps.localErrors.report('connection to a Pod', result.reason);
          this.#another(pod, backend, 'overloaded');
          return;
        }
        this.#count(pod, 'connect_failed');
        this.#deps.outcomes.report({
          kind: 'connect_failed',
          podId: pod.id,
          reason: result.reason,
        });
        this.#another(pod, backend, 'connect_failed');
      } else this.#connected(pod, result);
    });
    this.#stop = () => {
      cancel();
      this.#deps.end(pod.id);
    };
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
    this.#deps.metrics.retries.with(this.#rule.name, failure).value++;
    if (awaitsLeader) this.#minLeaderRevision = backend.leadership.revision + 1;
    const timer: Timer = this.#deps.clock.after(retry.backoffMs, () => {
      this.#stop = null;
      this.#route();
    });
    this.#stop = () => timer.clear();
  }

  #connected(pod: PodView, upstream: Socket): void {
    if (this.#rule.selection.type === 'Leader' && !this.#stillPicks(pod)) {
      upstream.on('error', () => {});
      upstream.destroy();
      this.#deps.end(pod.id);
      this.#route();
      return;
    }
    const deps = this.#deps;
    const backend = this.#backend;
    this.#count(pod, 'ok');
    const active = deps.metrics.upstreamConnections.with(backend, 'active');
    active.value++;
    let remove = (): void => {};
    const cut = joinSockets(this.#client, upstream, deps.tunnels.unread, (end) => {
      this.#stop = null;
      active.value--;
      remove();
      deps.end(pod.id);
      this.#tunnelEnded(pod, end);
    });
    remove = deps.tunnels.add({
      listener: this.#listener,
      backend,
      podId: pod.id,
      rule: this.#rule.name,
      onDemotion: this.#rule.selection.type === 'Leader' ? this.#rule.selection.onDemotion : null,
      onUnready: deps.cell.current().backends.get(backend)?.config.connection.onUnready ?? 'Keep',
      destroy: (reason) => {
        deps.logger.debug({ rule: this.#rule.name, pod: pod.name, reason }, 'tunnel cut');
        cut();
      },
    });
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

  #count(pod: PodView, result: string): void {
    this.#deps.metrics.upstreamRequests.with(this.#backend, pod.label, result).value++;
  }

  #fail(failure: FailureLabel): void {
    this.#stop = null;
    this.#ended = true;
    this.#deps.metrics.requestFailures.with(this.#rule.name, failure).value++;
    this.#deps.logger.debug({ rule: this.#rule.name, failure }, 'TCP connection closed');
    this.#client.destroy();
  }
}

function holdOf({ selection }: RuleConfig): HoldConfig | null {
  return selection.type === 'Leader' || selection.type === 'Ordinal' ? selection.hold : null;
}
