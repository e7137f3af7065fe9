import type { Cause } from '../../model/cause.ts';
import type { LeadershipInput } from '../build-snapshot.ts';
import { groupCauses, type PodTrouble } from '../causes/pod-groups.ts';
import type { LookupTrouble } from '../discovery/contract.ts';
import { type ProbeRun, resultWords } from '../probe/probe-run.ts';
import type { RosterPod } from '../roster.ts';
import { type Loss, type LossKind, lossCause } from './loss.ts';

/** What is known of the Pods when somebody asks why. */
export interface LeaderWorld {
  /** Those that have not left. */
  readonly pods: ReadonlyMap<number, RosterPod>;
  isReady(podId: number): boolean;
  /** As `ClaimSource`. */
  denies(podId: number): boolean;
  isSilent(podId: number): boolean;
  claims(podId: number): boolean;
  probeRun(podId: number): ProbeRun | null;
  readonly trouble: LookupTrouble | null;
}

/** Since when it is as it is with the leader of one backend, and why. */
export class LeaderCauses {
  /** Since when the state and the leader are the present ones (monotonic milliseconds). */
  #sinceMs: number;
  #loss: Loss | null = null;
  #leaderName = '';

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** Goes on from what another one knew. */
  follow(before: LeaderCauses): void {
    this.#sinceMs = before.#sinceMs;
    this.#loss = before.#loss;
    this.#leaderName = before.#leaderName;
  }

  /** State or leader have changed. */
  moved(before: LeadershipInput, now: LeadershipInput, world: LeaderWorld, nowMs: number): void {
    this.#sinceMs = nowMs;
    if (now.leaderId !== null) {
      this.#loss = null;
      this.#leaderName = world.pods.get(now.leaderId)?.member.name ?? '';
    } else if (before.leaderId !== null) this.#loss = this.#lossOf(before.leaderId, world, nowMs);
  }

  #lossOf(podId: number, world: LeaderWorld, nowMs: number): Loss {
    const last = world.probeRun(podId)?.last ?? null;
    const kind = lossKind(podId, world);
    const says = last !== null && last.outcome !== 'success' && (kind === 'lapsed' || kind === 'denied');
    return { podId, name: this.#leaderName, kind, found: says ? resultWords(last) : null, atMs: nowMs };
  }

  /** What is wrong, the likeliest first. */
  causes({ state, reason }: LeadershipInput, world: LeaderWorld): Cause[] {
    if (state === 'unconfigured') return [];
    const { trouble } = world;
    const about = { area: 'leader', pods: [], podCount: 0 } as const;
    const lookups =
      trouble === null
        ? []
        : [
            {
              ...about,
              kind: trouble.kind,
              text: `DNS, for the leader: ${trouble.text}`,
              sinceMs: trouble.sinceMs,
            },
          ];
    if (state === 'known') return [...this.#answers(world, true), ...lookups];
    const kind = state === 'none' ? 'no_leader' : 'leader_conflict';
    const present: Cause = { ...about, kind, text: reason, sinceMs: this.#sinceMs };
    if (state === 'conflict') return [present, ...lookups];
    const found = this.#lossWords(world);
    const loss = this.#loss === null ? [] : [lossCause(this.#loss, found)];
    return [present, ...loss, ...this.#answers(world, false), ...lookups];
  }

  /** By what the leader was lost. Its claim may have lapsed by its age, before the probe that finds it silent has ended. */
  #lossWords(world: LeaderWorld): string | null {
    const loss = this.#loss;
    if (loss === null || loss.found !== null || loss.kind !== 'lapsed') return loss?.found ?? null;
    const last = world.probeRun(loss.podId)?.last ?? null;
    return last === null || last.outcome === 'success' || last.answered ? null : resultWords(last);
  }

  /** What Pods answer when they are asked whether they lead. @param onlyBad while one leads, "no" is as it should be */
  #answers(world: LeaderWorld, onlyBad: boolean): Cause[] {
    const troubles: PodTrouble[] = [];
    for (const { id, member } of world.pods.values()) {
      const run = world.probeRun(id);
      const last = run?.last ?? null;
      if (last === null || last.outcome === 'success') continue;
      if (onlyBad && ((last.answered && last.unclear !== true) || !world.isReady(id))) continue;
      // Said already.
      if (!onlyBad && id === this.#loss?.podId && this.#lossWords(world) === resultWords(last)) continue;
      const { reason, said = null } = last;
      troubles.push({ name: member.name, kind: run!.kind!, reason, said, sinceMs: run!.sinceMs });
    }
    return groupCauses(
      'leader',
      troubles,
      world.pods.size,
      (who, _isOne, what) => `leader probe of ${who}: ${what}`,
    );
  }
}

function lossKind(podId: number, world: LeaderWorld): LossKind {
  if (!world.pods.has(podId)) return 'left';
  if (world.denies(podId)) return 'denied';
  if (world.isSilent(podId) || !world.claims(podId)) return 'lapsed';
  return world.isReady(podId) ? 'overruled' : 'unready';
}
