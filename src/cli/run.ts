import { type App, StartError, startApp } from '../app.ts';
import { formatProblem } from '../control/config/problem.ts';
import type { LineWriter } from '../observe/line-writer.ts';
import { createLogger } from '../observe/logger.ts';
import { crashed } from '../platform/guard.ts';

/** How long the last lines of the log may take to be written once all is over. */
const LAST_LINES_MS = 500;

export interface RunDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where logs and problems go. */
  readonly log: LineWriter;
  /** Whether stderr is a terminal. */
  readonly pretty: boolean;
  /** Calls back on SIGTERM and SIGINT, each time. */
  onStopSignal(callback: () => void): void;
  /** Calls back on SIGHUP, each time. */
  onReloadSignal(callback: () => void): void;
  /** Calls back with what was thrown past every guard, and with rejections that nobody handles. */
  onUncaught(callback: (error: unknown) => void): void;
  /** Ends the process at once. */
  exit(status: number): never;
}

/**
 * `headroute run`: the sidecar, until it is told to stop. A second signal ends the process at once. Ends the process with 0 when
 * it was stopped, 1 when it could not start, whoever still holds it or reads no log.
 */
export async function run(configFile: string, deps: RunDeps): Promise<never> {
  const { log, env, pretty } = deps;
  const tell = (error: unknown): void => {
    if (pretty) log.write(inWords(error));
    else createLogger({ level: 'info', pretty, write: (line) => log.write(line) }).error(...inFields(error));
  };
  const leave = (status: number): never => {
    log.flush();
    return deps.exit(status);
  };
  // Nothing is served before the start is done, so nothing has to be finished.
  let stop = (): void => leave(0);
  let signals = 0;
  deps.onStopSignal(() => {
    if (++signals > 1) leave(1);
    stop();
  });
  let app: App | null = null;
  // A sidecar that serves goes on serving (docs/adr/0008); without one there is nothing to save.
  let stopped = false;
  deps.onUncaught((error) => {
    if (app !== null && !stopped) return crashed('unknown', error);
    tell(error);
    if (!stopped) leave(1);
  });
  // Before the start is done the file is read anyway, and whatever changes meanwhile is found.
  deps.onReloadSignal(() => app?.reread());
  try {
    let resolveStopped = (): void => {};
    const toldToStop = new Promise<void>((resolve) => {
      resolveStopped = resolve;
    });
    app = await startApp({ configFile, env, pretty, log, onQuit: () => resolveStopped() });
    stop = resolveStopped;
    await toldToStop;
    await app.stop();
    stopped = true;
  } catch (error) {
    tell(error);
    await log.settled(LAST_LINES_MS);
    return leave(1);
  }
  await log.settled(LAST_LINES_MS);
  return leave(0);
}

/** For a terminal. */
function inWords(error: unknown): string {
  if (!(error instanceof StartError))
    return `headroute: ${error instanceof Error ? error.stack : String(error)}\n`;
  if (error.problems.length === 0) return `headroute: ${error.message}\n`;
  return error.problems.map((problem) => `${formatProblem(problem)}\n`).join('');
}

/** For a collector of logs. */
function inFields(error: unknown): [fields: object, message: string] {
  if (!(error instanceof StartError)) return [{ err: error }, 'headroute has failed'];
  const { problems, message } = error;
  return [
    { problems: problems.length === 0 ? [message] : problems.map(formatProblem) },
    'headroute cannot start',
  ];
}
