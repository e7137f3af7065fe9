import { execFileSync } from 'node:child_process';

/** Builds dist/headroute.js once before the run, so that black-box tests run what users run. */
export default function setup(): void {
  execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
}
