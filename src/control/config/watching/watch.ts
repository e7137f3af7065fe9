import { dirname } from 'node:path';
import { type Clock, systemClock, type Timer } from '../../../platform/clock.ts';
import { DirectoryWatch } from '../../../platform/directory-watch.ts';
import { crashed } from '../../../platform/guard.ts';
import type { Logger } from '../../../platform/logger.ts';
import { readText } from '../load.ts';
import { hashOf, type ParseResult, parseConfig } from '../parse.ts';
import type { Environment } from '../text/environment.ts';
import { parseAside } from './parse-thread.ts';

/** Events of one swap come in a burst; they are taken together. */
const DEBOUNCE_MS = 50;
/** While the directory is gone no event tells that it is back. */
const REARM_MS = 1000;

export interface WatchOptions {
  /**
   * Told of each new content once, right or wrong, with the hash that `parseConfig` gives. One after another, each when the
   * one before has taken effect or failed; a content that another has replaced before its turn came is passed over.
   */
  onChange(result: ParseResult, hash: string): void | Promise<void>;
  /** The hash of the content in force, where `reread` is used. */
  readonly inForce?: () => string;
  /** Where `${NAME}` comes from; default: the environment of the process. */
  readonly env?: Environment;
  /** The hash of the content in force; by default that of the file now. */
  readonly knownHash?: string;
  /** How often the content is hashed, whatever events say; default 10 s (SPEC 2, Reload). */
  readonly intervalMs?: number;
  readonly clock?: Clock;
  readonly logger: Logger;
  /** How a changed content is parsed; default: aside, in a thread. Where it throws, `parseConfig` does it here. */
  readonly parse?: typeof parseAside;
}

/**
 * Watches a configuration file by its directory, since a ConfigMap is swapped there by renaming `..data` and the file's own
 * inode never changes (case C1), and hashes its content every `intervalMs` besides: events get lost on some file systems. A
 * file that is gone changes nothing until it is back with another content. Never throws.
 */
export function watchConfig(file: string, options: WatchOptions): ConfigWatch {
  return new ConfigWatcher(file, options);
}

export interface ConfigWatch {
  /**
   * Reads the file now because somebody asked for it: a content that is not in force is told again though it was told before
   * (what it asked for may be possible by now), and the log says where nothing changed. While a change is under way: after it.
   */
  reread(): void;
  close(): void;
}

class ConfigWatcher implements ConfigWatch {
  readonly #directory: DirectoryWatch;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  /** Of the content seen last. */
  #hash: string | null;
  /** Of the content told last, or the one in force. */
  #told: string | null;
  /** Seen, but not told yet. */
  #next: { readonly text: string; readonly hash: string } | null = null;
  #telling = false;
  /** Somebody asked while a content was told. */
  #rereadAfter = false;
  /** Why the file could not be read at the last look; null while it can. */
  #unreadable: string | null = null;
  #soon: Timer | null = null;
  #later: Timer | null = null;
  #closed = false;

  readonly #file: string;
  readonly #options: WatchOptions;

  constructor(file: string, options: WatchOptions) {
    this.#file = file;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#intervalMs = options.intervalMs ?? 10_000;
    this.#hash = options.knownHash ?? null;
    this.#directory = new DirectoryWatch(
      dirname(file),
      () => this.#lookSoon(),
      (error, isGone) => {
        options.logger.debug({ err: error }, 'watching the configuration directory failed');
        if (isGone) this.#lookSoon(REARM_MS);
      },
    );
    if (this.#hash === null) {
      const read = readText(file);
      if ('text' in read) this.#hash = hashOf(read.text);
    }
    // What changed between the load and this moment is found here.
    else this.#lookSoon();
    this.#told = this.#hash;
    this.#lookLater();
  }

  close(): void {
    this.#closed = true;
    this.#soon?.clear();
    this.#later?.clear();
    this.#directory.close();
  }

  reread(): void {
    this.#options.logger.info({ file: this.#file }, 'reading the configuration again, as SIGHUP asked');
    if (this.#telling) this.#rereadAfter = true;
    else this.#reread();
  }

  #reread(): void {
    const inForce = this.#options.inForce?.() ?? this.#hash;
    this.#rereadAfter = false;
    this.#unreadable = null;
    this.#hash = inForce;
    this.#told = inForce;
    this.#look();
    if (this.#hash === inForce && this.#unreadable === null)
      this.#options.logger.info({ configHash: inForce }, 'the configuration file has not changed');
  }

  #lookLater(): void {
    this.#later = this.#clock.after(this.#intervalMs, () => {
      this.#directory.rearmIfReplaced();
      this.#look();
      if (!this.#closed) this.#lookLater();
    });
  }

  #lookSoon(inMs = DEBOUNCE_MS): void {
    if (this.#closed || this.#soon !== null) return;
    this.#soon = this.#clock.after(inMs, () => {
      this.#soon = null;
      this.#directory.rearmIfReplaced();
      this.#look();
    });
  }

  #look(): void {
    if (this.#closed) return;
    const read = readText(this.#file);
    if ('problem' in read) {
      if (this.#unreadable !== read.problem)
        this.#options.logger.warn(
          { file: this.#file, reason: read.problem },
          'the configuration file cannot be read; the running configuration stays',
        );
      this.#unreadable = read.problem;
      return;
    }
    if (this.#unreadable !== null) {
      this.#unreadable = null;
      this.#options.logger.info({ file: this.#file }, 'the configuration file is back');
    }
    const hash = hashOf(read.text);
    if (hash === this.#hash) return;
    this.#hash = hash;
    this.#next = { text: read.text, hash };
    if (!this.#telling) void this.#tell();
  }

  /** One content after another. */
  async #tell(): Promise<void> {
    this.#telling = true;
    for (let next = this.#next; next !== null && !this.#closed; next = this.#next) {
      this.#next = null;
      if (next.hash === this.#told) continue;
      const result = await this.#parse(next.text);
      if (this.#closed) break;
      this.#told = next.hash;
      try {
        await this.#options.onChange(result, next.hash);
      } catch (error) {
        crashed('control', error);
      }
    }
    this.#telling = false;
    if (this.#rereadAfter && !this.#closed) this.#reread();
  }

  async #parse(text: string): Promise<ParseResult> {
    const { env = process.env, logger, parse = parseAside } = this.#options;
    try {
      return await parse(text, this.#file, env);
    } catch (error) {
      logger.warn({ err: error }, 'a thread could not parse the configuration; the event loop waits for it');
      return parseConfig(text, this.#file, env);
    }
  }
}
