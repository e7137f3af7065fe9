import { formatWarning } from '../control/config/problem.ts';
import type { Problem } from '../model/config.ts';
import type { Logger } from '../platform/logger.ts';

/** Tells what `headroute check` warns of, in one line for a configuration. */
export function logWarnings(logger: Logger, warnings: readonly Problem[]): void {
  if (warnings.length > 0)
    logger.warn(
      { warnings: warnings.map(formatWarning) },
      'the configuration is valid, but hardly does what is meant',
    );
}
