/** How much one turn of the event loop counts at the most. */
const TURN_MS = 25;
let loopMs = 0;
let lastMs = 0;
let ticking = false;

/**
 * Time as the event loop of this process has it, in ms: where a busy machine does not run it for some seconds it stands still.
 * For upper bounds on what happens within this process, and on what to wait for; a lower bound needs performance.now(), and
 * what computes without a pause is bounded in CPU time (thread-cpu.ts).
 */
export function loopNowMs(): number {
  if (!ticking) {
    ticking = true;
    setInterval(loopNowMs, 5).unref();
  }
  const nowMs = performance.now();
  loopMs += Math.min(nowMs - lastMs, TURN_MS);
  lastMs = nowMs;
  return loopMs;
}

/** Runs `over` once the event loop has had so much time. @returns calls it off */
function afterLoopMs(ms: number, over: () => void): () => void {
  const endMs = loopNowMs() + ms;
  let timer: NodeJS.Timeout;
  const wait = (leftMs: number): void => {
    timer = setTimeout(() => {
      const moreMs = endMs - loopNowMs();
      if (moreMs <= 0) over();
      else wait(moreMs);
    }, leftMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/**
 * Waits for `check` to give something other than undefined/false/null, asked again at every `changed` call. Deadlines are in time
 * of the event loop (`loopNowMs`).
 */
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
        callOff();
        this.#waiters.delete(tryNow);
      };
      const callOff = afterLoopMs(withinMs, () => {
        finish();
        reject(new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`));
      });
      this.#waiters.add(tryNow);
      tryNow();
    });
  }
}

/** Polls where there is no event. The deadline is in time of the event loop (`loopNowMs`). */
export async function poll<T>(
  check: () => T | undefined | null | false | Promise<T | undefined | null | false>,
  what: string | (() => string),
  withinMs = 3000,
): Promise<T> {
  const deadline = loopNowMs() + withinMs;
  for (;;) {
    const found = await check();
    if (found !== undefined && found !== null && found !== false) return found;
    if (loopNowMs() > deadline)
      throw new Error(`not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    await pause(2);
  }
}

/** For showing that nothing happens in a time; never to wait for something. What had arrived by its end has been read. */
export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await new Promise((resolve) => setImmediate(resolve));
}
