import { isStdin, STDIN_NAME } from '../control/config/input.ts';
import { readText, type TextOrProblem } from '../control/config/load.ts';
import { parseConfig } from '../control/config/parse.ts';
import { formatProblem, formatWarning } from '../control/config/problem.ts';
import { configMapsIn, type Embedded } from '../control/config/text/config-map.ts';
import type { Environment } from '../control/config/text/environment.ts';
import { findingsOfTls } from '../control/config/tls-files.ts';
import type { Config } from '../model/config.ts';

export interface CheckDeps {
  readonly env: Environment;
  /** Standard input to its end. */
  readStdin(): Promise<TextOrProblem>;
  /** Takes one line without its end. */
  out(line: string): void;
}

/**
 * `headroute check`: prints every problem of a configuration, one a line, or that there is none; warnings too. Of a ConfigMap each
 * key that holds one is checked. A file that `tls` names and that is not there is a warning: it may be where the configuration is to run.
 *
 * @param source its file, or `-` for standard input
 * @returns the exit status: 0 valid, 1 not
 */
export async function check(source: string, { env, readStdin, out }: CheckDeps): Promise<number> {
  const file = isStdin(source) ? STDIN_NAME : source;
  const read = isStdin(source) ? await readStdin() : readText(source);
  if ('problem' in read) {
    out(formatProblem({ file, line: 1, column: 1, path: '', message: read.problem }));
    return 1;
  }
  const maps = configMapsIn(read.text);
  for (const problem of maps?.problems ?? []) out(formatProblem({ file, ...problem }));
  const whole: Embedded = { what: '', text: read.text, placeOf: (place) => place };
  const passed = (maps?.configurations ?? [whole]).map((each) => checkOne(each, file, env, out));
  return passed.every(Boolean) && (maps?.problems ?? []).length === 0 ? 0 : 1;
}

/** @returns whether it is valid */
function checkOne(
  { what, text, placeOf }: Embedded,
  file: string,
  env: Environment,
  out: CheckDeps['out'],
): boolean {
  const result = parseConfig(text, file, env);
  const tls = result.ok ? findingsOfTls(result.config, file, result.places) : null;
  const problems = result.ok ? tls!.problems : result.problems;
  const warnings = result.ok ? [...result.warnings, ...tls!.missing, ...tls!.warnings] : [];
  for (const warning of warnings) out(formatWarning({ ...warning, ...placeOf(warning) }));
  for (const problem of problems) out(formatProblem({ ...problem, ...placeOf(problem) }));
  if (!result.ok || problems.length > 0) return false;
  out(`${file}: ${what === '' ? '' : `${what}: `}ok (${contents(result.config)})`);
  return true;
}

function contents({ backends, listeners }: Config): string {
  const rules = listeners.reduce((sum, listener) => sum + listener.rules.length, 0);
  return [count(backends.length, 'backend'), count(listeners.length, 'listener'), count(rules, 'rule')].join(
    ', ',
  );
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
