import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

/** Runs the check on a tree of files; its exit status and what it says. */
function check(files: Record<string, string>): { status: number | null; said: string } {
  const root = mkdtempSync(join(tmpdir(), 'headroute-imports-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { status, stderr } = spawnSync(process.execPath, ['scripts/check-imports.mjs', root], {
      encoding: 'utf8',
    });
    return { status, said: stderr };
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

it.each([
  ['control imports data', { 'control/a.ts': "import { x } from '../data/b.ts';" }],
  ['data imports control', { 'data/pick/a.ts': "import type { X } from '../../control/b.ts';" }],
  ['match imports forward', { 'data/match/a.ts': "export { x } from '../forward/b.ts';" }],
  ['placing knows a connection', { 'data/placement/a.ts': "import { x } from '../forward/b.ts';" }],
  ['exchange imports listen', { 'data/exchange/a.ts': "const m = await import('../listen/b.ts');" }],
  ['an exchange reads HTTP/1', { 'data/exchange/a.ts': "import type { X } from '../http1/b.ts';" }],
  ['an exchange knows a socket', { 'data/exchange/a.ts': "import type { Socket } from 'node:net';" }],
  ['what is moved knows who moves it', { 'data/stream/a.ts': "import type { X } from '../exchange/b.ts';" }],
  ['the model imports anything', { 'model/a.ts': "import '../platform/clock.ts';" }],
  ['pure code does I/O', { 'data/http1/a.ts': "import { Socket } from 'node:net';" }],
  [
    'a second place that opens connections',
    { 'data/a.ts': "import { connect, type Socket } from 'node:net';" },
  ],
  [
    'pure code does I/O by way of a file that may',
    {
      'data/placement/a.ts': "import { f } from '../../platform/b.ts';",
      'platform/b.ts': "import { g } from './c.ts';",
      'platform/c.ts': "import { randomBytes } from 'node:crypto';",
    },
  ],
  [
    'matching knows what lies right under data/',
    { 'data/match/a.ts': "import { x } from '../data-plane.ts';" },
  ],
  ['probing knows the control plane', { 'control/health/a.ts': "import '../control-plane.ts';" }],
  ['health knows leadership', { 'control/health/a.ts': "import type { X } from '../leadership/b.ts';" }],
  ['membership knows how DNS is asked', { 'control/discovery/membership/a.ts': "import '../wire/b.ts';" }],
  ['a clock of its own', { 'data/a.ts': 'const now = Date.now();' }],
  ['a timer of its own', { 'control/a.ts': 'setTimeout(() => {}, 1);' }],
  ['chance of its own', { 'observe/a.ts': 'export const x = Math.random;' }],
  ['a folder that is in no layer', { 'utils/a.ts': '' }],
])('%s: refused, and the file named', (_, files) => {
  const { status, said } = check(files);
  expect(status).toBe(1);
  expect(said).toContain(Object.keys(files)[0]);
});

it('what goes in the direction of the layers passes', () => {
  const files = {
    'app.ts': "import './control/a.ts'; import './data/b.ts';",
    'data/exchange/c.ts': "import '../placement/d.ts'; import '../stream/e.ts';",
    'data/forward/c.ts': "import '../http1/d.ts'; import 'node:net';",
    'control/a.ts': "import '../model/e.ts';",
    // Types are no I/O, and words in a comment no timer.
    'data/match/f.ts': "import type { X } from '../request-view.ts'; // as setTimeout does",
    'data/request-view.ts': "import type { Socket } from 'node:net';",
    'platform/clock.ts': 'export const now = () => performance.now();',
  };
  expect(check(files)).toEqual({ status: 0, said: '' });
});
