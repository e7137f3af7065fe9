import { isStdin, STDIN_NAME } from '../control/config/input.ts';
import { loadConfig, type TextOrProblem } from '../control/config/load.ts';
import { formatProblem } from '../control/config/problem.ts';
import type { Environment } from '../control/config/text/environment.ts';
import { type DescribedRequest, describeRequest } from '../data/explain/described-request.ts';
import { explainRequest } from '../data/explain/explain.ts';
import { justStarted } from '../data/explain/present.ts';
import type { Config } from '../model/config.ts';
import type { Explanation } from '../model/explanation.ts';
import { askSidecar } from './ask-sidecar.ts';
import { explainInWords } from './explain-text.ts';
import type { Resolved } from './resolve-live.ts';

export interface ExplainArgs {
  /** Path of a configuration to resolve live; `-`: standard input. */
  readonly config?: string;
  /** URL of a running sidecar's debug.address; wins over `config`. */
  readonly debug?: string;
  readonly json: boolean;
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

export interface ExplainDeps {
  readonly env: Environment;
  /** Standard input to its end. */
  readStdin(): Promise<TextOrProblem>;
  /** Take text as it is to be written, line ends included. */
  out(text: string): void;
  err(text: string): void;
  /** A snapshot after every backend was looked up and probed once, or as far as that came in time. */
  resolve(config: Config, hash: string): Promise<Resolved>;
}

/**
 * `headroute explain`: says which rule and Pod a request would take and why, from a running sidecar or from a file. The
 * request itself goes nowhere.
 *
 * @returns the exit status: 0 explained, whatever the outcome; 1 the configuration is invalid or the sidecar did not
 *   answer; 2 no such request can be
 */
export async function explain(args: ExplainArgs, deps: ExplainDeps): Promise<number> {
  let request: DescribedRequest;
  try {
    request = describeRequest(
      args.method,
      args.url,
      args.headers.map(([name, value]) => `${name}: ${value}`),
    );
  } catch (error) {
    deps.err(`headroute explain: ${messageOf(error)}\n`);
    return 2;
  }
  try {
    const explanation =
      args.debug === undefined ? await explainFile(args, request, deps) : await askSidecar(args.debug, args);
    if (explanation === null) return 1;
    deps.out(args.json ? `${JSON.stringify(explanation, null, 2)}\n` : explainInWords(explanation));
    return 0;
  } catch (error) {
    deps.err(`headroute explain: ${messageOf(error)}\n`);
    return 1;
  }
}

async function explainFile(
  args: ExplainArgs,
  request: DescribedRequest,
  deps: ExplainDeps,
): Promise<Explanation | null> {
  const { config = '/etc/headroute/headroute.yaml' } = args;
  const loaded = isStdin(config)
    ? loadConfig(STDIN_NAME, deps.env, await deps.readStdin())
    : loadConfig(config, deps.env);
  if (!loaded.ok) {
    for (const problem of loaded.problems) deps.err(`${formatProblem(problem)}\n`);
    return null;
  }
  const { snapshot, causes, atMs } = await deps.resolve(loaded.config, loaded.hash);
  const why = {
    nowMs: () => atMs,
    causesOf: (backend: string) => causes.of(backend),
    causeOfPod: (backend: string, podId: number) => causes.ofPod(backend, podId),
  };
  return explainRequest(justStarted(snapshot, undefined, why), request);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
