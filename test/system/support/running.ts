interface Stoppable {
  stop(): Promise<unknown>;
}

/** What a test has started, to be ended by `stopAll` whatever becomes of it. */
const running: Stoppable[] = [];

export async function kept<T extends Stoppable>(starting: T | Promise<T>): Promise<T> {
  const server = await starting;
  running.push(server);
  return server;
}

/** Ends all, the last first. */
export async function stopAll(): Promise<void> {
  for (const server of running.splice(0).reverse()) await server.stop();
}
