/** Lets the event loop turn once: what waits for I/O or a timer gets its say first. */
export function afterTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
