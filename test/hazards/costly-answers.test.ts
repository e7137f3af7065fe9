/**
 * Rules, selections and descriptions whose work grows faster than what a client or a Pod sent: none does any more.
 *
 * Story: twenty rules that look at one query parameter took 0.1 s for a query of 60 KB; a Content-Encoding of 60 KB of
 * no-break spaces stopped the loop for seconds in a fan-out; a quorum over answers that all differ compared each with all, anew
 * for every answer; `explain` of a header of blanks was quadratic.
 * Sources: CWE-407, CWE-1333; issue 11 items 6 and 11. Siblings of L02.
 */
import { describe, expect, it } from 'vitest';
import { explainParameters } from '../../src/admin/parameters.ts';
import { describeRequest } from '../../src/data/explain/described-request.ts';
import { Votes } from '../../src/data/merge/choose-answer.ts';
import { firstQueryParam } from '../../src/data/query-params.ts';
import type { FanOutSelection, MatchConfig } from '../../src/model/config.ts';
import { answerOf } from '../data/merge/support.ts';
import { lines, scene } from '../helpers/scene.ts';
import { mainThreadCpuMs } from '../helpers/thread-cpu.ts';

const MAX_CPU_MS = 500;
const much = (of: string, length = 60_000): string => of.repeat(length / of.length);

async function cheap(work: () => unknown): Promise<void> {
  const before = mainThreadCpuMs();
  await work();
  expect(mainThreadCpuMs() - before).toBeLessThan(MAX_CPU_MS);
}

describe('a query of 60 KB and a hundred rules that look at it', () => {
  const onQuery: MatchConfig = {
    path: null,
    methods: [],
    headers: [],
    queryParams: [{ type: 'RegularExpression', name: 'q', value: '[a-z]{3}' }],
  };

  it.each(['&', '+&', '%71%&', 'q+=1&', 'a=b&', '%'])('of %s', async (part) => {
    const rules = Array.from({ length: 100 }, (_, n) => ({ name: `r${n}`, matches: [onQuery] }));
    const client = await (await scene({ rules: [...rules, {}] })).client();
    const request = lines(`GET /x?${much(part)} HTTP/1.1`, 'Host: a');
    await cheap(async () => expect((await client.exchange(request)).status).toBe(200));
  });
});

describe('what a query parameter is', () => {
  it.each([
    ['q=1', 'q', '1'],
    ['a&q=1&q=2', 'q', '1'],
    ['aq=1&qa=2&q', 'q', ''],
    ['q', 'q', ''],
    ['q=', 'q', ''],
    ['=1&q==2', 'q', '=2'],
    ['%71=%31%3', 'q', '1%3'],
    ['%7=1&%=2', '%', '2'],
    ['a+b=c+d%2B', 'a b', 'c d+'],
    ['a%2Bb=1', 'a+b', '1'],
    ['a+b=1', 'a+b', undefined],
    ['a%3Db=1', 'a=b', '1'],
    ['a=b=1', 'a=b', undefined],
    ['a%26b=1&c', 'a&b', '1'],
    ['a&b=1', 'a&b', undefined],
    ['%C3%a9=%c3%A9', '\xc3\xa9', '\xc3\xa9'],
    ['qq', 'q', undefined],
    ['q%', 'q', undefined],
    ['&&', 'q', undefined],
    ['', 'q', undefined],
  ])('%s: %s is %s', (query, name, value) => {
    expect(firstQueryParam(query, name)).toBe(value);
  });
});

describe('P2 a fan-out', () => {
  const fanOut: FanOutSelection = {
    type: 'FanOut',
    over: 'All',
    respond: 'All',
    minSuccess: null,
    merge: null,
    maxResponseBytes: 4 << 20,
    allowUnsafe: false,
  };

  it.each([
    ['All', null],
    ['Merge', { type: 'ConcatArrays', pointer: '' }],
  ] as const)('%s: an answer with 60 KB of no-break spaces as its coding', async (respond, merge) => {
    const coding = `Content-Encoding: ${much('\xa0')}x\r\n`;
    const stage = await scene({
      scripts: [{}, {}].map((_, n) => ({
        onRequest: (c) => c.answer('[1]', undefined, n === 0 ? '' : coding),
      })),
      rules: [{ selection: { ...fanOut, respond, merge } }],
    });
    const client = await stage.client();
    await cheap(() => client.exchange(lines('GET /x HTTP/1.1', 'Host: a'), 'GET', 20_000));
  });

  it('Quorum: a thousand answers that all differ', async () => {
    const votes = new Votes();
    const answer = (pod: string, body: string) =>
      answerOf({ ...fanOut, respond: 'Quorum' }, { pod, status: 200, headers: [], body: Buffer.from(body) });
    await cheap(() => {
      for (let n = 0; n < 1000; n++) {
        votes.add(answer(`db-${n}`, `at ${n + 1000}`));
        expect(votes.reached(2)).toBeNull();
        expect(votes.canReach(2, 1000 - n)).toBe(true);
      }
    });
    votes.add(answer('x', 'at 1700'));
    expect(votes.reached(2)).toMatchObject({ pod: 'db-700' });
  });
});

describe('explain of a header of blanks', () => {
  const value = `a${much(' ')}b`;

  it('described in a command', async () => {
    await cheap(() => {
      const { head } = describeRequest('GET', '/', [`X: \t${value} \t`]);
      expect(head.toString('latin1')).toContain(`\r\nX: ${value}\r\n`);
    });
  });

  it('asked of the debug address', async () => {
    const query = `method=GET&url=/&header=${encodeURIComponent(`X: \t${value} \t`)}`;
    await cheap(() => expect(explainParameters(query).headers).toEqual([['X', value]]));
  });
});
