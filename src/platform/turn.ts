/** Lets the event loop turn once: what waits for I/O or a timer gets its say first. */
export function afterTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A step may be late by one more; the promise is 10 ms (SPEC 6). */
export const SLICE_MS = 3;

/** Runs steps to their end, letting the event loop turn between slices of `SLICE_MS`. @returns what they return */
export async function inSlices<T>(steps: Generator<void, T>): Promise<T> {
  for (let fromMs = performance.now(); ; ) {
    const step = steps.next();
    if (step.done) return step.value;
    if (performance.now() - fromMs < SLICE_MS) continue;
    await afterTurn();
    fromMs = performance.now();
  }
}

/** Runs steps to their end at once. */
export function atOnce<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
