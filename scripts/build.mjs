// npm run build: what is shipped, into dist/: the program, the JSON Schema of its configuration, the licences of what is bundled.
import { execFileSync } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { bundleProgram } from './bundle.mjs';
import { bundledPackages, licensesOf } from './third-party.mjs';

const root = new URL('..', import.meta.url).pathname;
const dist = `${root}dist`;
const metafiles = await bundleProgram(dist);
write('THIRD-PARTY-LICENSES.txt', licensesOf(bundledPackages(metafiles, root)));
write('schema.json', execFileSync(process.execPath, [`${dist}/headroute.js`, 'schema']));

/** As a whole or not at all. */
function write(name, content) {
  const aside = `${dist}/.${name}-${process.pid}`;
  writeFileSync(aside, content);
  renameSync(aside, `${dist}/${name}`);
}
