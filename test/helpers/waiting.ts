/** Waits for `check` to give something other than undefined/false/null, asked again at every `changed` call. */
export class Changes {
  #waiters = new Set<() => void>();

  changed(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  until<T>(
    check: () => T | undefined | null | false,
    what: string | (() => string),
    withinMs = 3000,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const tryNow = (): boolean => {
        let found: T | undefined | null | false;
        try {
          found = check();
        } catch (error) {
          finish();
          reject(error);
          return true;
        }
        if (found === undefined || found === null || found === false) return false;
        finish();
        resolve(found);
        return true;
      };
      const finish = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(tryNow);
      };
      const timer = setTimeout(() => {
        finish();
        reject(new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`));
      }, withinMs);
      this.#waiters.add(tryNow);
      tryNow();
    });
  }
}

/** Polls where there is no event. */
export async function poll<T>(
  check: () => T | undefined | null | false,
  what: string,
  withinMs = 3000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = check();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(2);
  }
}

/** For showing that nothing happens in a time; never to wait for something. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
