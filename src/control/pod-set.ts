import type { BackendConfig } from '../model/config.ts';
import type { PodState, PodView } from '../model/pod.ts';
import { crashed } from '../platform/guard.ts';
import type { Logger } from '../platform/logger.ts';
import { inSlices } from '../platform/turn.ts';
import type { KindLog } from './causes/kind-log.ts';
import { type PodTrouble, troubleWords } from './causes/pod-groups.ts';
import type { Member } from './discovery/contract.ts';
import { type MonitorDeps, PodMonitor } from './health/monitor.ts';
import { podLabel } from './pod-names.ts';
import { Roster, type RosterPod } from './roster.ts';
import type { WarmUp } from './warm-up.ts';

export interface PodSetDeps extends MonitorDeps {
  readonly logger: Logger;
  readonly warmUp: WarmUp;
  readonly kinds: KindLog;
  /** The set may have changed. */
  touch(): void;
  /** A Pod has joined, and is being probed. */
  joined(pod: RosterPod): void;
  left(podId: number): void;
}

/** The Pods of one backend: who they are, and how each of them is. */
export class PodSet {
  readonly #deps: PodSetDeps;
  /** Of the backend that this one is to follow; null once it does. */
  #known: PodSet | null;
  readonly #roster: Roster;
  readonly #pods = new Map<number, PodMonitor>();
  #config: BackendConfig;
  /** As what a Pod's trouble was told last, by its id; null: it had none. */
  readonly #kindTold = new Map<number, string | null>();
  #pruneDue = false;
  /** A set of members is being taken, in slices. */
  #taking = false;
  #next: readonly Member[] | null = null;
  #closed = false;

