/** What is shipped: the licences of all that is bundled, and nothing that nobody uses. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
// @ts-expect-error a script without types
import { bundleProgram } from '../../scripts/bundle.mjs';
// @ts-expect-error a script without types
import { bundledPackages, licensesOf } from '../../scripts/third-party.mjs';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
let bundled: string[];
let inputs: string[];

beforeAll(async () => {
  const out = mkdtempSync(join(tmpdir(), 'headroute-bundle-'));
  try {
    const metafiles: { outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }> }[] =
      await bundleProgram(out);
    bundled = bundledPackages(metafiles, process.cwd());
    inputs = metafiles.flatMap(({ outputs }) =>
      Object.values(outputs).flatMap((output) =>
        Object.entries(output.inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? file : [])),
      ),
    );
  } finally {
    rmSync(out, { recursive: true });
  }
});

it('the licence of each bundled package is in the file, with its text', () => {
  const shipped = readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8');
  const titles = bundled.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return `${name} ${version} (${license})`;
  });
  expect(titles.join()).toContain('yaml ');
  expect(shipped).toBe(licensesOf(bundled));
  for (const title of titles) expect(shipped).toContain(`\n${title}\n\n`);
});

it('a package without a licence, or without its text, is not shipped', () => {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-licence-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const packageOf = (name: string, license: string | undefined, text: string | null): string => {
    const at = join(folder, name);
    mkdirSync(at);
    writeFileSync(join(at, 'package.json'), JSON.stringify({ name, version: '1.2.3', license }));
    if (text !== null) writeFileSync(join(at, 'LICENSE.md'), text);
    return at;
  };
  expect(licensesOf([packageOf('good', 'MIT', 'do as you like')])).toContain(
    'good 1.2.3 (MIT)\n\ndo as you like',
  );
  for (const bad of [packageOf('silent', undefined, 'x'), packageOf('textless', 'MIT', null)])
    expect(() => licensesOf([bad])).toThrow(/is bundled, but its package names no licence or lacks the text/);
});

it('all is bundled, so that the package pulls nothing', () => {
  for (const key of ['dependencies', 'optionalDependencies', 'peerDependencies', 'bundleDependencies'])
    expect(manifest).not.toHaveProperty(key);
});

it('zod comes without its words in fifty languages: it is imported as a namespace', () => {
  expect(inputs.filter((file) => file.includes('/zod/'))).not.toEqual([]);
  expect(inputs.filter((file) => file.includes('/zod/') && file.includes('/locales/'))).toEqual([
    'node_modules/zod/v4/locales/en.js',
  ]);
});

it('the JSON Schema is a file, as headroute schema prints it', () => {
  const printed = execFileSync(process.execPath, ['dist/headroute.js', 'schema'], { encoding: 'utf8' });
  expect(readFileSync('dist/schema.json', 'utf8')).toBe(printed);
});
