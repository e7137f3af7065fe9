import { type FSWatcher, statSync, watch } from 'node:fs';

/**
 * Tells that something in a directory may have changed. The directory is watched and not its files, since a ConfigMap or a Secret
 * is swapped there by renaming `..data`, and a file's own inode never changes (case C1). One that is removed and made again is
 * found by `rearmIfReplaced`.
 */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #onChange: () => void;
  readonly #onError: (error: unknown, isGone: boolean) => void;
  #events: FSWatcher | null = null;
  #inode = 0;

  /** @param onError watching failed; `isGone`: there is no such directory now, and no event will tell that it is back */
  constructor(directory: string, onChange: () => void, onError: (error: unknown, isGone: boolean) => void) {
    this.#directory = directory;
    this.#onChange = onChange;
    this.#onError = onError;
    this.#arm();
  }

  /** The directory may be another one by now: events of the old one would never come. */
  rearmIfReplaced(): void {
    if (this.#events !== null && inodeOf(this.#directory) === this.#inode) return;
    this.close();
    this.#arm();
  }

  close(): void {
    this.#events?.close();
    this.#events = null;
  }

  #arm(): void {
    try {
      const inode = inodeOf(this.#directory);
      const events = watch(this.#directory, { persistent: false }, () => this.#onChange());
      events.on('error', (error) => {
        this.#onError(error, false);
        if (this.#events === events) this.close();
      });
      this.#events = events;
      this.#inode = inode;
    } catch (error) {
      this.#onError(error, true);
    }
  }
}

/** 0 where there is no such directory. */
function inodeOf(directory: string): number {
  try {
    return statSync(directory).ino;
  } catch {
    return 0;
  }
}
