/** Pods that led until their claims lapsed by silence, as long as nothing is heard of them: what waits for them waits in vain. */
export class SilentLeaders {
  readonly #ids = new Set<number>();

  /**
   * @param before who led until now @param now who leads
   * @param isSilent whether a Pod is a member, and did not answer its last probe
   * @returns their ids; undefined: there are none
   */
  follow(
    before: number | null,
    now: number | null,
    isSilent: (podId: number) => boolean,
  ): readonly number[] | undefined {
    if (before !== null && before !== now) this.#ids.add(before);
    for (const id of this.#ids) if (id === now || !isSilent(id)) this.#ids.delete(id);
    return this.#ids.size === 0 ? undefined : [...this.#ids];
  }
}