  /** @param known whose Pods keep identity and health where they are met again, until `follow` */
  constructor(config: BackendConfig, deps: PodSetDeps, known: PodSet | null) {
    this.#deps = deps;
    this.#config = config;
    this.#known = known;
    this.#roster = new Roster((member) => {
      const before = this.#known;
      return before === null ? null : before.#roster.idOf(member);
    });
  }

  /** Those that have not left. */
  get size(): number {
    return this.#roster.size;
  }

  get(podId: number): PodMonitor | undefined {
    return this.#pods.get(podId);
  }

  /** Those that drain, too. */
  all(): Iterable<PodMonitor> {
    return this.#pods.values();
  }

  /** Why Pods are not ready that have not left. */
  troubles(): PodTrouble[] {
    return [...this.#pods.values()].flatMap(({ pod, trouble }) => (pod.departed ? [] : (trouble ?? [])));
  }

  views(): PodView[] {
    return [...this.#pods.values()].map((monitor) => monitor.view());
  }

  /** How many are ejected now. */
  get ejected(): number {
    let count = 0;
    for (const monitor of this.#pods.values()) if (monitor.ejected && !monitor.pod.departed) count++;
    return count;
  }

  reconfigure(config: BackendConfig, healthChanged: boolean): void {
    this.#config = config;
    for (const monitor of this.#pods.values()) monitor.reconfigure(config, healthChanged);
  }

  /** Goes on from what the set that it follows has counted meanwhile. @returns whether some Pod is in both */
  follow(): boolean {
    const known = this.#known;
    this.#known = null;
    this.#pruneDue = true;
    let shared = false;
    for (const [id, monitor] of known === null ? [] : this.#pods) {
      const before = known!.#pods.get(id);
      if (before === undefined) continue;
      shared = true;
      monitor.follow(before);
    }
    return shared;
  }

  /** This process stood still for so long. */
  doubt(stalledMs: number): void {
    for (const monitor of this.#pods.values()) monitor.doubt(stalledMs);
  }

  /** @param only null: all that have not left */
  probeAll(finished: () => void, only: ReadonlySet<number> | null): void {
    const monitors = [...this.#roster.present()].flatMap(({ id }) =>
      only === null || only.has(id) ? (this.#pods.get(id) ?? []) : [],
    );
    let open = monitors.length;
    if (open === 0) finished();
    for (const monitor of monitors)
      monitor.probeNow(() => {
        if (--open === 0) finished();
      });
  }

  /** Nothing is in flight on it any more. */
  drained(podId: number): void {
    if (this.#roster.drained(podId)) this.#forget(podId);
  }

  /**
   * Takes a set of members; of those that come while one is taken, the last. In slices, for a thousand Pods may be replaced at
   * once, and told once for all of them.
   * @param leaderId waits for nothing: what is sent to it must end
   */
  take(members: readonly Member[], leaderId: () => number | null): void {
    this.#next = members;
    if (this.#taking) return;
    this.#taking = true;
    const taken = this.#deps.warmUp.open();
    this.#takeAll(leaderId)
      .catch((error: unknown) => crashed('control', error, { backend: this.#config.name }))
      .finally(() => {
        taken();
        this.touch();
      })
      .catch((error: unknown) => crashed('control', error));
  }

  /** Passes `PodSetDeps.touch` on, but for what is told later. */
  touch(): void {
    if (!this.#taking) this.#deps.touch();
  }

  /** Series of Pods that are gone must not stay (M1). Once for all that went in a turn: a thousand may go together. */
  prune(): void {
    if (!this.#pruneDue) return;
    this.#pruneDue = false;
    const labels = new Set([...this.#pods.values()].map(({ pod }) => podLabel(pod.member)));
    this.#deps.metrics.prunePods(this.#config.name, labels);
  }

  close(): void {
    this.#closed = true;
    for (const monitor of this.#pods.values()) monitor.close();
  }

  async #takeAll(leaderId: () => number | null): Promise<void> {
    try {
      while (this.#next !== null && !this.#closed) {
        const next: readonly Member[] = this.#next;
        this.#next = null;
        await inSlices(this.#take(next, leaderId()));
      }
    } finally {
      // At once: a set that came a microtask later would be taken by nobody.
      this.#taking = false;
    }
  }

  *#take(members: readonly Member[], leaderId: number | null): Generator<void, void> {
    const { joined, left } = this.#roster.update(members);
    const lost = left.find(({ id }) => id === leaderId);
    if (lost !== undefined) {
      this.#depart(lost);
      this.#deps.touch();
    }
    for (const pod of left) {
      if (pod !== lost) this.#depart(pod);
      yield;
    }
    for (const pod of joined) {
      if (this.#closed) return;
      this.#join(pod);
      yield;
    }
    this.#dropForgotten();
  }

  #depart(pod: RosterPod): void {
    this.#deps.left(pod.id);
    this.#pods.get(pod.id)?.depart();
  }

  #join(pod: RosterPod): void {
    const { name } = this.#config;
    const known = this.#known;
    const monitor = new PodMonitor(
      pod,
      this.#config,
      this.#deps,
      known === null ? null : (known.#pods.get(pod.id) ?? null),
      (changed, before) => this.#changed(changed, before),
      this.#deps.warmUp.open(),
    );
    this.#pods.set(pod.id, monitor);
    const { addresses } = pod.member;
    this.#deps.logger.info(
      { backend: name, pod: pod.member.name, addresses, state: monitor.state },
      'Pod joined',
    );
    this.#deps.joined(pod);
  }

  #changed(monitor: PodMonitor, before: PodState): void {
    this.touch();
    if (monitor.stale) return;
    const { state, pod, trouble } = monitor;
    const { name } = pod.member;
    const reason = troubleWords(trouble) ?? monitor.reason;
    const kind = trouble?.kind ?? null;
    const kindBefore = this.#kindTold.get(pod.id) ?? null;
    this.#kindTold.set(pod.id, kind);
    if (state !== before)
      this.#deps.logger.info(
        { backend: this.#config.name, pod: name, state, before, reason },
        'Pod changed state',
      );
    else if (state === 'unready' && kind !== null && kind !== kindBefore)
      this.#deps.kinds.changed({ pod: name, probe: 'health', before: kindBefore, kind, reason });
  }

  /** Drops what the roster gave up by its bound. */
  #dropForgotten(): void {
    const departed = new Set([...this.#roster.departed()].map(({ id }) => id));
    for (const [id, { pod }] of this.#pods) if (pod.departed && !departed.has(id)) this.#forget(id);
  }

  #forget(podId: number): void {
    this.#pods.get(podId)?.close();
    this.#pods.delete(podId);
    this.#kindTold.delete(podId);
    this.#pruneDue = true;
    this.touch();
  }
}
