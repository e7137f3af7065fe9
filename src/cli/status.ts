import { ageInWords } from '../model/cause.ts';
import type { State } from '../model/state.ts';
import { monotonicMs, sleep, systemClock } from '../platform/clock.ts';
import { askState } from './ask-sidecar.ts';
import { inkFor } from './ink.ts';
import { statusLines, withoutAges } from './status-text.ts';

/** Between two looks. */
const WATCH_MS = 1000;

export interface StatusArgs {
  /** URL of a sidecar's debug.address. */
  readonly debug: string;
  /** Goes on until it is interrupted. */
  readonly watch: boolean;
}

export interface StatusDeps {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Take text as it is to be written, line ends included. */
  out(text: string): void;
  err(text: string): void;
  /** null: standard output is no terminal. */
  terminal(): { readonly columns: number; readonly rows: number } | null;
  /** Ends a watch; default: nothing but a signal. */
  readonly signal?: AbortSignal;
}

/**
 * `headroute status`: what a running sidecar knows, problems first.
 *
 * @returns the exit status: 0 it serves, perhaps with warnings; 1 it did not answer; 3 it has errors, so that some requests cannot be
 *   served
 */
export async function status(args: StatusArgs, deps: StatusDeps): Promise<number> {
  if (args.watch) return watch(args, deps);
  try {
    const state = await askState(args.debug);
    deps.out(`${textOf(state, deps).join('\n')}\n`);
    return state.problems.some(({ severity }) => severity === 'error') ? 3 : 0;
  } catch (error) {
    deps.err(`headroute status: ${messageOf(error)}\n`);
    return 1;
  }
}

/** A terminal is drawn anew; elsewhere a text follows the other whenever something but ages has changed. */
async function watch({ debug }: StatusArgs, deps: StatusDeps): Promise<number> {
  let last: State | null = null;
  let goneSinceMs: number | null = null;
  let told = '';
  while (deps.signal?.aborted !== true) {
    let gone: string | null = null;
    try {
      last = await askState(debug);
      goneSinceMs = null;
    } catch (error) {
      goneSinceMs ??= monotonicMs();
      gone = messageOf(error);
    }
    if (deps.terminal() !== null) draw(last, gone, goneSinceMs, deps);
    else {
      const now = gone ?? withoutAges(last!);
      const lines = gone === null ? textOf(last!, deps) : [`${gone}; trying again`];
      if (now !== told) deps.out(`${new Date(systemClock.wallMs()).toISOString()}\n${lines.join('\n')}\n\n`);
      told = now;
    }
    await sleep(WATCH_MS);
  }
  return 0;
}

function draw(last: State | null, gone: string | null, goneSinceMs: number | null, deps: StatusDeps): void {
  const { rows } = deps.terminal()!;
  const ink = inkFor(true, deps.env);
  const notice: string[] = [];
  if (gone !== null) {
    notice.push(
      ink.bad(gone),
      `gone for ${ageInWords(monotonicMs() - goneSinceMs!)}; trying again every second`,
    );
    if (last !== null) notice.push('', ink.faint(`what it said last, at ${last.at}:`));
  }
  const lines = [...notice, ...(last === null ? [] : textOf(last, deps))];
  const shown =
    lines.length < rows ? lines : [...lines.slice(0, rows - 2), `… ${lines.length - rows + 2} more lines`];
  // Each line is cleared as it is written over, and what is below at the end: nothing flickers.
  deps.out(`\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
}

function textOf(state: State, deps: StatusDeps): string[] {
  const terminal = deps.terminal();
  const ink = inkFor(terminal !== null, deps.env);
  // What is piped on is neither broken nor cut.
  const width = terminal === null ? Number.POSITIVE_INFINITY : Math.max(40, terminal.columns);
  return statusLines(state, { ink, width, ages: true });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
