import type { RuleConfig } from '../model/config.ts';
import type { RoutingSnapshot } from '../model/snapshot.ts';
import { chooseBackend } from './pick/choose-backend.ts';

/** Which name a backend has that a reload gave another one, for rules that still call it by the old: those of removed listeners. */
export class RenamedBackends {
  /** From a name that no backend has. */
  readonly #names = new Map<string, string>();

  /** A backend that took over Pods of one that is gone is that one. */
  follow(next: RoutingSnapshot, previous: RoutingSnapshot): void {
    let names: Map<number, string> | null = null;
    for (const [gone, { pods }] of previous.backends) {
      if (next.backends.has(gone)) continue;
      names ??= namesByPod(next);
      const heir = pods.map(({ id }) => names!.get(id)).find((name) => name !== undefined);
      for (const [old, name] of this.#names) if (name === gone) this.#point(old, heir);
      this.#point(gone, heir);
    }
    for (const name of this.#names.keys()) if (next.backends.has(name)) this.#names.delete(name);
  }

  /**
   * The backend for a request that a reload sent looking for its rule again: the one that it has, if the rule still sends there,
   * else one of the rule's that are there.
   * @param present the name of the backend that it has
   * @returns null: the rule sends nowhere
   */
  choose(
    rule: RuleConfig,
    present: string,
    { backends }: RoutingSnapshot,
    random: () => number,
  ): string | null {
    const refs = rule.backendRefs
      .map(({ name, weight }) => ({
        name: backends.has(name) ? name : (this.#names.get(name) ?? name),
        weight,
      }))
      .filter(({ name, weight }) => weight > 0 && backends.has(name));
    if (refs.some(({ name }) => name === present)) return present;
    return chooseBackend(refs.length > 0 ? refs : rule.backendRefs, random);
  }

  #point(from: string, to: string | undefined): void {
    if (to === undefined) this.#names.delete(from);
    else this.#names.set(from, to);
  }
}

function namesByPod({ backends }: RoutingSnapshot): Map<number, string> {
  const names = new Map<number, string>();
  for (const [name, { pods }] of backends) for (const { id } of pods) names.set(id, name);
  return names;
}
