// Fails where an import goes against the direction of docs/adr/0001 (control and data never meet; pure code does no I/O).
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? 'src');

/** First pattern that matches a file's path decides what it may import (paths from src/; `node:` and packages apart). */
const LAYERS = [
  // In force before anything else is loaded.
  ['headroute.ts', ['main.ts']],
  // A thread enters the program again to parse: it is bundled as one.
  ['main.ts', ['cli/', 'platform/', 'observe/', 'control/config/watching/parse-thread.ts']],
  ['app.ts', ['model/', 'boundary/', 'platform/', 'control/', 'data/', 'observe/', 'admin/']],
  [
    'cli/',
    [
      'app.ts',
      'model/',
      'boundary/',
      'platform/',
      'control/',
      'data/',
      'observe/',
      'admin/',
      'demo/',
      'cli/',
    ],
  ],
  ['model/', ['model/']],
  ['boundary/', ['model/', 'boundary/', 'platform/']],
  ['platform/', ['platform/']],
  ['observe/', ['observe/', 'model/', 'boundary/', 'platform/']],
  ['control/', ['control/', 'model/', 'boundary/', 'platform/', 'observe/']],
  ['data/listen/', ['data/', 'model/', 'boundary/', 'platform/', 'observe/']],
  [
    'data/exchange/',
    [
      'data/exchange/',
      'data/placement/',
      'data/match/',
      'data/pick/',
      'data/merge/',
      'data/forward/',
      'data/placement/',
      'data/respond/',
      'data/http1/',
      'data/*',
      'model/',
      'boundary/',
      'platform/',
      'observe/',
    ],
  ],
  // Decides by what it is given: it knows no connection, no protocol and no exchange.
  [
    'data/placement/',
    [
      'data/placement/',
      'data/match/',
      'data/pick/',
      'data/*',
      'model/',
      'boundary/',
      'platform/',
      'observe/',
    ],
  ],
  ['data/match/', ['data/match/', 'data/*', 'model/', 'platform/']],
  ['data/pick/', ['data/pick/', 'data/*', 'model/', 'platform/']],
  ['data/merge/', ['data/merge/', 'data/*', 'model/', 'platform/']],
  [
    'data/forward/',
    ['data/forward/', 'data/http1/', 'data/*', 'model/', 'boundary/', 'platform/', 'observe/'],
  ],
  ['data/respond/', ['data/respond/', 'data/http1/', 'data/*', 'model/', 'platform/', 'observe/']],
  ['data/http1/', ['data/http1/', 'data/*', 'model/', 'platform/']],
  ['data/', ['data/', 'model/', 'boundary/', 'platform/', 'observe/']],
  ['admin/', ['admin/', 'model/', 'platform/', 'observe/']],
  ['demo/', ['demo/', 'app.ts', 'model/', 'platform/', 'cli/']],
];

/** Files that decide and never do I/O: no `node:*` import at all. */
const PURE = [
  'model/',
  'data/match/',
  'data/pick/',
  'data/merge/',
  'data/http1/',
  'data/placement/',
  'control/build-snapshot.ts',
  'control/leadership/arbitrate.ts',
  'control/health/thresholds.ts',
];

/** What may be taken from `node:*` in one file only. */
const ONLY = [{ name: 'connect', from: /^node:(net|tls)$/, file: 'platform/dialer.ts' }];

const problems = [];

function visit(dir) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) visit(path);
    else if (entry.name.endsWith('.ts')) check(path);
  }
}

function check(path) {
  const file = relative(root, path);
  const layer = LAYERS.find(([prefix]) => file === prefix || file.startsWith(prefix));
  if (layer === undefined) {
    problems.push(`${file}: lies in no layer; add its folder to scripts/check-imports.mjs`);
    return;
  }
  const text = readFileSync(path, 'utf8');
  const imports =
    /(?:import|export)\s[^'";]*?from\s*'([^']+)'|import\s*\(\s*'([^']+)'\s*\)|import\s+'([^']+)'/g;
  const named = /import\s*{([^}]*)}\s*from\s*'(node:[^']+)'/g;
  for (const [, names, from] of text.matchAll(named))
    for (const only of ONLY)
      if (only.from.test(from) && file !== only.file && names.split(',').some((n) => n.trim() === only.name))
        problems.push(`${file}: ${only.name} of ${from} is used in ${only.file} alone`);
  for (const match of text.matchAll(imports)) {
    const target = match[1] ?? match[2] ?? match[3];
    if (target.startsWith('.')) {
      const to = relative(root, resolve(dirname(path), target));
      if (!layer[1].some((allowed) => permits(allowed, to))) problems.push(`${file}: must not import ${to}`);
    } else if (target.startsWith('node:') && PURE.some((p) => file === p || file.startsWith(p))) {
      problems.push(`${file}: is pure and must not import ${target}`);
    }
  }
}

/** `data/*` permits files right under data/, not its folders. */
function permits(allowed, to) {
  if (allowed.endsWith('/*'))
    return to.startsWith(allowed.slice(0, -1)) && !to.slice(allowed.length - 1).includes('/');
  return allowed.endsWith('/') ? to.startsWith(allowed) : to === allowed;
}

visit(root);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`${problems.length} imports against the direction of the layers`);
  process.exit(1);
}
