// Nanoseconds of one match and one pick, in this process, from the project's own sources.
import { build } from 'esbuild';
import { writeTemporary } from './processes.mjs';

const ROUNDS = 21;
const EACH = 20_000;
const REQUESTS = 1000;

async function sources() {
  const root = new URL('../../', import.meta.url).pathname;
  const contents = `export { compileMatcher } from './src/data/match/matcher.ts';
export { pickerFor } from './src/data/pick/registry.ts';
export { orderRoutes } from './src/control/routes.ts';`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
  });
  return import(writeTemporary('match-and-pick.mjs', outputFiles[0].text));
}

const match = (part) => ({ path: null, methods: [], headers: [], queryParams: [], ...part });
/** What rule n asks for, and the request that only rule n takes. */
const KINDS = {
  'path prefix': {
    match: (n) => match({ path: { type: 'PathPrefix', value: `/tenant-${n}` } }),
    request: (n, order) => ({ path: `/tenant-${n}/orders/${order}`, tenant: undefined }),
  },
  'exact header': {
    match: (n) => match({ headers: [{ type: 'Exact', name: 'X-Tenant', value: `tenant-${n}` }] }),
    request: (n, order) => ({ path: `/orders/${order}`, tenant: `tenant-${n}` }),
  },
};

function viewOf({ path, tenant }) {
  return {
    method: 'GET',
    path,
    query: '',
    host: 'db',
    header: (name) => (name === 'x-tenant' ? tenant : undefined),
  };
}

/** Interleaved, so that what else the machine does meets all alike. @returns median nanoseconds by name */
function timed(cases) {
  const samples = cases.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [index, once] of cases.entries()) {
      const began = process.hrtime.bigint();
      for (let n = 0; n < EACH; n++) once(n);
      samples[index].push(Number(process.hrtime.bigint() - began) / EACH);
    }
  // The first rounds ran before V8 had compiled the loop.
  return samples.map((values) => values.slice(5).sort((a, b) => a - b)[(ROUNDS - 5) >> 1]);
}

/** @returns `{ matching: { kind: [ns by count] }, picking: { selection: [ns by count] } }` */
export async function matchAndPick(ruleCounts, podCounts) {
  const { compileMatcher, orderRoutes, pickerFor } = await sources();
  const matching = {};
  for (const [kind, { match: matchOf, request }] of Object.entries(KINDS)) {
    matching[kind] = timed(
      ruleCounts.map((count) => {
        const rules = Array.from({ length: count }, (_, n) => ({
          name: `r${n}`,
          hostnames: [],
          matches: [matchOf(n)],
        }));
        const matcher = compileMatcher({ config: {}, routes: orderRoutes(rules) });
        // As many different requests whatever the number of rules: what grows is the rules' part alone.
        const views = Array.from({ length: REQUESTS }, (_, n) => viewOf(request(n % count, n)));
        return (n) => {
          if (matcher.match(views[n % REQUESTS]) === null) throw new Error('no rule matched');
        };
      }),
    );
  }
  const picking = {};
  const selections = {
    'Balance, LeastRequest': { type: 'Balance', over: 'Ready', algorithm: 'LeastRequest' },
    'Balance, RoundRobin': { type: 'Balance', over: 'Ready', algorithm: 'RoundRobin' },
  };
  for (const [name, selection] of Object.entries(selections)) {
    picking[name] = timed(
      podCounts.map((count) => {
        const pods = Array.from({ length: count }, (_, n) => ({
          id: n,
          name: `db-${n}`,
          ordinal: n,
          state: 'ready',
        }));
        const backend = {
          pods,
          ready: pods,
          followers: pods,
          leadership: { state: 'unconfigured', leader: null },
        };
        const picker = pickerFor({ ...selection });
        const busy = new Int32Array(count);
        const context = {
          random: Math.random,
          inFlight: (id) => busy[id],
          nextTurn: () => 0,
          tried: () => false,
        };
        return () => {
          if (picker.pick(backend, context).type !== 'pod') throw new Error('no Pod was picked');
        };
      }),
    );
  }
  return { matching, picking };
}
