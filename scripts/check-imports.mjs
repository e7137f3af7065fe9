// Fails where an import goes against the direction of docs/adr/0001 (control and data never meet; pure code does no I/O).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? 'src');

/** What watching Pods is made of: neither health nor leadership knows how the control plane puts them together. */
const WATCHING = [
  'control/probe/',
  'control/causes/',
  'control/pod-names.ts',
  'control/report.ts',
  'control/roster.ts',
  'model/',
  'platform/',
  'observe/',
];

/** What a request says, as routing reads it. */
const TEXT = ['data/byte-string.ts', 'data/query-params.ts', 'data/request-view.ts'];

/** First pattern that matches a file's path decides what it may import (paths from src/; `node:` and packages apart). */
const LAYERS = [
  // In force before anything else is loaded.
  ['headroute.ts', ['main.ts']],
  // A thread enters the program again to parse: it is bundled as one.
  [
    'main.ts',
    [
      'cli/',
      'platform/',
      'observe/',
      'control/config/input.ts',
      'control/config/load.ts',
      'control/config/watching/parse-thread.ts',
    ],
  ],
  [
    'app.ts',
    [
      'app/',
      'model/',
      'boundary/',
      'platform/',
      'control/',
      'data/',
      'observe/',
      'admin/',
      'state/',
      'page/',
    ],
  ],
  ['app/', ['app/', 'model/', 'boundary/', 'platform/', 'control/', 'data/', 'observe/']],
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
  // From bytes to a configuration: what is said of a mistake, and what the words mean, are every room's.
  [
    'control/config/text/',
    ['control/config/text/', 'control/config/grammar/', 'control/config/problem.ts', 'model/'],
  ],
  [
    'control/config/grammar/',
    ['control/config/grammar/', 'control/config/problem.ts', 'control/leadership/presets.ts', 'model/'],
  ],
  [
    'control/config/checks/',
    [
      'control/config/checks/',
      'control/config/grammar/',
      'control/config/problem.ts',
      'control/routes.ts',
      'model/',
    ],
  ],
  ['control/config/', ['control/config/', 'control/routes.ts', 'model/', 'platform/']],
  // How one asks DNS, what one asks, and who is believed to be a member: none knows of the next.
  ['control/discovery/wire/', ['control/discovery/wire/', 'model/', 'platform/', 'observe/']],
  [
    'control/discovery/membership/',
    ['control/discovery/membership/', 'control/discovery/contract.ts', 'model/', 'platform/', 'observe/'],
  ],
  ['control/discovery/', ['control/discovery/', 'control/pod-names.ts', 'model/', 'platform/', 'observe/']],
  // One question to a Pod and what its answer means; health and leadership ask, and do not know of each other.
  ['control/probe/', ['control/probe/', 'model/', 'platform/', 'observe/']],
  // What is told of what is wrong: it knows nobody who finds it out.
  ['control/causes/', ['control/causes/', 'control/discovery/contract.ts', 'model/', 'platform/']],
  ['control/health/', [...WATCHING, 'control/health/']],
  [
    'control/leadership/',
    [...WATCHING, 'control/leadership/', 'control/discovery/', 'control/build-snapshot.ts'],
  ],
  ['control/', ['control/', 'model/', 'boundary/', 'platform/', 'observe/']],
  ['data/listen/', ['data/', 'model/', 'boundary/', 'platform/', 'observe/']],
  [
    'data/exchange/',
    [
      'data/exchange/',
      'data/stream/',
      'data/placement/',
      'data/merge/',
      ...TEXT,
      'data/inbound-listener.ts',
      'data/request-fields.ts',
      'data/compact-pieces.ts',
      'model/',
      'platform/',
      'observe/',
    ],
  ],
  // What exchanges move, and between whom: no protocol, no socket.
  ['data/stream/', ['data/stream/', 'data/request-view.ts', 'data/inbound-listener.ts', 'model/']],
  // Decides by what it is given: it knows no connection, no protocol and no exchange.
  [
    'data/placement/',
    [
      'data/placement/',
      'data/match/',
      'data/pick/',
      ...TEXT,
      'data/inbound-listener.ts',
      'data/renamed-backends.ts',
      'data/safe-methods.ts',
      'model/',
      'boundary/',
      'platform/',
      'observe/',
    ],
  ],
  // Asks the same code as a request does, and meets no connection.
  [
    'data/explain/',
    [
      'data/explain/',
      'data/placement/',
      'data/match/',
      'data/pick/',
      'data/http1/',
      ...TEXT,
      'data/safe-methods.ts',
      'model/',
      'platform/',
    ],
  ],
  ['data/match/', ['data/match/', ...TEXT, 'model/']],
  ['data/pick/', ['data/pick/', ...TEXT, 'model/']],
  ['data/merge/', ['data/merge/', 'model/']],
  [
    'data/forward/',
    [
      'data/forward/',
      'data/stream/',
      'data/http1/',
      'data/*',
      'model/',
      'boundary/',
      'platform/',
      'observe/',
    ],
  ],
  [
    'data/respond/',
    ['data/respond/', 'data/stream/', 'data/http1/', 'data/*', 'model/', 'platform/', 'observe/'],
  ],
  ['data/http1/', ['data/http1/', 'data/stream/', 'data/pending-bytes.ts', 'data/request-view.ts', 'model/']],
  ['data/', ['data/', 'model/', 'boundary/', 'platform/', 'observe/']],
  ['admin/', ['admin/', 'model/', 'platform/', 'observe/']],
  // What `/state` says: told by both planes, and by an observer of the snapshots.
  ['state/', ['state/', 'model/', 'boundary/', 'platform/', 'observe/', 'control/report.ts']],
  // The same views on the server and in the browser, from a state alone; words of an explanation as `headroute explain` says them.
  ['page/browser/', ['page/', 'model/', 'cli/explain-text.ts']],
  ['page/view/', ['page/view/', 'model/']],
  ['page/', ['page/assets.ts', 'page/view/', 'model/', 'cli/explain-text.ts']],
  ['demo/', ['demo/', 'app.ts', 'model/', 'platform/', 'cli/']],
];

