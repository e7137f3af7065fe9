import type { RuleConfig } from '../../model/config.ts';
import type { ConnectionEnd } from '../../model/connection-end.ts';
import type { Failure, FailureLabel } from '../../model/failure.ts';
import type { PodView } from '../../model/pod.ts';
import type { BackendSnapshot } from '../../model/snapshot.ts';
import { runGuarded } from '../../platform/guard.ts';
import { endOfListener, type InboundListener } from '../inbound-listener.ts';
import { NO_REQUEST } from '../placement/decide.ts';
import { Departure } from '../placement/departure.ts';
import { Placement } from '../placement/placement.ts';
import type { PlacementOwner } from '../placement/placement-owner.ts';
import type { RuleSeries } from '../placement/rule-series.ts';
import type { DialEvents, JointEnd, RawClient, RawStream } from '../stream/raw.ts';
import { withoutPod } from './connection-observer.ts';
import type { TunnelDeps } from './exchange-deps.ts';

const CRASHED = { end: 'internal_error', detail: 'internal error' } as const;

/**
 * One connection of a TCP listener, from accept to its end:
 * 1. place it (placement/placement.ts); while it waits nothing is read from the client;
 * 2. connect; a refusal is reported and, since nothing was sent, another Pod is tried, or the next leader waited for;
 * 3. join the two sockets until both ways have ended or the registry cuts them.
 * A failure can only be told by closing; metrics and the access log say which.
 */
export class Tunnel implements PlacementOwner {
  /** Nothing is read before it has a Pod. */
  readonly received = 0;
  readonly #client: RawClient;
  readonly #listener: InboundListener;
  readonly #deps: TunnelDeps;
  readonly #placement: Placement;
  /** Where it counts until it has a Pod, or has failed; then null. */
  #series: RuleSeries | null;
  #tries = 0;
  #startedMs = 0;
  /** The Pod that it is with, or that was tried last. */
  #pod: PodView | null = null;
  /** Why it ends, where that is not told by its sockets or its listener. */
  #end: { readonly end: ConnectionEnd; readonly detail: string } | null = null;
  /** Its observers have been told of its end, or will be when the joined sockets end. */
  #isTold = false;
  /** Ends the watch for a client that leaves while it waits. */
  #unwatch: (() => void) | null = null;
  /** Gives the connection up that is being opened. */
  #cancel: (() => void) | null = null;
  /** Out of the hold that it was in last; null: it was in none. */
  #departure: Departure | null = null;
  /** Opened before it is known whether the client is still there. */
  #opened: RawStream | null = null;

  constructor(
    client: RawClient,
    listener: InboundListener,
    rule: RuleConfig,
    backend: string,
    deps: TunnelDeps,
  ) {
    this.#client = client;
    this.#listener = listener;
    this.#deps = deps;
    this.#placement = new Placement(this, NO_REQUEST, listener, rule, backend, deps);
    this.#series = this.#placement.runtime.series;
    this.#series.connecting++;
  }

