import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { Document } from './stage.ts';

/** A ConfigMap volume as the kubelet lays it out: file -> ..data/file, ..data -> ..<version>, swapped by a rename. */
export class ConfigMap {
  readonly file: string;
  readonly #root: string;
  #version = 0;

  constructor(root: string, document: Document) {
    this.#root = root;
    this.file = join(root, 'headroute.yaml');
    this.#create(document);
  }

  /** @param document null: the new version holds no file */
  swap(document: Document | null): void {
    const before = `..${this.#version}`;
    const name = `..${++this.#version}`;
    mkdirSync(join(this.#root, name));
    if (document !== null) writeFileSync(join(this.#root, name, 'headroute.yaml'), stringify(document));
    symlinkSync(name, join(this.#root, '..data_tmp'));
    renameSync(join(this.#root, '..data_tmp'), join(this.#root, '..data'));
    rmSync(join(this.#root, before), { recursive: true, force: true });
  }

  /** The ConfigMap is deleted: the directory and all in it are gone. */
  remove(): void {
    rmSync(this.#root, { recursive: true });
  }

  putBack(document: Document): void {
    this.#create(document);
  }

  #create(document: Document): void {
    mkdirSync(this.#root, { recursive: true });
    this.swap(document);
    symlinkSync('..data/headroute.yaml', this.file);
  }
}
