import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startDebugServer } from '../../src/admin/debug-server.ts';
import { NO_CAUSES } from '../../src/boundary/causes.ts';
import { SnapshotCell } from '../../src/boundary/snapshot-cell.ts';
import { type ExplainArgs, explain } from '../../src/cli/explain.ts';
import { explainInWords } from '../../src/cli/explain-text.ts';
import { resolveLive } from '../../src/cli/resolve-live.ts';
import { describeRequest } from '../../src/data/explain/described-request.ts';
import { explainRequest } from '../../src/data/explain/explain.ts';
import { justStarted } from '../../src/data/explain/present.ts';
import { emptySnapshot } from '../../src/model/empty.ts';
import type { Explanation } from '../../src/model/explanation.ts';
import type { BackendSnapshot, RoutingSnapshot } from '../../src/model/snapshot.ts';
import { silentLogger } from '../../src/platform/logger.ts';
import { backendOf, hold, listenerOf, matchOf, pod, rule } from '../data/fixtures.ts';
import { backendConfig, configWith } from '../helpers/config.ts';

const config = configWith({ backends: [backendConfig()] });
const writes = rule('writes', {
  matches: [matchOf({ methods: ['POST'] })],
  selection: { type: 'Leader', hold, onDemotion: 'Close' },
});
const reads = rule('reads', { selection: { type: 'Balance', over: 'Followers', algorithm: 'LeastRequest' } });
const pods = [pod(0), pod(1), pod(2, 'unready')];

function snapshotOf(db: BackendSnapshot): RoutingSnapshot {
  const routes = [
    { rule: writes, hostname: null, match: writes.matches[0]! },
    { rule: reads, hostname: null, match: null },
  ];
  return {
    ...emptySnapshot(config, 'x'),
    version: 7,
    backends: new Map([['db', db]]),
    listeners: [listenerOf(routes)],
  };
}

function words(snapshot: RoutingSnapshot, method: string, url = '/x'): string {
  return explainInWords(
    explainRequest(
      justStarted(snapshot, () => 0),
      describeRequest(method, url, []),
    ),
  );
}

async function run(
  args: Partial<ExplainArgs>,
  snapshot?: RoutingSnapshot,
): Promise<[number, string, string]> {
  let out = '';
  let err = '';
  const status = await explain(
    { json: false, method: 'POST', url: '/x', headers: [], ...args },
    {
      env: {},
      readStdin: async () => ({ problem: 'nobody writes here' }),
      out: (text) => {
        out += text;
      },
      err: (text) => {
        err += text;
      },
      resolve: async () =>
        snapshot === undefined
          ? Promise.reject(new Error('nothing to resolve'))
          : { snapshot, causes: NO_CAUSES, atMs: 0 },
    },
  );
  return [status, out, err];
}

describe('an explanation in words', () => {
  it('says the Pod, the rules and why the other Pods are none', () => {
    const text = words(snapshotOf(backendOf(pods, pods[1]!)), 'POST', '/x?y=1');
    expect(text.split('\n')[0]).toBe('POST /x?y=1 goes to Pod db-1 (127.0.0.1:80) of backend db: it leads.');
    for (const line of ['Rule      writes (Leader)', '  took writes: method is POST', '  candidates: db-1'])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/^ {2}not db-0: .+$/m);
    expect(text).toMatch(/^ {2}not db-2: .+$/m);
    expect(text).toMatch(/^ {2}leader: db-1/m);
  });

  it('says how long a write would be held, and why', () => {
    const text = words(snapshotOf(backendOf(pods, 'none')), 'POST');
    expect(text).toMatch(/^POST \/x is held for up to 10 s \(backend db\), because .+503 hold_timeout\.$/m);
    expect(text).toMatch(/leader: none is known/);
  });

  it('says what headroute answers itself, and that a choice is by chance', () => {
    expect(words(snapshotOf(backendOf([], 'unconfigured')), 'GET')).toMatch(
      /answered by headroute itself with 503 no_endpoint/,
    );
    const text = words(snapshotOf(backendOf([pod(0), pod(1), pod(2)], 'unconfigured')), 'GET');
    expect(text).toMatch(/goes to one of several Pods of backend db, this time db-\d/);
    expect(text).toContain('  not  writes: ');
  });

  it('is short with 1,000 Pods and harmless on a terminal', () => {
    const many = Array.from({ length: 1000 }, (_, n) => pod(n, n % 2 === 0 ? 'ready' : 'unready'));
    const text = words(snapshotOf(backendOf(many, 'unconfigured')), 'GET');
    expect(text.split('\n').length).toBeLessThan(50);
    expect(text).toMatch(/and 480 more/);
    const hostile = pod(0, 'unready', { reason: 'answered \u001b[2J\nforged' });
    expect(words(snapshotOf(backendOf([hostile], 'unconfigured')), 'GET')).not.toMatch(/\u001b|\nforged/);
  });
});

