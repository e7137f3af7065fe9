import { readdirSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import type { Mutation } from './table.ts';

/** A mutation that does not fit the sources any more: it tests nothing until somebody mends its text. */
export class StaleMutation extends Error {}

/** The sources of a mutation's files as it changes them, by absolute path. @throws StaleMutation */
export function mutated({ name, edits }: Mutation): Map<string, string> {
  const sources = new Map<string, string>();
  for (const { file, text, instead } of edits) {
    const found = sourcesNamed(file).map((path) => ({
      path,
      parts: (sources.get(path) ?? readFileSync(path, 'utf8')).split(text),
    }));
    const times = found.reduce((sum, { parts }) => sum + parts.length - 1, 0);
    if (times !== 1)
      throw new StaleMutation(
        `mutation "${name}": its text stands ${times} times in ${found.length} files src/**/${file}, not once; mend test/chaos/mutations/table.ts:\n${text}`,
      );
    const { path, parts } = found.find((one) => one.parts.length === 2)!;
    sources.set(path, parts.join(instead));
  }
  return sources;
}

/** All files of src/ with this name. */
function sourcesNamed(file: string): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => basename(path) === file)
    .map((path) => resolve('src', path));
}

/** Bundles the program with a mutation into a folder. @throws StaleMutation */
export async function buildMutant(mutation: Mutation, out: string): Promise<void> {
  const sources = mutated(mutation);
  const plugin: Plugin = {
    name: 'mutation',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const contents = sources.get(path);
        return contents === undefined ? undefined : { contents, loader: 'ts' };
      });
    },
  };
  const { bundleProgram } = (await import(resolve('scripts/bundle.mjs'))) as {
    bundleProgram(out: string, plugins: readonly Plugin[]): Promise<void>;
  };
  await bundleProgram(resolve(out), [plugin]).catch((error: unknown) => {
    throw new StaleMutation(`mutation "${mutation.name}" does not build any more: ${String(error)}`);
  });
}
