import { pino } from 'pino';
import type { LogLevel } from '../model/config.ts';
import type { Logger } from '../platform/logger.ts';
import { readableLine } from './readable-line.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const STDERR = 2;
/** Characters that wait for a slow reader of stderr; past this, lines are dropped rather than memory filled. */
const MAX_WAITING = 4 * 1024 * 1024;

export interface LeveledLogger extends Logger {
  /** Takes effect at once. @returns false for what is no level */
  setLevel(level: string): boolean;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Lines for people, as on a terminal, instead of JSON. */
  readonly pretty: boolean;
  /** Where lines go instead of stderr (tests). */
  readonly write?: (line: string) => void;
}

/**
 * Logs to stderr, one JSON object a line: `level` as a word, `time` in ISO 8601, `msg`. Written without waiting, so that a
 * slow reader of stderr never stalls the event loop; pino writes what is left when the process exits.
 */
export function createLogger({ level, pretty, write }: LoggerOptions): LeveledLogger {
  const logger = pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destinationOf(pretty, write),
  );
  return Object.assign(logger, {
    setLevel(next: string): boolean {
      if (!LEVELS.includes(next as LogLevel)) return false;
      logger.level = next;
      return true;
    },
  });
}

function destinationOf(pretty: boolean, write: LoggerOptions['write']): { write(line: string): void } {
  if (write !== undefined) return { write: pretty ? (line) => write(readableLine(line)) : write };
  // A terminal takes lines as they come: process.stderr writes to one synchronously.
  if (pretty) return { write: (line) => void process.stderr.write(readableLine(line)) };
  const stderr = pino.destination({ dest: STDERR, sync: false, maxLength: MAX_WAITING });
  // A reader that went away (EPIPE) or a full disk behind stderr is no reason to stop serving.
  stderr.on('error', () => {});
  return stderr;
}
