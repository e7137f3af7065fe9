import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { check } from '../../src/cli/check.ts';
import { schema } from '../../src/cli/schema.ts';
import { sample, textOf } from '../control/config/sample.ts';
import { issue } from '../helpers/certificates.ts';
import { TlsFiles } from '../helpers/tls-files.ts';

function checked(content: string | Buffer | null): { status: number; lines: string[]; file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'headroute-check-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'headroute.yaml');
  if (content !== null) writeFileSync(file, content);
  const lines: string[] = [];
  return { status: check(file, {}, (line) => lines.push(line)), lines, file };
}

it('a valid file is ok', () => {
  const { status, lines, file } = checked(textOf(sample()));
  expect([status, lines]).toEqual([0, [`${file}: ok (1 backend, 1 listener, 1 rule)`]]);
});

it('problems are printed one a line', () => {
  const { status, lines, file } = checked(textOf(sample({ document: { log: { level: 'loud' }, extra: 1 } })));
  expect(status).toBe(1);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line.startsWith(`${file}:`)).toBe(true);
});

it.each([
  [null, 'there is no such file'],
  ['', 'the file is empty'],
  [Buffer.from([0xff, 0xfe, 0x00]), 'is not UTF-8'],
])('a file with %j is a problem with a remedy', (content, problem) => {
  const { status, lines, file } = checked(content);
  expect(status).toBe(1);
  expect(lines).toEqual([expect.stringContaining(`${file}:1:1: `)]);
  expect(lines[0]).toContain(problem);
});

it('a directory is a problem', () => {
  const lines: string[] = [];
  expect(check(tmpdir(), {}, (line) => lines.push(line))).toBe(1);
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

  function withTls(part: Record<string, unknown>) {
    const files = new TlsFiles();
    onTestFinished(() => files.remove());
    const tls = {
      ca: files.write('ca.crt', ca.cert),
      cert: files.write('tls.crt', own.cert),
      key: files.write('tls.key', own.key),
      ...part,
    };
    return { files, ...checked(textOf(sample({ backend: { tls } }))) };
  }

  it('that are well are no problem', () => {
    expect(withTls({})).toMatchObject({ status: 0, lines: [expect.stringContaining(': ok (')] });
  });

  it('that are not there are a warning at their line', () => {
    const { status, lines, file } = withTls({ ca: '/nowhere/ca.crt' });
    expect(status).toBe(0);
    expect(lines).toEqual([
      expect.stringMatching(
        /^.+:\d+:\d+: backends\[0\]\.tls\.ca: warning: "\/nowhere\/ca\.crt" is not there$/,
      ),
      expect.stringContaining(': ok ('),
    ]);
    expect(lines[0]!.startsWith(`${file}:8:11:`), lines[0]).toBe(true);
  });

  it('that cannot be used are a problem at theirs', () => {
    const files = new TlsFiles();
    onTestFinished(() => files.remove());
    const { status, lines } = withTls({ key: files.write('other.key', issue({ name: 'x' }).key) });
    expect(status).toBe(1);
    expect(lines).toEqual([
      expect.stringMatching(/:10:12: backends\[0\]\.tls\.key: .+ does not belong to the certificate in /),
    ]);
  });

  it.each(['Chain', 'None'])('verify: %s is warned of', (verify) => {
    const { status, lines } = withTls({ verify });
    expect(status).toBe(0);
    expect(lines[0]).toMatch(/backends\[0\]\.tls\.verify: warning: /);
  });
});
