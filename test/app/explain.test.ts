/**
 * `explain` of the built program (SPEC 1 and 4), both ways: asking a running sidecar and resolving a file live, in words and
 * as JSON; and P4: it moves no counter and no Pod sees a byte.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { Explanation } from '../../src/model/explanation.ts';
import { headroute } from './support/command.ts';
import { Sidecar } from './support/sidecar.ts';
import { type Document, freePort, listener, Stage } from './support/stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'headroute-explain-'));
const file = join(folder, 'headroute.yaml');
let scene: Stage;
let running: Sidecar;
let quiet: Document;

const RULES: Document[] = [
  {
    name: 'writes',
    matches: [{ method: 'POST' }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'Leader' },
  },
  {
    name: 'search',
    matches: [{ path: { type: 'Exact', value: '/search' } }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'FanOut', respond: 'All' },
  },
  {
    name: 'tenant',
    matches: [{ path: { type: 'PathPrefix', value: '/t/' } }],
    backendRefs: [{ name: 'db' }],
    selection: {
      type: 'Ordinal',
      key: { header: 'X-Tenant' },
      mapping: { type: 'Exact' },
      whenUnavailable: 'Fail',
    },
  },
  { name: 'reads', matches: [{ path: { type: 'Exact', value: '/r' } }], backendRefs: [{ name: 'db' }] },
];

beforeAll(async () => {
  scene = await Stage.raise(['db-0', 'db-1', 'db-2']);
  const [backend] = [scene.backend()];
  quiet = scene.document({
    backends: [
      {
        ...backend,
        // Looks up and connects once, and sends a Pod no byte of its own.
        discovery: { ...(backend as { discovery: object }).discovery, refresh: { min: '60s', max: '60s' } },
        health: { tcpSocket: {}, period: '60s' },
        leader: { type: 'Ordinal', ordinal: 1 },
      },
    ],
    listeners: [listener({ rules: RULES })],
  });
  running = await Sidecar.start(quiet);
  await running.pods(3);
  writeFileSync(file, stringify(quiet));
});
afterAll(async () => {
  await running.dispose();
  await scene.close();
  rmSync(folder, { recursive: true, force: true });
});

const debug = (...args: string[]) => headroute(['explain', '--debug', `http://${running.debug}`, ...args]);
const live = (...args: string[]) => headroute(['explain', '--config', file, ...args]);

it('P4 (weave-os/router#695): explain of a FanOut and of a Leader rule 100 times moves no counter, and no Pod sees a byte or a connection', async () => {
  const series = async (): Promise<string[]> =>
    (await running.scrape()).split('\n').filter((line) => /^headroute_/.test(line));
  const seen = (): number[] => scene.pods.flatMap(({ raw }) => [raw.total, raw.connections.length]);
  const before = { series: await series(), seen: seen(), queries: scene.dns.queries.length };
  for (let n = 0; n < 100; n++)
    for (const query of ['method=GET&url=/search', 'method=POST&url=/w']) {
      const response = await fetch(`http://${running.debug}/explain?${query}`);
      const { outcome } = (await response.json()) as Explanation;
      expect(outcome).toMatchObject(
        query.startsWith('method=GET')
          ? { type: 'pods', pods: ['db-0', 'db-1', 'db-2'] }
          : { type: 'pod', pod: 'db-1', certain: true },
      );
    }
  await debug('GET', '/search');
  await debug('POST', '/w');
  expect(before.seen.filter((_, n) => n % 2 === 0)).toEqual([0, 0, 0]);
  expect({ series: await series(), seen: seen(), queries: scene.dns.queries.length }).toEqual(before);
});

it.concurrent('in words: what would happen first, then the rules tried and who is left out and why', async () => {
  const { status, stdout, stderr } = await debug('POST', '/w?x=1');
  expect([status, stderr]).toEqual([0, '']);
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(/^POST \/w\?x=1 goes to Pod db-1 \(127\.0\.0\.1:\d+\) of backend db: /);
  expect(stdout).toContain('Rule      writes (Leader)');
  expect(stdout).toMatch(/not db-0: is a follower: db-1 leads/);
});

it.concurrent('a file, resolved live, is explained the same way as a running sidecar does', async () => {
  const both = await Promise.all([debug('--json', 'POST', '/w'), live('--json', 'POST', '/w')]);
  const [asked, resolved] = both.map(({ stdout }) => JSON.parse(stdout) as Explanation);
  expect({ ...resolved, snapshot: 0 }).toEqual({ ...asked, snapshot: 0 });
  expect(both.map(({ status, stderr }) => [status, stderr])).toEqual([
    [0, ''],
    [0, ''],
  ]);
});

it.concurrent.for([
  [
    ['GET', '/search'],
    { rule: 'search', selection: 'FanOut', outcome: { type: 'pods', pods: ['db-0', 'db-1', 'db-2'] } },
  ],
  [
    ['GET', '/t/1', '-H', 'X-Tenant: db-2'],
    { rule: 'tenant', outcome: { type: 'pod', pod: 'db-2', certain: true } },
  ],
  [
    ['GET', '/t/1', '-H', 'X-Tenant: 7'],
    { rule: 'tenant', outcome: { type: 'fail', failure: 'ordinal_unavailable', status: 503 } },
  ],
  [['GET', '/t/1'], { rule: 'tenant', outcome: { type: 'fail', failure: 'key_missing', status: 400 } }],
  [
    ['GET', '/nowhere'],
    { rule: null, backend: null, outcome: { type: 'fail', failure: 'no_route', status: 404 } },
  ],
  [['GET', 'http://db.example/r'], { rule: 'reads', outcome: { type: 'pod', certain: false } }],
] as const)('%j as JSON, and the exit status is 0 whatever the outcome', async ([args, expected]) => {
  const { status, stdout } = await live('--json', ...args);
  expect(status).toBe(0);
  const resolved = JSON.parse(stdout) as Explanation;
  expect(resolved).toMatchObject(expected);
  // The debug port says the same of the running sidecar, of which Pod by chance aside.
  const [method, url, , header] = args;
  const query = new URLSearchParams({ method, url, ...(header === undefined ? {} : { header }) });
  const asked = await (await fetch(`http://${running.debug}/explain?${query}`)).json();
  expect(asked).toMatchObject(expected);
});

it.concurrent('what cannot be asked: no sidecar there, the admin port instead, no such file, no such request', async () => {
  const port = await freePort();
  const nobody = await headroute(['explain', '--debug', `127.0.0.1:${port}`, 'GET', '/']);
  expect([nobody.status, nobody.stdout]).toEqual([1, '']);
  expect(nobody.stderr).toMatch(/no sidecar answers at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  const admin = await headroute(['explain', '--debug', `http://${running.admin}`, 'GET', '/']);
  expect([admin.status, admin.stdout]).toEqual([1, '']);
  expect(admin.stderr).toMatch(/answered 404: .*\/livez/);
  const missing = await headroute(['explain', '--config', join(folder, 'none.yaml'), 'GET', '/']);
  expect([missing.status, missing.stdout]).toEqual([1, '']);
  expect(missing.stderr).toMatch(/none\.yaml:1:1: /);
  const bad = await debug('G T', '/');
  expect([bad.status, bad.stdout]).toEqual([2, '']);
});

it.concurrent('a file whose nameserver is silent is explained as far as it goes: no Pod is known', async () => {
  const port = await freePort();
  const silent = join(folder, 'silent.yaml');
  const backend = scene.backend({ discovery: { nameservers: [`127.0.0.1:${port}`], queryTimeout: '300ms' } });
  writeFileSync(silent, stringify(scene.document({ backends: [backend] })));
  const { status, stdout } = await headroute(['explain', '--config', silent, 'GET', '/']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/503 no_endpoint/);
});
