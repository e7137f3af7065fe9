import { Commentary } from '../demo/commentary.ts';
import { Demo } from '../demo/demo.ts';
import { type PodSpec, runPod } from '../demo/pod.ts';

/** Less than this leaves no room for all acts. */
export const MIN_DEMO_MS = 8000;

export interface DemoArgs {
  /** 2 to 20. */
  readonly pods: number;
  /** At least MIN_DEMO_MS. */
  readonly durationMs: number;
}

export interface DemoDeps {
  /** The program's own file (process.argv[1]): started again for the sidecar and for each Pod. */
  readonly program: string;
  /** Takes text as it is to be written, line ends included. */
  out(text: string): void;
  err(text: string): void;
  /** Whether `out` is a terminal. */
  readonly terminal: boolean;
}

/**
 * `headroute demo`: an embedded DNS server, Pods as processes and the sidecar on loopback; the leader is killed, a Pod
 * joins, and the Pods' logs prove that no acknowledged write was lost or doubled.
 *
 * SIGINT or SIGTERM ends it early, with its summary; a second one at once.
 *
 * @returns the exit status: 0 the proof holds; 1 it does not, or the demo could not run; 2 wrong arguments
 */
export async function demo(args: DemoArgs, deps: DemoDeps): Promise<number> {
  if (!Number.isInteger(args.pods) || args.pods < 2 || args.pods > 20) {
    deps.err('headroute demo: --pods must be 2 to 20\n');
    return 2;
  }
  if (!(args.durationMs >= MIN_DEMO_MS)) {
    deps.err(`headroute demo: --duration must be at least ${MIN_DEMO_MS / 1000}s\n`);
    return 2;
  }
  const stop = new AbortController();
  const tell = new Commentary(deps.out, deps.terminal);
  const stage = new Demo({ ...args, program: deps.program, signal: stop.signal }, tell);
  const onSignal = (): void => {
    if (stop.signal.aborted) process.exit(1);
    stop.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return (await stage.run()) ? 0 : 1;
  } catch (error) {
    tell.end();
    deps.err(`headroute demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await stage.close();
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/**
 * A process that finds `HEADROUTE_DEMO_POD` in its environment is a Pod of the demo and nothing else.
 *
 * @returns whether it was one
 */
export function becameDemoPod(environment: Readonly<Record<string, string | undefined>>): boolean {
  const spec = environment.HEADROUTE_DEMO_POD;
  if (spec === undefined) return false;
  runPod(JSON.parse(spec) as PodSpec);
  return true;
}
