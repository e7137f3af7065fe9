// node .ci/count.mjs FOLDER   sums up what .ci/run left there; exit status 1 if anything failed.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
let passed = 0;
let failed = 0;
const problems = [];

for (const file of readdirSync(folder).filter((name) => name.endsWith('.status'))) {
  const stage = file.slice(0, -'.status'.length);
  const succeeded = readFileSync(join(folder, file), 'utf8').trim() === '0';
  const report = join(folder, `${stage}.json`);
  let failedHere = 0;
  if (existsSync(report)) {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const { name, status, assertionResults } of testResults) {
      const ended = (wanted) => assertionResults.filter((test) => test.status === wanted);
      passed += ended('passed').length;
      for (const test of ended('failed')) problems.push(`${stage}: ${test.fullName}`);
      failedHere += ended('failed').length;
      // A file that could not be loaded, or whose beforeAll failed, has no failed test to show for it.
      if (status === 'failed' && ended('failed').length === 0) {
        problems.push(`${stage}: ${name}`);
        failedHere++;
      }
    }
  } else if (succeeded) passed++;
  // What is no test: the stage itself, or an error outside of all tests.
  if (!succeeded && failedHere === 0) {
    problems.push(`${stage}: the stage itself`);
    failedHere = 1;
  }
  failed += failedHere;
}

process.stdout.write('\n');
for (const problem of problems) process.stdout.write(`failed: ${problem}\n`);
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
