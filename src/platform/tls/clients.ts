import { dirname } from 'node:path';
import { type Clock, systemClock, type Timer } from '../clock.ts';
import { DirectoryWatch } from '../directory-watch.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { TlsClient } from './client.ts';
import type { TlsOptions } from './options.ts';

/** Events of one swap come in a burst; they are taken together. */
const DEBOUNCE_MS = 50;
/** How often the files are read whatever events say: some file systems lose them. */
const LOOK_MS = 10_000;

export interface TlsClientsDeps {
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Changed files took effect, or could not. */
  readonly onReload?: (ok: boolean) => void;
}

/** The ways of speaking TLS that the configuration has, each once, with a watch over their files. */
export class TlsClients {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #onReload: (ok: boolean) => void;
  readonly #watched = new Map<string, Watched>();
  /** By the objects of the configuration, for a look without making a text. */
  #known = new WeakMap<TlsOptions, TlsClient>();

  constructor({ logger = silentLogger, clock = systemClock, onReload = () => {} }: TlsClientsDeps = {}) {
    this.#logger = logger;
    this.#clock = clock;
    this.#onReload = onReload;
  }

  /** The client for these options; made, and its files read, where it is new. */
  of(options: TlsOptions): TlsClient {
    let client = this.#known.get(options);
    if (client === undefined) {
      const key = keyOf(options);
      const watched = this.#watched.get(key) ?? this.#add(key, options);
      client = watched.client;
      this.#known.set(options, client);
    }
    return client;
  }

  /** These are in use from now on: the files of new ones are read, and the watch over those of all others ends. */
  use(inUse: readonly TlsOptions[]): void {
    for (const options of inUse) this.of(options);
    const keys = new Set(inUse.map(keyOf));
    for (const [key, watched] of this.#watched)
      if (!keys.has(key)) {
        watched.close();
        this.#watched.delete(key);
      }
    this.#known = new WeakMap();
  }

  close(): void {
    this.use([]);
  }

  #add(key: string, options: TlsOptions): Watched {
    const watched = new Watched(options, this.#clock, this.#logger, this.#onReload);
    this.#watched.set(key, watched);
    return watched;
  }
}

function keyOf({ ca, cert, key, serverName, minVersion, verify }: TlsOptions): string {
  return JSON.stringify([ca, cert, key, serverName, minVersion, verify]);
}

/** A client, and the watch over its files. */
class Watched {
  readonly client: TlsClient;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #onReload: (ok: boolean) => void;
  readonly #directories: readonly DirectoryWatch[];
  #told: string | null;
  #soon: Timer | null = null;
  #later: Timer | null = null;
  #closed = false;

  constructor(options: TlsOptions, clock: Clock, logger: Logger, onReload: (ok: boolean) => void) {
    this.#clock = clock;
    this.#logger = logger;
    this.#onReload = onReload;
    const { ca, cert, key, verify } = options;
    const paths = [ca, cert, key].filter((path) => path !== null);
    const onError = (error: unknown): void => logger.debug({ err: error }, 'watching certificates failed');
    this.#directories = [...new Set(paths.map((path) => dirname(path)))].map(
      (directory) => new DirectoryWatch(directory, () => this.#lookSoon(), onError),
    );
    this.client = new TlsClient(options, clock.wallMs());
    this.#told = this.client.problem;
    if (this.#told !== null) logger.warn({ reason: this.#told }, 'TLS to the Pods is not possible');
    if (verify !== 'Full')
      logger.warn(
        { verify },
        verify === 'None'
          ? 'who answers for the Pods is not verified at all'
          : 'the names of Pods are not verified',
      );
    if (paths.length > 0) this.#lookLater();
  }

  close(): void {
    this.#closed = true;
    this.#soon?.clear();
    this.#later?.clear();
    for (const directory of this.#directories) directory.close();
  }

  #lookLater(): void {
    this.#later = this.#clock.after(LOOK_MS, () => {
      this.#look();
      if (!this.#closed) this.#lookLater();
    });
  }

  #lookSoon(): void {
    if (this.#closed || this.#soon !== null) return;
    this.#soon = this.#clock.after(DEBOUNCE_MS, () => {
      this.#soon = null;
      this.#look();
    });
  }

  #look(): void {
    if (this.#closed) return;
    for (const directory of this.#directories) directory.rearmIfReplaced();
    const changed = this.client.reload(this.#clock.wallMs());
    const { problem, inForce, options } = this.client;
    if (changed) {
      const notAfterMs = inForce!.material.notAfterMs;
      const validUntil = notAfterMs === null ? null : new Date(notAfterMs).toISOString();
      this.#logger.info(
        { ca: options.ca, cert: options.cert, validUntil },
        'the changed certificates are in force',
      );
      this.#onReload(true);
    } else if (problem !== null && problem !== this.#told) {
      this.#logger.warn({ reason: problem }, 'the certificates on disk cannot be used; those in force stay');
      this.#onReload(false);
    }
    this.#told = problem;
  }
}
