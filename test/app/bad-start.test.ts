/** What keeps the built program from starting (issue 10, Bad input): exit 1 and a message that says what to do. */
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { headroute } from './support/command.ts';
import { PROGRAM } from './support/sidecar.ts';
import { type Document, freePort, listener, Stage, takenPort } from './support/stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'headroute-start-'));
const NOBODY = 65534;
let scene: Stage;
beforeAll(async () => {
  chmodSync(folder, 0o755);
  scene = await Stage.raise();
});
afterAll(async () => {
  await scene.close();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function file(content: string | Uint8Array): string {
  const name = join(folder, `${++files}.yaml`);
  writeFileSync(name, content);
  return name;
}

/** Another user may read it there. @returns the file to run */
function copyOfProgram(): string {
  const copy = mkdtempSync(join(folder, 'program-'));
  chmodSync(copy, 0o755);
  cpSync(dirname(PROGRAM), copy, { recursive: true });
  return join(copy, basename(PROGRAM));
}

async function refuses(path: string, message: RegExp): Promise<void> {
  const { status, stdout, stderr } = await headroute(['run', '--config', path]);
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n\s+at /);
}

it.concurrent.for([
  ['unparsable YAML', 'backends: [\n  - {', /\.yaml:\d+:\d+: /],
  ['an empty file', '', /\.yaml:1:1: /],
  ['two documents', 'a: 1\n---\nb: 2\n', /\.yaml:\d+:\d+: .*document/],
  ['what is not UTF-8', Uint8Array.of(0xff, 0xfe, 0x41, 0x00), /\.yaml:1:1: .*UTF-8/],
] as const)('%s: the problem with its line, exit 1', ([, content, message]) =>
  refuses(file(content), message),
);

it.concurrent('a missing file, a directory, a file behind a file: each in words', async () => {
  await refuses(join(folder, 'missing.yaml'), /missing\.yaml:1:1: .*no such file.*--config/);
  const directory = join(folder, 'directory');
  mkdirSync(directory);
  await refuses(directory, /directory:1:1: .*is a directory/);
  await refuses(join(file('x'), 'y.yaml'), /no such file/);
});

it.concurrent('an unreadable file: says for whom, and what to check', async () => {
  const secret = file(stringify(scene.document()));
  chmodSync(secret, 0o000);
  const root = process.getuid?.() === 0;
  // Root reads everything: another user has to try, with a copy of the program where it may read it.
  const program = copyOfProgram();
  const { status, stderr } = await headroute(
    ['run', '--config', secret],
    root ? { uid: NOBODY, program } : {},
  );
  expect(status).toBe(1);
  expect(stderr).toMatch(/:1:1: .*may not be read by this user \(uid \d+\)/);
});

it.concurrent.for([
  ['data', (address: string): Document => ({ listeners: [listener({ address })] }), 'listeners'],
  ['admin', (address: string): Document => ({ admin: { address } }), 'admin.address'],
  ['debug', (address: string): Document => ({ debug: { address } }), 'debug.address'],
] as const)(
  'I6 (jaeger-operator#1230): the %s port in use is named, with the key to change',
  async ([, part, key], test) => {
    const { port } = await takenPort(test);
    const other = await freePort();
    const document = scene.document({ listeners: [listener({ address: `127.0.0.1:${other}` })] });
    const path = file(stringify({ ...document, ...part(`127.0.0.1:${port}`) }));
    await refuses(path, new RegExp(`127\\.0\\.0\\.1:${port}.*${key.replace('.', '\\.')}`));
  },
);

it.concurrent('a privileged port, where this user may not bind it, says so', async () => {
  if (process.getuid?.() !== 0) return;
  const program = copyOfProgram();
  const path = file(stringify(scene.document({ listeners: [listener({ address: '127.0.0.1:81' })] })));
  const { status, stderr } = await headroute(['run', '--config', path], { uid: NOBODY, program });
  // A kernel may allow it to everybody (net.ipv4.ip_unprivileged_port_start); then it would run on.
  expect([status, stderr]).toEqual([1, expect.stringMatching(/127\.0\.0\.1:81.*privileged/)]);
});

it.concurrent('an address of another host says so', async () => {
  const path = file(stringify(scene.document({ listeners: [listener({ address: '192.0.2.1:8080' })] })));
  await refuses(path, /192\.0\.2\.1.*no address of this host/);
});

it.concurrent('what is not supported yet is refused by name', async () => {
  const path = file(stringify(scene.document({ tracing: {}, listeners: [listener({ protocol: 'HTTP2' })] })));
  await refuses(path, /tracing: .*not supported yet/);
  await refuses(path, /listeners\[0\]\.protocol: .*not supported yet/);
});
