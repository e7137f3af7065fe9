import { StartError, startApp } from '../app.ts';
import { formatProblem } from '../control/config/problem.ts';

export interface RunDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether stderr is a terminal. */
  readonly pretty: boolean;
  /** Takes text as it is to be written. */
  err(text: string): void;
  /** Calls back on SIGTERM and SIGINT, each time. */
  onStopSignal(callback: (signal: string) => void): void;
  /** Ends the process at once. */
  exit(status: number): void;
}

/**
 * `headroute run`: the sidecar, until it is told to stop. A second signal ends the process at once.
 * @returns the exit status: 0 stopped; 1 it could not start
 */
export async function run(configFile: string, deps: RunDeps): Promise<number> {
  let stop = (): void => deps.exit(0);
  let signals = 0;
  deps.onStopSignal(() => {
    if (++signals > 1) deps.exit(1);
    else stop();
  });
  try {
    let resolveStopped = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      resolveStopped = resolve;
    });
    stop = resolveStopped;
    const app = await startApp({
      configFile,
      env: deps.env,
      pretty: deps.pretty,
      onQuit: resolveStopped,
    });
    await stopped;
    await app.stop();
    return 0;
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    if (error.problems.length > 0)
      for (const problem of error.problems) deps.err(`${formatProblem(problem)}\n`);
    else deps.err(`headroute: ${error.message}\n`);
    return 1;
  }
}
