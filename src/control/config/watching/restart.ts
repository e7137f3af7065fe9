import { formatAddress } from '../../../model/address.ts';
import type { Config, HostPort, Problem } from '../../../model/config.ts';
import type { Places } from '../parse.ts';

/**
 * What a reload cannot change, as problems of the new file (SPEC 2, Reload).
 * @param file the name that problems show
 */
export function restartProblems(running: Config, next: Config, file: string, places: Places): Problem[] {
  const changes: readonly (readonly [path: string, before: string, after: string])[] = [
    ['admin.address', formatAddress(running.admin), formatAddress(next.admin)],
    ['debug.address', formatIfAny(running.debug), formatIfAny(next.debug)],
    ['self.podName', running.selfPodName, next.selfPodName],
  ];
  return changes
    .filter(([, before, after]) => before !== after)
    .map(([path, before, after]) =>
      problemAt(
        path,
        `needs a restart: it is ${JSON.stringify(before)} in the running process and ${JSON.stringify(after)} in the file`,
        file,
        places,
      ),
    );
}

function formatIfAny(address: HostPort | null): string {
  return address === null ? '' : formatAddress(address);
}

/** As `restartProblems`, for the address of a listener that turned out not to be bindable in this process. */
export function listenerProblem(
  next: Config,
  listener: string,
  message: string,
  file: string,
  places: Places,
): Problem {
  const index = next.listeners.findIndex(({ name }) => name === listener);
  return problemAt(`listeners[${index}].address`, message, file, places);
}

function problemAt(path: string, message: string, file: string, places: Places): Problem {
  return { file, ...(places[path] ?? { line: 1, column: 1 }), path, message };
}
