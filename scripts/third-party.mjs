// The licences of the packages that are bundled into the program, out of what esbuild says that it has bundled.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {readonly import('esbuild').Metafile[]} metafiles of all builds whose output is shipped
 * @param {string} root the folder that their paths start at
 * @returns {string[]} folders of the packages of which at least a byte is in the output, sorted
 */
export function bundledPackages(metafiles, root) {
  const outputs = metafiles.flatMap(({ outputs }) => Object.values(outputs));
  const inputs = outputs.flatMap(({ inputs }) => Object.entries(inputs));
  const files = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0).map(([file]) => file);
  const folders = files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))]
    .sort()
    .map((folder) => join(root, folder));
}

/**
 * @param {readonly string[]} folders of packages
 * @returns {string} name, version and licence of each, with the text
 * @throws where a package names no licence or ships no text of it: nobody may pass it on then
 */
export function licensesOf(folders) {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const texts = readdirSync(folder)
      .filter((file) => /^(licen[cs]e|copying|notice)([.-]|$)/i.test(file))
      .sort()
      .map((file) => readFileSync(join(folder, file), 'utf8').trim());
    if (typeof license !== 'string' || texts.length === 0)
      throw new Error(
        `${name} ${version} is bundled, but its package names no licence or lacks the text of it`,
      );
    return [`${name} ${version} (${license})`, ...texts].join('\n\n');
  });
  const line = '-'.repeat(80);
  return `headroute's program contains these packages:\n\n${line}\n${parts.join(`\n\n${line}\n`)}\n`;
}
