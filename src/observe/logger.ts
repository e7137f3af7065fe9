import { pino } from 'pino';
import type { LogLevel } from '../model/config.ts';
import type { Logger } from '../platform/logger.ts';
import { readableLine } from './readable-line.ts';

const LEVELS: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

export interface LeveledLogger extends Logger {
  /** Takes effect at once. @returns false for what is no level */
  setLevel(level: string): boolean;
  /** Of the access log: its lines are written whatever the level is. */
  readonly access: Pick<Logger, 'info'>;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Lines for people, as on a terminal, instead of JSON. */
  readonly pretty: boolean;
  /** Takes each line, with its line end; it must not block. */
  readonly write: (line: string) => void;
}

/** Logs one JSON object a line: `level` as a word, `time` in ISO 8601, `msg`. */
export function createLogger(options: LoggerOptions): LeveledLogger {
  const logger = newLogger(options);
  return Object.assign(logger, {
    // No child of it: pino lets one of the same level follow its parent's.
    access: newLogger({ ...options, level: 'info' }),
    setLevel(next: string): boolean {
      if (!LEVELS.includes(next as LogLevel)) return false;
      logger.level = next;
      return true;
    },
  });
}

function newLogger({ level, pretty, write }: LoggerOptions): pino.Logger {
  return pino(
    {
      level,
      base: undefined,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: pretty ? (line) => write(readableLine(line)) : write },
  );
}
