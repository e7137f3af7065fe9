import { createHash } from 'node:crypto';

/** SHA-256 (FIPS 180-4): nobody knows two bodies with one digest. */
export class Sha256 {
  readonly #hash = createHash('sha256');

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  finish(): string {
    return this.#hash.digest('base64');
  }
}