/** Files that decide and never do I/O: no `node:*` module, by way of no other file either. Types are no I/O. */
const PURE = [
  'model/',
  'data/match/',
  'data/pick/',
  'data/merge/',
  'data/http1/',
  'data/placement/',
  'data/stream/',
  'control/build-snapshot.ts',
  'control/leadership/arbitrate.ts',
  'control/health/thresholds.ts',
];

/**
 * Whether the time, a timer or chance is asked for: outside platform/ it is passed in, or taken from platform/clock.ts and
 * platform/random.ts, so that tests can turn it. `setImmediate` is order and no time.
 */
const AMBIENT = /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval|new Date\(\))/g;
/** The demo is another program: its Pods and its traffic live by the clock on the wall. So is what runs in a browser. */
const MAY_BE_AMBIENT = ['platform/', 'demo/', 'page/browser/'];

/** What may be taken from `node:*` in one file only. */
const ONLY = [
  { name: 'connect', from: /^node:net$/, file: 'platform/dialer.ts' },
  { name: 'connect', from: /^node:tls$/, file: 'platform/tls/handshake.ts' },
];

/** Knows no runtime of its own: what it uses of one is passed in, by `platform/` or a contract. */
const WITHOUT_NODE = ['data/exchange/', 'data/placement/', 'data/stream/'];

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
    if (target.startsWith('node:') && isIn(WITHOUT_NODE, file))
      problems.push(`${file}: must not import ${target}`);
    if (target.startsWith('.')) {
      const to = relative(root, resolve(dirname(path), target));
      if (!layer[1].some((allowed) => permits(allowed, to))) problems.push(`${file}: must not import ${to}`);
    }
  }
  if (isIn(PURE, file)) {
    const way = wayToNode(file, new Set());
    if (way !== null) problems.push(`${file}: is pure and must not import ${way.join(', which imports ')}`);
  }
  if (!isIn(MAY_BE_AMBIENT, file))
    for (const [what] of text.replace(COMMENTS, '').matchAll(AMBIENT))
      problems.push(`${file}: ${what} is platform/'s alone`);
}

const COMMENTS = /\/\*[\s\S]*?\*\/|(?<![:'"])\/\/.*$/gm;

function isIn(patterns, file) {
  return patterns.some((p) => file === p || file.startsWith(p));
}

/** The imports by which values of a `node:` module come to a file, or null. */
function wayToNode(file, seen) {
  if (seen.has(file) || !existsSync(join(root, file))) return null;
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  for (const [statement, target] of text.matchAll(/^(?:import|export)\s[^'";]*?'([^']+)'/gm)) {
    if (/^(?:import|export) type\b/.test(statement) || /{(?:\s*type\s[^,}]*,?)+\s*}/.test(statement))
      continue;
    if (target.startsWith('node:')) return [target];
    if (!target.startsWith('.')) continue;
    const next = relative(root, resolve(root, dirname(file), target));
    const way = wayToNode(next, seen);
    if (way !== null) return [next, ...way];
  }
  return null;
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
