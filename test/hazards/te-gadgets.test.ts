/**
 * F07: obfuscated Transfer-Encoding lines beside a Content-Length.
 *
 * Story: a front that does not see the field and a back that does (or the other way round) disagree where the request
 * ends. defparam/smuggler tries one odd byte before the name, after it, after the colon, at the end of the value, two such
 * places at once, and the same byte between an innocent field and the gadget. Measured with its 1703 lines: nginx let 910
 * through (it drops names it does not like), HAProxy 18, http-proxy-3 and httpxy 6.
 * Outcome: each is refused, or forwarded with no line that a lenient parser reads as Transfer-Encoding.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { openScene, type Scene } from '../helpers/scene.ts';
import { statusOf, value } from '../helpers/wire.ts';

const NAME = 'Transfer-Encoding';
const LOW = Array.from({ length: 0x20 }, (_, n) => String.fromCharCode(n + 1));
const HIGH = Array.from({ length: 0x100 - 0x7f }, (_, n) => String.fromCharCode(n + 0x7f));

/** One line (or two) for each way; `b` is the odd byte. */
const PLACES: ((b: string) => string)[] = [
  (b) => `${b}${NAME}: chunked`,
  (b) => `${NAME}${b}: chunked`,
  (b) => `${NAME}:${b}chunked`,
  (b) => `${NAME}: chunked${b}`,
  (b) => `${b}${NAME}${b}: chunked`,
  (b) => `${b}${NAME}:${b}chunked`,
  (b) => `${b}${NAME}: chunked${b}`,
  (b) => `${NAME}${b}:${b}chunked`,
  (b) => `${NAME}${b}: chunked${b}`,
  (b) => `${NAME}:${b}chunked${b}`,
];
const BETWEEN: ((b: string) => string)[] = [
  (b) => `X: X${b}${NAME}: chunked`,
  (b) => `${NAME}: chunked${b}X: X`,
  (b) => `X: X\r${b}${NAME}: chunked`,
  (b) => `X: X${b}\n${NAME}: chunked`,
  (b) => `${NAME}: chunked\r${b}X: X`,
  (b) => `${NAME}: chunked${b}\nX: X`,
];
const SINGLE = [
  'Transfer Encoding: chunked',
  'Transfer_Encoding: chunked',
  'Transfer Encoding:chunked',
  'Transfer--Encoding: chunked',
  'TransferEncoding: chunked',
  `${NAME}:chunked`,
  `${NAME}:  chunked`,
  `${NAME}: chunked, cow`,
  `${NAME}: cow, chunked`,
  `${NAME}: cow chunked bar`,
  `${NAME}: chunk`,
  `${NAME}: "chunked"`,
  `${NAME}: 'chunked'`,
  `${NAME}: cow\r\n${NAME}: chunked`,
  `${NAME}: chunked\r\n${NAME}: cow`,
  `${NAME}:\n chunked`,
  `${NAME}:\r\n chunked`,
  'TrAnSFer-EnCODinG: cHuNkeD',
  'TRANSFER-ENCODING: CHUNKED',
  'Transfer\r-Encoding: chunked',
  'Transf\x82r-Encoding: chunked',
  `${NAME}: ch\x96nked`,
  `${NAME}: ch\xc3\xbcnked`,
  `\xef\xbb\xbf${NAME}: chunked`,
  'Content-Encoding: chunked',
];

const gadgets = [
  ...new Set([
    ...SINGLE,
    ...[...LOW, ...HIGH].flatMap((b) => PLACES.map((place) => place(b))),
    ...[...LOW, '\x7f', '\x85', '\xa0', '\xff'].flatMap((b) => BETWEEN.map((place) => place(b))),
  ]),
];

/** What the most lenient reader takes for Transfer-Encoding: white space, odd bytes and case ignored, `_` read as `-`. */
function looksLikeTransferEncoding(head: string): boolean {
  return head
    .split(/[\r\n]+/)
    .slice(1)
    .some((line) => {
      const name = line.slice(0, Math.max(0, line.indexOf(':'))).replace(/[^A-Za-z_-]/g, '');
      return name.replaceAll('_', '-').toLowerCase() === 'transfer-encoding';
    });
}

let stage: Scene & { close(): Promise<void> };
beforeAll(async () => {
  stage = await openScene({ scripts: [{ onRequest: (c) => c.answer('ok') }] });
});
afterAll(() => stage.close());

it(`F07 ${gadgets.length} obfuscated Transfer-Encoding lines: refused, or forwarded harmless`, async () => {
  expect(gadgets.length).toBeGreaterThan(1703);
  const { pod, plane } = stage;
  const forwarded: string[] = [];
  const wrong: string[] = [];
  const tryOne = async (gadget: string): Promise<void> => {
    const client = await RawClient.connect(plane.port);
    client.send(`POST /g HTTP/1.1\r\n${gadget}\r\nHost: a\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG`);
    const answer = await client.response('POST');
    const status = statusOf(answer);
    if (status === 200) forwarded.push(gadget);
    else if (
      status !== 400 ||
      value(answer, 'x-headroute-sent') !== 'false' ||
      (await client.closed()) !== 'fin'
    )
      wrong.push(`${JSON.stringify(gadget)} ${status}`);
    client.destroy();
  };
  const queue = [...gadgets];
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      for (let gadget = queue.pop(); gadget !== undefined; gadget = queue.pop()) await tryOne(gadget);
    }),
  );
  expect(wrong).toEqual([]);
  expect(pod.violations).toEqual([]);
  expect(pod.requests.length).toBe(forwarded.length);
  const heads = pod.connections.flatMap((c) => c.requests.map((r) => r.raw.toString('latin1', 0, r.length)));
  expect(heads.filter(looksLikeTransferEncoding)).toEqual([]);
  expect(pod.requests.every((r) => r.body.toString('latin1') === '0\r\n\r\nG')).toBe(true);
  // Only what is plain text inside another field's value, or another field's name, may pass.
  for (const gadget of forwarded)
    expect(gadget).toMatch(/^(X: X[\t \x80-\xff]|Content-Encoding:|Transfer--?Encoding:|TransferEncoding:)/);
  expect(forwarded.length).toBeLessThan(20);
});
