/** What was started and has to be ended, whatever happens: the last first, as proxies end before what is behind them. */
const running: { stop(): Promise<unknown> }[] = [];

export async function kept<T extends { stop(): Promise<unknown> }>(starting: T | Promise<T>): Promise<T> {
  const server = await starting;
  running.push(server);
  return server;
}

export async function stopAll(): Promise<void> {
  for (const server of running.splice(0).reverse()) {
    // One that does not end keeps the others from nothing.
    await server.stop().catch((error: Error) => console.error(`could not be stopped: ${error.message}`));
  }
}