describe('headroute explain --debug', () => {
  async function sidecar(leader = pods[1]!): Promise<{ url: string; asked: unknown[] }> {
    const asked: unknown[] = [];
    const server = await startDebugServer({
      address: { host: '127.0.0.1', port: 0 },
      page: () => import('../../src/page/server-page.ts'),
      state: () => ({}),
      explain(method, url, headers) {
        asked.push([method, url, headers]);
        const lines = headers.map(([name, value]) => `${name}: ${value}`);
        return explainRequest(
          justStarted(snapshotOf(backendOf([leader], leader))),
          describeRequest(method, url, lines),
        );
      },
      config: () => ({}),
      drain() {},
      async undrain() {},
      quit() {},
      forgetTerm: () => null,
      setLogLevel: () => true,
      logger: silentLogger,
    });
    onTestFinished(() => server.close());
    return { url: `127.0.0.1:${server.address.port}`, asked };
  }

  it('asks a running sidecar, with the headers as they are', async () => {
    const { url, asked } = await sidecar();
    const headers: [string, string][] = [
      ['X-Tenant', 'a&b=c:%20+é'],
      ['x-tenant', '2'],
    ];
    const [status, out, err] = await run({ debug: url, url: '/t/a%2Fb?x=1&y=+', headers });
    expect([status, err]).toEqual([0, '']);
    expect(out).toMatch(/goes to Pod db-1/);
    expect(asked).toEqual([['POST', '/t/a%2Fb?x=1&y=+', headers]]);
  });

  it('P4: a hundred explanations open no connection to the Pod (weave-os/router#695); --json is the answer itself', async () => {
    let connections = 0;
    const listening = createServer().on('connection', () => connections++);
    await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void listening.close());
    const { url } = await sidecar(pod(1, 'ready', { port: (listening.address() as AddressInfo).port }));
    const first = await run({ debug: `http://${url}/`, json: true });
    for (let n = 0; n < 99; n++) expect(await run({ debug: url, json: true })).toEqual(first);
    expect((JSON.parse(first[1]) as Explanation).outcome).toMatchObject({ type: 'pod', pod: 'db-1' });
    expect(connections).toBe(0);
  });

  it('says so where no sidecar answers, or something else does', async () => {
    const other = createServer((_request, response) => void response.end('<html>'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await run({ debug: `127.0.0.1:${port}` })).toEqual([
      1,
      '',
      expect.stringContaining('is no debug server'),
    ]);
    await new Promise((resolve) => {
      other.close(resolve);
      other.closeAllConnections();
    });
    expect(await run({ debug: `127.0.0.1:${port}` })).toEqual([
      1,
      '',
      expect.stringContaining('no sidecar answers at'),
    ]);
    for (const debug of ['ftp://x', 'http://', 'https://127.0.0.1:1'])
      expect(await run({ debug })).toEqual([1, '', expect.stringContaining('is no http URL')]);
  });
});

describe('headroute explain --config', () => {
  it('prints the problems of the file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'explain-'));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, 'c.yaml');
    writeFileSync(file, 'kind: Nothing\n');
    const [status, out, err] = await run({ config: file });
    expect([status, out]).toEqual([1, '']);
    expect(err).toMatch(/c\.yaml:1:\d+: /);
  });

  it('refuses what is no request as wrong usage', async () => {
    expect(await run({ url: 'x y', debug: '127.0.0.1:1' })).toEqual([
      2,
      '',
      expect.stringContaining('"x y"'),
    ]);
    expect((await run({ method: 'G T' }))[0]).toBe(2);
    expect((await run({ headers: [['a b', 'c']] }))[0]).toBe(2);
  });

  it('takes the picture as soon as it is whole, and closes what it started', async () => {
    const cell = new SnapshotCell(emptySnapshot(config, 'x'));
    const done: string[] = [];
    const whole = snapshotOf(backendOf([pods[0]!], 'unconfigured'));
    const plane = {
      apply: () => setImmediate(() => cell.publish(whole)),
      firstRoundDone: () => true,
      close: () => done.push('closed'),
    };
    expect((await resolveLive(plane, cell, config, 'x')).snapshot).toBe(whole);
    expect(done).toEqual(['closed']);
  });
});
