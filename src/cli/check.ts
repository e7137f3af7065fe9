import { loadConfig } from '../control/config/load.ts';
import { formatProblem } from '../control/config/problem.ts';
import type { Environment } from '../control/config/text/environment.ts';
import { findingsOfTls } from '../control/config/tls-files.ts';

/**
 * `headroute check`: prints every problem and warning of a configuration file, one a line, or that there is none. A file that `tls` names
 * and that is not there is a warning: it may be where the configuration is to run.
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
  const { problems, missing, warnings } = findingsOfTls(result.config, file, result.places);
  for (const warning of [...missing, ...warnings])
    out(formatProblem({ ...warning, message: `warning: ${warning.message}` }));
  if (problems.length > 0) {
    for (const problem of problems) out(formatProblem(problem));
    return 1;
  }
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
