import { pause } from './pause.ts';

/** Longest wait for the end of one. */
const STOP_MS = 15_000;

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
    let stopped = false;
    const stopping = server
      .stop()
      .catch((error: Error) => console.error(`could not be stopped: ${error.message}`))
      .then(() => {
        stopped = true;
      });
    await Promise.race([stopping, pause(STOP_MS)]);
    if (!stopped) console.error(`a server was not stopped in ${STOP_MS} ms`);
  }
}
