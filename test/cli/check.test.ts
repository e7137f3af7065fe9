import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { check } from '../../src/cli/check.ts';
import { schema } from '../../src/cli/schema.ts';
import { sample, textOf } from '../control/config/sample.ts';
import { issue } from '../helpers/certificates.ts';
import { TlsFiles } from '../helpers/tls-files.ts';

const NOBODY = async () => ({ problem: 'nobody writes here' });

async function checked(
  content: string | Buffer | null,
): Promise<{ status: number; lines: string[]; file: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'headroute-check-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'headroute.yaml');
  if (content !== null) writeFileSync(file, content);
  const lines: string[] = [];
  const status = await check(file, { env: {}, readStdin: NOBODY, out: (line) => void lines.push(line) });
  return { status, lines, file };
}

it('a valid file is ok', async () => {
  const { status, lines, file } = await checked(textOf(sample()));
  expect([status, lines]).toEqual([0, [`${file}: ok (1 backend, 1 listener, 1 rule)`]]);
});

it('problems are printed one a line', async () => {
  const { status, lines, file } = await checked(
    textOf(sample({ document: { log: { level: 'loud' }, extra: 1 } })),
  );
  expect(status).toBe(1);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line.startsWith(`${file}:`)).toBe(true);
});

it('warnings are marked, printed before the result, and no failure', async () => {
  const { status, lines, file } = await checked(textOf(sample({ backend: { service: 'db' } })));
  expect(status).toBe(0);
  expect(lines).toEqual([
    `${file}:5:14: warning: backends[0].service: "db" is asked as it stands, without search domains: a Service is db.NAMESPACE.svc.cluster.local`,
    `${file}: ok (1 backend, 1 listener, 1 rule)`,
  ]);
});

it('the example of the documentation is valid and has the one warning that it names', async () => {
  const lines: string[] = [];
  const out = (line: string) => void lines.push(line);
  expect(await check('docs/examples/headroute.yaml', { env: {}, readStdin: NOBODY, out })).toBe(0);
  expect(lines).toEqual([
    expect.stringMatching(
      /: warning: listeners\[0\]\.rules\[1\]: takes POST, PUT, PATCH, DELETE under \/t\/ from writes/,
    ),
    'docs/examples/headroute.yaml: ok (2 backends, 1 listener, 4 rules)',
  ]);
});

it.each([
  [null, 'there is no such file'],
  ['', 'the file is empty'],
  [Buffer.from([0xff, 0xfe, 0x00]), 'is not UTF-8'],
])('a file with %j is a problem with a remedy', async (content, problem) => {
  const { status, lines, file } = await checked(content);
  expect(status).toBe(1);
  expect(lines).toEqual([expect.stringContaining(`${file}:1:1: `)]);
  expect(lines[0]).toContain(problem);
});

it('a directory is a problem', async () => {
  const lines: string[] = [];
  const out = (line: string) => void lines.push(line);
  expect(await check(tmpdir(), { env: {}, readStdin: NOBODY, out })).toBe(1);
  expect(lines[0]).toContain('is a directory');
});

it('the schema is JSON', () => {
  const text: string[] = [];
  expect(schema((line) => text.push(line))).toBe(0);
  expect(JSON.parse(text.join(''))).toMatchObject({ type: 'object', additionalProperties: false });
});

describe('the files of tls', () => {
  const ca = issue({ name: 'CA', isCa: true });
  const own = issue({ name: 'headroute', signer: ca });

  async function withTls(part: Record<string, unknown>) {
    const files = new TlsFiles();
    onTestFinished(() => files.remove());
    const tls = {
      ca: files.write('ca.crt', ca.cert),
      cert: files.write('tls.crt', own.cert),
      key: files.write('tls.key', own.key),
      ...part,
    };
    return { files, ...(await checked(textOf(sample({ backend: { tls } })))) };
  }

  it('that are well are no problem', async () => {
    expect(await withTls({})).toMatchObject({ status: 0, lines: [expect.stringContaining(': ok (')] });
  });

  it('that are not there are a warning at their line', async () => {
    const { status, lines, file } = await withTls({ ca: '/nowhere/ca.crt' });
    expect(status).toBe(0);
    expect(lines).toEqual([
      expect.stringMatching(
        /^.+:\d+:\d+: warning: backends\[0\]\.tls\.ca: "\/nowhere\/ca\.crt" is not there$/,
      ),
      expect.stringContaining(': ok ('),
    ]);
    expect(lines[0]!.startsWith(`${file}:8:11:`), lines[0]).toBe(true);
  });

  it('that cannot be used are a problem at theirs', async () => {
    const files = new TlsFiles();
    onTestFinished(() => files.remove());
    const { status, lines } = await withTls({ key: files.write('other.key', issue({ name: 'x' }).key) });
    expect(status).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/:10:12: backends\[0\]\.tls\.key: .+ does not belong to the certificate in /),
    ]);
  });

  it.each(['Chain', 'None'])('verify: %s is warned of', async (verify) => {
    const { status, lines } = await withTls({ verify });
    expect(status).toBe(0);
    expect(lines[0]).toMatch(/warning: backends\[0\]\.tls\.verify: /);
  });
});
