/** The debug and admin ports of the built program (SPEC 4; field-cases.md A1 and A3); test/admin has the rest. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/control/config/parse.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { Sidecar } from './support/sidecar.ts';
import { Stage } from './support/stage.ts';

const SECRET = 'hunter2-s3cret';
let scene: Stage;
let running: Sidecar;
beforeAll(async () => {
  scene = await Stage.raise();
  const headers = [{ name: 'Authorization', value: `Bearer ${SECRET}` }];
  running = await Sidecar.start(
    scene.document({
      backends: [scene.backend({ health: { httpGet: { path: '/healthz', headers }, period: '100ms' } })],
    }),
  );
  await running.pods(2);
});
afterAll(async () => {
  await running.dispose();
  await scene.close();
});

async function ask(address: string, request: string): Promise<{ status: number; text: string }> {
  const client = await RawClient.connect(Number(/\d+$/.exec(address)));
  const { status, body } = await client.exchange(`${request}\r\n\r\n`);
  client.destroy();
  return { status, text: body.toString() };
}

const PATHS = [
  'GET /',
  'GET /page.js',
  'GET /page.css',
  'GET /state',
  'GET /explain?method=GET&url=/',
  'GET /config',
  'POST /drain',
  'POST /undrain',
  'POST /quit',
  'POST /log?level=debug',
];

it.each(PATHS)('A1 (headroom#605): %s with the Host of DNS rebinding is refused', async (line) => {
  for (const host of [
    'evil.example:9181',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost.',
    '0.0.0.0',
    '169.254.169.254',
  ]) {
    const { status } = await ask(running.debug, `${line} HTTP/1.1\r\nHost: ${host}`);
    expect([host, status]).toEqual([host, 403]);
  }
});

it.each(PATHS.filter((line) => line.startsWith('POST')))(
  'A3 (cezar#426): %s of another site is refused',
  async (line) => {
    for (const field of ['Origin: https://evil.example', 'Origin: null', 'Sec-Fetch-Site: cross-site']) {
      const request = `${line} HTTP/1.1\r\nHost: localhost:9181\r\nContent-Type: text/plain\r\n${field}\r\nContent-Length: 0`;
      expect([field, (await ask(running.debug, request)).status]).toEqual([field, 403]);
    }
  },
);

it('after all these it neither drains nor quits', async () => {
  expect((await running.readyz()).status).toBe(200);
  expect((await fetch(running.url)).status).toBe(200);
  expect(running.exit).toBe(null);
});

it('another method is 405, an unknown path 404; control is not on the admin port', async () => {
  const on = (address: string, line: string) =>
    ask(address, `${line} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0`).then(({ status }) => status);
  expect(await on(running.debug, 'GET /quit')).toBe(405);
  expect(await on(running.debug, 'POST /state')).toBe(405);
  expect(await on(running.debug, 'GET /nothing')).toBe(404);
  expect(await on(running.admin, 'POST /quit')).toBe(404);
  expect(await on(running.admin, 'GET /state')).toBe(404);
  expect(await on(running.admin, 'POST /metrics')).toBe(405);
  expect(running.exit).toBe(null);
});

it('GET /config is what was loaded, without the secrets of probes; /state says why each Pod is as it is', async () => {
  const config = await ask(running.debug, 'GET /config HTTP/1.1\r\nHost: 127.0.0.1');
  expect(config.text).not.toContain(SECRET);
  expect(config.text).toContain('[redacted]');
  expect(JSON.parse(config.text)).toMatchObject({
    kind: 'ProxyConfig',
    backends: [{ name: 'db', health: { httpGet: { path: '/healthz' }, period: '100ms' } }],
    listeners: [{ name: 'app' }],
  });
  expect(parseConfig(config.text, 'pasted.yaml', {})).toMatchObject({ ok: true });
  const state = await ask(running.debug, 'GET /state HTTP/1.1\r\nHost: localhost');
  expect(state.text).not.toContain(SECRET);
  expect(JSON.parse(state.text)).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    snapshot: expect.any(Number),
    configHash: expect.stringMatching(/^[0-9a-f]{8,}$/),
    backends: [
      {
        name: 'db',
        service: expect.stringContaining('db.prod.svc'),
        pods: ['db-0', 'db-1'].map((name, ordinal) => ({
          name,
          ordinal,
          state: 'ready',
          health: { ok: true },
        })),
      },
    ],
  });
});

it('GET / is the page with its script and style, which the build has put into the program', async () => {
  const get = async (path: string) => {
    const response = await fetch(`http://${running.debug}${path}`);
    return { policy: response.headers.get('content-security-policy'), text: await response.text() };
  };
  const page = await get('/?backend=db&pod=db-1');
  expect(page.policy).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  );
  // Nothing inline: a script is loaded, data is no script, and nothing has a style or a handler of its own.
  expect(page.text.match(/<script[^>]*>/g)).toEqual([
    '<script src="/page.js" defer>',
    '<script type="application/json" id="paths">',
  ]);
  expect(page.text).not.toMatch(/<style| style=| on[a-z]+=|https?:\/\/(?!www\.w3\.org\/2000\/svg)/);
  expect(page.text).toMatch(/<h3 id="pod-title">db-1<\/h3>/);
  expect((await get('/page.js')).text.length).toBeGreaterThan(10_000);
  expect((await get('/page.css')).text).toContain('prefers-color-scheme:dark');
  const hostile = await get(
    `/?url=${encodeURIComponent('"><script>x</script>')}&backend=${encodeURIComponent('</script><b>')}`,
  );
  expect(hostile.text).not.toMatch(/<script>x|<b>/);
});

/** How many sockets of a process listen for TCP connections. */
function listening(pid: number): number {
  const rows = ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1),
  );
  const inodes = new Set(
    rows.map((row) => row.trim().split(/\s+/)).flatMap((of) => (of[3] === '0A' ? [of[9]] : [])),
  );
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? [];
    return inodes.has(inode);
  }).length;
}

it.runIf(process.platform === 'linux')('debug.address: "" opens no debug port', async () => {
  expect(listening(running.pid)).toBe(3);
  const without = await Sidecar.start(scene.document({ debug: { address: '' } }));
  try {
    expect((await fetch(`http://${without.admin}/livez`)).status).toBe(200);
    expect(listening(without.pid)).toBe(2);
    expect(without.debug).toBeNull();
  } finally {
    await without.dispose();
  }
});
