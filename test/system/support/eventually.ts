/** Thrown by a check that waiting cannot help. */
export class Hopeless extends Error {}

/** Asks a server again and again where it offers no event; throws at the deadline with what was seen last. */
export async function eventually<T>(
  check: () => Promise<T | undefined | null | false>,
  what: string,
  withinMs = 15_000,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  let last: unknown = 'nothing yet';
  for (;;) {
    try {
      const found = await check();
      if (found !== undefined && found !== null && found !== false) return found;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what} (${last})`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
