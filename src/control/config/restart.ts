import { formatAddress } from '../../model/address.ts';
import type { Config, Problem } from '../../model/config.ts';

/**
 * What a reload cannot change, as problems of the new file (SPEC 2, Reload).
 * @param file the name that problems show
 */
export function restartProblems(running: Config, next: Config, file: string): Problem[] {
  const changes: readonly (readonly [path: string, before: string, after: string])[] = [
    ['admin.address', formatAddress(running.admin), formatAddress(next.admin)],
    ['debug.address', formatAddress(running.debug), formatAddress(next.debug)],
    ['self.podName', running.selfPodName, next.selfPodName],
  ];
  return changes
    .filter(([, before, after]) => before !== after)
    .map(([path, before, after]) => ({
      file,
      line: 1,
      column: 1,
      path,
      message: `needs a restart: it is ${JSON.stringify(before)} in the running process and ${JSON.stringify(after)} in the file`,
    }));
}
