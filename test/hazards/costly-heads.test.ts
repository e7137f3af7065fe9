/**
 * Heads within the limits that cost much to read: no single one keeps the event loop for long.
 *
 * Story: one 60 KB Via of open comments took 1.6 s of CPU in a regular expression, with every other client waiting.
 * Sources: RFC 9110 section 5.6.5 (comments nest); CWE-1333; issue 11 item 6 (hostile peers). Siblings of L02 and H05.
 */
import { describe, expect, it } from 'vitest';
import type { PodScript } from '../helpers/raw-pod.ts';
import { expectProblem, lines, scene } from '../helpers/scene.ts';
import { mainThreadCpuMs } from '../helpers/thread-cpu.ts';
import { badPod } from './bad-pods.ts';

const LENGTH = 60_000;
/** Some 60 KB of it. */
const much = (of: string): string => of.repeat(LENGTH / of.length);
/** Of this thread, the test's own work included; an ordinary one takes a few ms. */
const MAX_CPU_MS = 300;
/** A Pod that reads no heads: what that costs is not asked here. */
const blind: PodScript = {
  onConnect: (c) => {
    c.raw = true;
    c.socket.on('data', (data) => data.includes('\r\n\r\n') && c.answer('ok'));
  },
};

describe('L02 a request of 60 KB', () => {
  it.each([
    ['open comments', `Via: 1.1 x ${much('(')}`],
    ['open comments, escaped', `Via: 1.1 x ${much('(\\')}`],
    ['comments, and an open one', `Via: 1.1 x (${much('(a)')}`],
    ['nested comments', `Via: 1.1 x ${'('.repeat(LENGTH / 2)}${')'.repeat(LENGTH / 2)}`],
    ['Via members', `Via: ${much('1.1 a,')}`],
    ['blanks in Via', `Via: 1.1${much(' ')}x`],
    ['open quotes', `Forwarded: ${much('"\\')}`],
    ['connection options', `Connection: ${much('x-a,')}`],
    ['distinct connection options', `Connection: ${Array.from({ length: 9000 }, (_, n) => `x${n}`).join()}`],
    ['upgrades', `Connection: Upgrade\r\nUpgrade: ${much('a/,')}`],
    ['TE members', `TE: ${much('a,')}`],
    ['credentials', `Authorization: ${much(', ')}`],
    ['a name of dashes', `content${much('-')}: 1`],
    ['zeros', `Max-Forwards: ${much('0')}`],
    ['a traceparent', `traceparent: ${much('0')}`],
    ['cookies', `Cookie: ${much('a=b;')}`],
  ])('%s', async (_, field) => {
    const stage = await scene({ scripts: [blind] });
    const client = await stage.client();
    const before = mainThreadCpuMs();
    const answer = await client.exchange(lines('GET /x HTTP/1.1', 'Host: a', field), 'GET', 20_000);
    expect(answer.status).toBe(200);
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });

  it.each([
    ['labels', much('a%41')],
    ['groups', `[${much('a:')}]`],
    ['digits', `a:${much('0')}`],
    ['dots', `[::${much('1.')}]`],
  ])('Host of %s', async (_, host) => {
    const stage = await scene({ scripts: [blind] });
    const client = await stage.client();
    const before = mainThreadCpuMs();
    await client.exchange(lines('GET /x HTTP/1.1', `Host: ${host}`), 'GET', 20_000);
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });
});

/** One long list, then a line for each of many fields. */
const listAndLines = (lines: number): string =>
  `Connection: ${Array.from({ length: 8000 }, (_, n) => n.toString(36)).join()}\r\n${'Connection:a\r\n'.repeat(lines)}`;

describe('L02 a list of connection options beside 990 lines of one', () => {
  it('in a request, where so many fields are allowed', async () => {
    const stage = await scene({ scripts: [blind], limits: { headers: 1000 } });
    const client = await stage.client();
    const before = mainThreadCpuMs();
    const answer = await client.exchange(`GET /x HTTP/1.1\r\nHost: a\r\n${listAndLines(990)}\r\n`);
    expect(answer.status).toBe(200);
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });

  it('in an answer', async () => {
    const stage = await badPod((c) =>
      c.write(`HTTP/1.1 200 OK\r\n${listAndLines(990)}Zz: 1\r\nA: 1\r\nContent-Length: 2\r\n\r\nok`),
    );
    const client = await stage.client();
    const before = mainThreadCpuMs();
    const answer = await client.exchange(lines('GET /bad HTTP/1.1', 'Host: a'));
    expect(answer.fields).toEqual([['Content-Length', '2']]);
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });
});

describe('L02 an answer of 60 KB', () => {
  it.each([
    ['keep-alive parameters', `Keep-Alive: ${much(' ,')}`],
    ['challenges', `WWW-Authenticate: ${much(', ')}`],
    ['connection options', `Connection: ${much('x-a,')}`],
    ['many fields', `Connection: x1\r\n${Array.from({ length: 900 }, (_, n) => `X${n}: 1`).join('\r\n')}`],
  ])('%s', async (_, field) => {
    const stage = await badPod((c) => c.write(`HTTP/1.1 200 OK\r\n${field}\r\nContent-Length: 2\r\n\r\nok`));
    const client = await stage.client();
    const before = mainThreadCpuMs();
    const answer = await client.exchange(lines('GET /bad HTTP/1.1', 'Host: a'), 'GET', 20_000);
    expect(answer.body.toString()).toBe('ok');
    expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
  });
});

describe('H05 comments in Via', () => {
  it.each([
    '1.1 x (a (b, 1.1 own) c)',
    '1.1 x (\\), 1.1 own)',
    '1.1 x ((), 1.1 own (y))',
    '1.1 (own) x, 1.0 y',
  ])('%s: no loop', async (via) => {
    const client = await (await scene({ proxyName: 'own' })).client();
    expect((await client.exchange(lines('GET /x HTTP/1.1', 'Host: a', `Via: ${via}`))).status).toBe(200);
  });

  it.each([
    '1.1 x (a (b) c), 1.1 own',
    '1.1 (x) own',
    '1.1 x (, 1.1 own',
    '1.1 x ((), 1.1 own',
    '1.1 x ), 1.1 own',
  ])('%s: a loop', async (via) => {
    const client = await (await scene({ proxyName: 'own' })).client();
    const answer = await client.exchange(lines('GET /x HTTP/1.1', 'Host: a', `Via: ${via}`));
    expectProblem(answer, 'loop_detected', false);
  });
});
