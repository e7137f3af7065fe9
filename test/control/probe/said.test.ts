import { expect, it } from 'vitest';
import { hiddenOf, saidWords } from '../../../src/control/probe/said.ts';
import type { HttpProbe, TcpExchangeProbe } from '../../../src/model/config.ts';
import { httpProbe } from '../harness.ts';

const tcp = (part: Partial<TcpExchangeProbe>): TcpExchangeProbe => ({
  type: 'tcp',
  port: null,
  send: 'ROLE\r\n',
  reply: null,
  auth: null,
  expectContains: 'master',
  ...part,
});

it.each([
  ['60 printable bytes of it', 'x'.repeat(100), [], `"${'x'.repeat(60)}…"`],
  ['on one line, and harmless', 'one\r\ntwo\u0007\u001b[2Jé', [], '"one two??[2J?"'],
  ['nothing', ' \r\n', [], null],
  [
    'without what is hidden, the longest first',
    'pass s3cr3t-long s3cr3t',
    ['s3cr3t', 's3cr3t-long'],
    '"pass [redacted] [redacted]"',
  ],
  [
    'what is hidden is not cut into view',
    `${'x'.repeat(55)}s3cr3t-word`,
    ['s3cr3t-word'],
    `"${'x'.repeat(55)}[reda…"`,
  ],
  ['an answer that ends within what is hidden', 'the key s3cr3t-w', ['s3cr3t-word'], '"the key"'],
] as const)('%s', (_what, text, hidden, words) => {
  expect(saidWords(text, hidden)).toBe(words);
});

it('of a probe that asks over HTTP header values, query values and the body are hidden, as they are and decoded', () => {
  const probe: HttpProbe = {
    ...(httpProbe('/healthz?token=a%20token&x=1') as HttpProbe),
    headers: [{ name: 'Authorization', value: 'Bearer abcdef' }],
    body: '{"key":"abc"}',
    hidden: ['from-env'],
  };
  const shown = (echo: string): string | null => saidWords(echo, hiddenOf(probe));
  expect(shown('Bearer abcdef, a%20token, a token, 1')).toBe('"[redacted], [redacted], [redacted], 1"');
  expect(shown('{"key":"abc"}, from-env')).toBe('"[redacted], [redacted]"');
});

it.each([
  ['an inline command', 'AUTH hunter2 \r\nROLE\r\n'],
  ['an array', '*2\r\n$4\r\nAUTH\r\n$7\r\nhunter2\r\n'],
])('of one that sends bytes all but the first word is: %s', (_what, send) => {
  const probe = tcp({ send, auth: { username: 'someone', password: 'pw' } });
  expect(saidWords("-ERR unknown 'AUTH' with: hunter2 someone pw", hiddenOf(probe))).toBe(
    `"-ERR unknown 'AUTH' with: [redacted] [redacted] [redacted]"`,
  );
});
