import type { LookupTrouble } from '../discovery/contract.ts';
import type { ProbeRun } from '../probe/probe-run.ts';
import type { RosterPod } from '../roster.ts';
import type { Claim, ClaimEvents, ClaimSource, KnownClaim } from './contract.ts';
import type { Counsel } from './counsel.ts';

const NOTHING: KnownClaim = { claim: null, lastProbe: null };

/** The source that is to take over, once every Pod has been asked by it. */
interface Next {
  readonly source: ClaimSource;
  /** Pods that it has not asked yet. */
  open: number;
}

/**
 * Who is asked for claims. A source that is replaced stays in force until the new one has asked every Pod once and knows
 * something; the new one starts from the claims of the old one, so that none ends by the change.
 */
export class Sources {
  readonly #events: ClaimEvents;
  #inForce: ClaimSource | null = null;
  #next: Next | null = null;

  constructor(events: ClaimEvents) {
    this.#events = events;
  }

  /** Asks by another source from now on; null: nobody is asked any more. @param pods those to be asked about */
  use(create: ((events: ClaimEvents) => ClaimSource) | null, pods: readonly RosterPod[]): void {
    const replaced = this.#next;
    // Before it is closed: a source that closes says that it will ask nobody any more.
    this.#next = null;
    replaced?.source.close();
    if (create === null) {
      this.#inForce?.close();
      this.#inForce = null;
      return;
    }
    const source = create({
      onClaims: () => {
        if (source === this.#next?.source) this.#takeOver();
        this.#events.onClaims();
      },
      onNewClaim: (podId) => {
        if (source === this.#inForce) this.#events.onNewClaim(podId);
      },
      onOtherAnswer: (podId, run) => {
        if (source === this.#inForce) this.#events.onOtherAnswer(podId, run);
      },
    });
    if (this.#inForce === null) {
      this.#inForce = source;
      for (const pod of pods) source.join(pod, null, () => {});
      return;
    }
    this.#next = { source, open: 1 };
    for (const pod of pods) this.#joinNext(this.#next, pod);
    this.#asked(this.#next);
  }

  /** @param asked called once: the Pod has been asked by the source in force, well or badly, or will not be */
  join(pod: RosterPod, known: KnownClaim | null, asked: () => void): void {
    if (this.#inForce === null) asked();
    else this.#inForce.join(pod, known, asked);
    if (this.#next !== null) this.#joinNext(this.#next, pod);
  }

  leave(podId: number): void {
    this.#inForce?.leave(podId);
    this.#next?.source.leave(podId);
  }

  claims(): readonly Claim[] {
    return this.#inForce?.claims() ?? [];
  }

  /** As `ClaimSource.denies`. */
  denies(podId: number): boolean {
    return this.#inForce?.denies(podId) ?? false;
  }

  /** As `ClaimSource.isSilent`. */
  isSilent(podId: number): boolean {
    return this.#inForce?.isSilent(podId) ?? false;
  }

  /** As `ClaimSource.round`. */
  round(first: ReadonlySet<number>, finished: () => void): void {
    if (this.#inForce === null) finished();
    else this.#inForce.round(first, finished);
  }

  /** As `ClaimSource.repace`. */
  repace(): void {
    this.#inForce?.repace();
    this.#next?.source.repace();
  }

  /** As `ClaimSource.counsel`; null: nobody gives any. */
  counsel(): Counsel | null {
    return this.#inForce?.counsel?.() ?? null;
  }

  /** As `ClaimSource.untilMs`. */
  untilMs(podId: number): number {
    return this.#inForce?.untilMs(podId) ?? Number.POSITIVE_INFINITY;
  }

  /** As `ClaimSource.probeRun`. */
  probeRun(podId: number): ProbeRun | null {
    return this.#inForce?.probeRun(podId) ?? null;
  }

  /** As `ClaimSource.trouble`. */
  get trouble(): LookupTrouble | null {
    return this.#inForce?.trouble?.() ?? null;
  }

  known(podId: number): KnownClaim {
    if (this.#inForce === null) return NOTHING;
    return { claim: this.#inForce.claim(podId), lastProbe: this.#inForce.lastProbe(podId) };
  }

  close(): void {
    this.use(null, []);
  }

  #joinNext(next: Next, pod: RosterPod): void {
    next.open++;
    next.source.join(pod, this.known(pod.id), () => this.#asked(next));
  }

  #asked(next: Next): void {
    next.open--;
    if (next === this.#next) this.#takeOver();
  }

  #takeOver(): void {
    const next = this.#next;
    if (next === null || next.open > 0 || !next.source.knows) return;
    this.#next = null;
    this.#inForce?.close();
    this.#inForce = next.source;
    this.#events.onClaims();
  }
}
