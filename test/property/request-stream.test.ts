/**
 * Property: whatever a client sends, what reaches a Pod is canonical, and an independent parser (llhttp through node:http,
 * insecureHTTPParser off) sees exactly the requests that the client got proxied answers for. What headroute forwards is a
 * prefix of what that parser reads from the client's own bytes: nobody's request is made out of somebody's body.
 *
 * Replay: the seed and path that fast-check prints, as `FC_SEED=… FC_PATH=… npx vitest run test/property`. Streams that once
 * showed a defect are kept in corpus.ts and run first.
 * Source: issue 11 items 2 and 3.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDataPlane, type TestPlane } from '../helpers/data-plane.ts';
import { RawClient } from '../helpers/raw-client.ts';
import { poll } from '../helpers/waiting.ts';
import { readHead, readMessage, statusOf, value } from '../helpers/wire.ts';
import { REQUEST_STREAMS } from './corpus.ts';
import { Judge } from './judge.ts';
import { cuts, pieces, stream } from './mutations.ts';
import { replay } from './replay.ts';

let judge: Judge;
let direct: Judge;
let plane: TestPlane;
beforeAll(async () => {
  judge = await Judge.start();
  direct = await Judge.start();
  plane = await startDataPlane({
    pods: [{ name: 'db-0', port: judge.port }],
    timeouts: { headMs: 60, bodyMs: 60, idleMs: 2000 },
    rules: [{ retry: { attempts: 0, codes: [], backoffMs: 1, budget: null } }],
  });
});
afterAll(async () => {
  judge.close();
  direct.close();
  await plane.close();
});

const SENTINEL = 'GET /sentinel HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n';

/** Counts the final answers, and that nothing else came. The judge's carry its mark, which says the method. */
function answersOf(bytes: Buffer): { proxied: number; own: number } {
  let rest = bytes;
  let proxied = 0;
  let own = 0;
  while (rest.length > 0) {
    const head = readHead(rest, 'response');
    if (head === null) break;
    const mark = value(head, 'x-judge');
    // headroute's own answer to HEAD: a head without the document that it announces.
    const isHead = mark === 'HEAD' || (mark === undefined && rest[head.length] !== 0x7b);
    const message = readMessage(rest, 'response', isHead ? 'HEAD' : 'GET', true);
    if (message === null) break;
    rest = rest.subarray(message.raw.length);
    if (statusOf(message) < 200) continue;
    if (mark === undefined) own++;
    else proxied++;
  }
  expect(rest.length, `towards the client: ${JSON.stringify(rest.toString('latin1').slice(0, 200))}`).toBe(0);
  return { proxied, own };
}

async function send(port: number, segments: readonly string[], withinMs: number): Promise<Buffer> {
  const client = await RawClient.connect(port);
  await client.sendPieces(segments);
  await client.closed(withinMs).catch(() => null);
  client.destroy();
  return Buffer.concat([client.all.subarray(0, client.taken), client.rest]);
}

async function check(text: string, at: readonly number[]): Promise<void> {
  judge.reset();
  direct.reset();
  const segments = pieces(text + SENTINEL, at);
  const got = await send(plane.port, segments, 4000);
  const { proxied, own } = answersOf(got);
  await poll(() => judge.requests.length >= proxied, 'the judge', 500);
  expect(judge.rejected, 'what llhttp refused of what was forwarded').toEqual([]);
  expect(judge.requests.length, 'requests the judge saw against proxied answers').toBe(proxied);
  expect(
    own,
    'at most one answer of headroute’s own that ends the connection, and no-route ones',
  ).toBeLessThanOrEqual(4);
  for (const parts of judge.streams) {
    let rest = Buffer.concat(parts);
    for (let message = readMessage(rest, 'request'); message !== null; message = readMessage(rest, 'request'))
      rest = rest.subarray(message.raw.length);
  }
  // node:http without an upgrade listener loses what follows such a request.
  if (judge.requests.length === 0 || /^upgrade:/im.test(text)) return;
  const reader = await RawClient.connect(direct.port);
  reader.send(text + SENTINEL);
  const enough = (): boolean => direct.requests.length >= judge.requests.length || reader.ending !== null;
  // What ends in the middle of a message is never answered: then there is nothing more to see.
  await poll(enough, 'llhttp’s own reading', 1000).catch(() => null);
  reader.destroy();
  const seen = direct.requests.map(
    ({ method, target, body }) => `${method} ${target.replace(/^http:\/\/[^/?]*/, '')} ${body}`,
  );
  const forwarded = judge.requests.map(({ method, target, body }) => `${method} ${target} ${body}`);
  // llhttp stops at a method it does not know; up to there the two must agree.
  const known = direct.unknownMethod ? Math.min(seen.length, forwarded.length) : forwarded.length;
  expect(seen.slice(0, known), 'forwarded requests against llhttp’s own reading').toEqual(
    forwarded.slice(0, known),
  );
}

it.each(REQUEST_STREAMS)('corpus: $what', async ({ bytes, cuts: at }) => {
  await check(bytes, at ?? []);
});

it('random streams of requests, mutated and split', async () => {
  await fc.assert(fc.asyncProperty(stream, cuts, check), { numRuns: 300, ...replay() });
}, 60_000);
