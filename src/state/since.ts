import type { PodState, PodView } from '../model/pod.ts';
import type { BackendSnapshot, Leadership } from '../model/snapshot.ts';

interface PodSince {
  state: PodState;
  sinceMs: number;
}

/** Since when what the snapshots say of one backend is so. All times are monotonic milliseconds. */
export class Since {
  readonly #pods = new Map<number, PodSince>();
  readonly #claims = new Map<string, number>();
  #leadership: Leadership | null = null;
  #leadershipMs = 0;

  /** @param previous null: the backend is new */
  follow(next: BackendSnapshot, previous: BackendSnapshot | null, nowMs: number): void {
    if (next.pods !== previous?.pods) this.#followPods(next.pods, previous?.pods ?? [], nowMs);
    this.#followLeadership(next.leadership, nowMs);
  }

  /** Since when a Pod is in its state, or null. */
  ofPod(podId: number): number | null {
    return this.#pods.get(podId)?.sinceMs ?? null;
  }

  /** Since when a Pod claims, or null. */
  ofClaim(pod: string): number | null {
    return this.#claims.get(pod) ?? null;
  }

  /** Since when that Pod leads or, where none does, why not. */
  get ofLeadership(): number {
    return this.#leadershipMs;
  }

  /** A thousand Pods come with every change of one: most are the very objects of before. */
  #followPods(pods: readonly PodView[], before: readonly PodView[], nowMs: number): void {
    for (const [i, pod] of pods.entries()) {
      if (pod === before[i]) continue;
      const known = this.#pods.get(pod.id);
      if (known === undefined) this.#pods.set(pod.id, { state: pod.state, sinceMs: nowMs });
      else if (known.state !== pod.state) {
        known.state = pod.state;
        known.sinceMs = nowMs;
      }
    }
    if (this.#pods.size === pods.length) return;
    const ids = new Set(pods.map(({ id }) => id));
    for (const id of this.#pods.keys()) if (!ids.has(id)) this.#pods.delete(id);
  }

  #followLeadership(next: Leadership, nowMs: number): void {
    const before = this.#leadership;
    if (next === before) return;
    this.#leadership = next;
    if (next.state !== before?.state || next.leader?.id !== before.leader?.id || next.reign !== before.reign)
      this.#leadershipMs = nowMs;
    if (next.claimants === before?.claimants) return;
    const claimants = new Set(next.claimants);
    for (const name of this.#claims.keys()) if (!claimants.has(name)) this.#claims.delete(name);
    for (const name of claimants) if (!this.#claims.has(name)) this.#claims.set(name, nowMs);
  }
}