  start(): void {
    this.#client.whenClosed(
      this.#guarded(() => {
        this.#endConnecting();
        this.#placement.end();
        this.#cancel?.();
        this.#stay();
        this.#endWatch();
        this.#tellClosed();
      }),
    );
    this.#startedMs = this.#deps.clock.nowMs();
    this.#placement.begin(this.#startedMs);
  }

  place(pods: readonly PodView[], backend: BackendSnapshot, waited: boolean): void {
    if (waited) this.#confirmClient();
    this.#connect(pods[0]!, backend);
  }

  /**
   * Of a client that left meanwhile no byte goes to a Pod: the kernel is asked once more, for all that are released together, while
   * the connection is being opened.
   */
  #confirmClient(): void {
    const departure = new Departure(null);
    this.#departure = departure;
    void this.#deps.peers.check().then(this.#guarded(() => departure.confirmed()));
  }

  /** It will not depart. */
  #stay(): void {
    this.#departure?.leave();
    this.#opened?.close();
    this.#opened = null;
  }

  refuse(failure: Failure, detail: string): void {
    this.#fail(failure, detail);
  }

  waits(): void {
    this.#unwatch ??= this.#client.watch(() => {
      this.#placement.end('client_gone');
      this.#fail('client_gone', 'it left while it waited');
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
    if (rule === null) this.#fail('no_route', 'after a reload its listener has no rule');
    else this.#fail('no_endpoint', `after a reload no backend of rule ${rule.name} takes it`);
  }

  crashed(): void {
    this.#end = CRASHED;
    this.#client.close();
  }

  #connect(pod: PodView, backend: BackendSnapshot): void {
    this.#tries++;
    this.#pod = pod;
    const events: DialEvents = {
      opened: (upstream) => {
        this.#cancel = null;
        this.#opened = upstream;
        const go = (): void => this.#connected(pod, upstream);
        if (this.#departure === null) go();
        else this.#departure.opened(go);
      },
      unopened: (kind, reason) => {
        this.#cancel = null;
        this.#notConnected(pod, backend, kind, reason);
      },
      crashed: () => {
        this.#end = CRASHED;
        this.#client.reset();
      },
    };
    this.#cancel = this.#deps.upstreams.dial(pod, this.#placement.backend, backend, events);
  }

  #notConnected(pod: PodView, backend: BackendSnapshot, kind: 'local' | 'pod', reason: string): void {
    if (kind === 'local') {
      this.#another(pod, 'local_error', 'overloaded', reason);
      return;
    }
    this.#deps.outcomes.report({ kind: 'connect_failed', podId: pod.id, reason });
    if (!this.#placement.awaitNextLeader(pod, backend))
      this.#another(pod, 'connect_failed', 'connect_failed', reason);
  }

  /** Nothing was sent, so that another Pod may be tried. */
  #another(pod: PodView, label: string, failure: Failure, reason: string): void {
    if (this.#placement.spendRetry(this.#tries)) this.#placement.retry(pod, label);
    else this.#fail(failure, `${pod.name}: ${reason}`);
  }

  #connected(pod: PodView, upstream: RawStream): void {
    this.#opened = null;
    this.#endWatch();
    if (!this.#placement.confirms(pod)) {
      upstream.close();
      this.#placement.route();
      return;
    }
    this.#endConnecting();
    const { rule, backend } = this.#placement;
    const terms = { listener: this.#listener, rule, backend, pod };
    this.#isTold = true;
    this.#deps.tunnels.join(this.#client, upstream, terms, (ended) => this.#tell(ended));
  }

  /** Its client's socket has closed before it had a Pod. */
  #tellClosed(): void {
    if (this.#isTold) return;
    this.#tell(withoutPod(endOfListener(this.#listener) ?? 'client', null));
  }

  #tell(ended: JointEnd): void {
    this.#isTold = true;
    const { rule, backend, heldMs } = this.#placement;
    const facts = {
      kind: 'tcp',
      listener: this.#listener,
      address: this.#client.address,
      rule: rule.name,
      backend,
      pod: this.#pod,
      attempts: this.#tries,
      heldMs,
      startedMs: this.#startedMs,
      ended: { ...ended, ...this.#end },
    } as const;
    for (const observer of this.#deps.connections) observer.ended(facts);
  }

  /** To be given to the event loop: a mistake of this program costs this connection alone. */
  #guarded(run: () => void): () => void {
    return () => runGuarded('tcp', run, () => this.crashed());
  }

  #endConnecting(): void {
    if (this.#series !== null) this.#series.connecting--;
    this.#series = null;
  }

  #fail(failure: FailureLabel, detail: string): void {
    this.#stay();
    const { runtime } = this.#placement;
    this.#placement.end();
    runtime.failed(failure);
    this.#endConnecting();
    this.#end = { end: failure === 'client_gone' ? 'client' : failure, detail };
    this.#client.close();
  }
}
