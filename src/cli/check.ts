import { loadConfig } from '../control/config/load.ts';
import { formatProblem, formatWarning } from '../control/config/problem.ts';
import type { Environment } from '../control/config/text/environment.ts';

/**
 * `headroute check`: prints every problem of a configuration file, one a line, or that there is none; warnings too.
 *
 * @param out takes one line without its end
 * @returns the exit status: 0 valid, 1 not
 */
export function check(file: string, env: Environment, out: (line: string) => void): number {
  const result = loadConfig(file, env);
  if (!result.ok) {
    for (const problem of result.problems) out(formatProblem(problem));
    return 1;
  }
  for (const warning of result.warnings) out(formatWarning(warning));
  const { backends, listeners } = result.config;
  const rules = listeners.reduce((sum, listener) => sum + listener.rules.length, 0);
  out(
    `${file}: ok (${count(backends.length, 'backend')}, ${count(listeners.length, 'listener')}, ${count(rules, 'rule')})`,
  );
  return 0;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
