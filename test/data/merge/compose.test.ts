import { describe, expect, it } from 'vitest';
import {
  type FanOutAnswer,
  type FanOutResponse,
  failedPods,
  isSuccess,
  partialValue,
} from '../../../src/data/merge/answer.ts';
import { quorumOf, Votes } from '../../../src/data/merge/choose-answer.ts';
import { compose } from '../../../src/data/merge/compose.ts';
import { noQuorum } from '../../../src/data/merge/too-few.ts';
import type { FanOutSelection } from '../../../src/model/config.ts';
import { answerOf, written } from './support.ts';

function selection(part: Partial<FanOutSelection>): FanOutSelection {
  return {
    type: 'FanOut',
    over: 'All',
    respond: 'All',
    minSuccess: null,
    merge: null,
    maxResponseBytes: 4 * 1024 * 1024,
    allowUnsafe: false,
    ...part,
  };
}

type Headers = readonly (readonly [string, string])[];
const JSON_TYPE: Headers = [['content-type', 'application/json']];

/** The whole of an answer, as a fan-out of that selection finds it. */
function answer(
  pod: string,
  body: string | Buffer,
  headers: Headers = JSON_TYPE,
  status = 200,
): (s: FanOutSelection, pieceBytes?: number) => FanOutResponse {
  return (s, pieceBytes) => answerOf(s, { pod, status, headers, body: Buffer.from(body) }, { pieceBytes });
}
const dead = (pod: string) => (): FanOutAnswer => ({ pod, error: 'timed out' });
type Given = (s: FanOutSelection, pieceBytes?: number) => FanOutAnswer;

interface Composed {
  text: string;
  headers: Record<string, string>;
}

/** However the bytes come and go, it is the same. */
function composed(s: FanOutSelection, given: readonly Given[], bodiless = false): Composed | string {
  const results = [undefined, 1, 7].map((pieceBytes) => {
    const result = compose(
      s,
      given.map((answer) => answer(s, pieceBytes)),
      bodiless,
    );
    if (result.type === 'fail') return `${result.failure}: ${result.detail}`;
    expect(result.status).toBe(200);
    const headers = Object.fromEntries(result.headers.map(([n, v]) => [n.toLowerCase(), v]));
    expect(Object.keys(headers).length).toBe(result.headers.length);
    const bytes = written(result.body, pieceBytes === undefined ? 65_536 : pieceBytes + 7);
    expect(bytes.length).toBe(result.body.length);
    return { text: bytes.toString('utf8'), headers };
  });
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
  return results[0]!;
}
const hits = selection({ respond: 'Merge', merge: { type: 'ConcatArrays', pointer: '/hits' } });
const lines = selection({ respond: 'Merge', merge: { type: 'JSONLines' } });
const all = selection({});

describe('respond: All', () => {
  it('lists the answers in the shape of SPEC 3, and names the Pods that failed', () => {
    const result = composed(all, [
      answer('db-0', '{"a":1}'),
      answer('db-1', 'hällo', [['Content-Type', 'text/plain']]),
      answer('db-2', 'no', [], 500),
      dead('db-3'),
    ]) as Composed;
    expect(JSON.parse(result.text)).toEqual({
      responses: [
        { pod: 'db-0', status: 200, body: { a: 1 } },
        { pod: 'db-1', status: 200, body: 'hällo' },
        { pod: 'db-2', status: 500, body: 'no' },
      ],
      succeeded: 2,
      failed: 2,
    });
    expect(result.headers).toEqual({
      'content-type': 'application/json',
      'x-headroute-partial': 'db-2, db-3',
      'cache-control': 'no-store',
    });
  });

  it('keeps every digit and every member as sent', () => {
    const body = '{"id":12345678901234567890,"x":1.0000000000000000001,"x":2,"e":1E400}';
    expect((composed(all, [answer('db-0', body)]) as Composed).text).toContain(`"body":${body}}`);
  });

  it('takes bytes that are not UTF-8, or in a content coding, as base64', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xc3]);
    const result = composed(all, [
      answer('db-0', bytes),
      answer('db-1', '{}', [...JSON_TYPE, ['Content-Encoding', 'gzip']]),
      answer('db-2', '{}', [...JSON_TYPE, ['Content-Encoding', 'identity']]),
    ]) as Composed;
    expect(JSON.parse(result.text).responses).toEqual([
      { pod: 'db-0', status: 200, bodyBase64: bytes.toString('base64') },
      { pod: 'db-1', status: 200, bodyBase64: Buffer.from('{}').toString('base64') },
      { pod: 'db-2', status: 200, body: {} },
    ]);
  });

  it.each([
    ['application/json', '1', 1],
    ['application/json; charset=utf-8', 'null', null],
    ['application/vnd.x+json', '"s"', 's'],
    ['application/json', 'not json', 'not json'],
    ['text/plain', '1', '1'],
    ['text/plain', 'true', 'true'],
    ['text/plain', '[1]', [1]],
    ['', '{"a":1}', { a: 1 }],
    ['', '', ''],
  ])('a body of type %j with %j', (type, body, expected) => {
    const headers: Headers = type === '' ? [] : [['content-type', type]];
    const result = composed(all, [answer('db-0', body, headers)]) as Composed;
    expect(JSON.parse(result.text).responses[0].body).toEqual(expected);
  });

  it('cannot be broken out of by a name or a body', () => {
    const result = composed(all, [answer('db"0\n', '"],"responses":[{', [])]) as Composed;
    expect(JSON.parse(result.text).responses).toEqual([
      { pod: 'db"0\n', status: 200, body: '"],"responses":[{' },
    ]);
  });

  it('fewer than minSuccess: quorum_unmet, with the reasons', () => {
    expect(
      composed(selection({ minSuccess: 2 }), [answer('db-0', ''), answer('db-1', '', [], 404), dead('db-2')]),
    ).toBe('quorum_unmet: 1 of 3 Pods succeeded, 2 needed (db-1: status 404; db-2: timed out)');
  });

  it('HEAD has no body', () => {
    expect((composed(all, [answer('db-0', '')], true) as Composed).text).toBe('');
  });
});

describe('respond: Merge', () => {
  it('ConcatArrays puts the elements together in the first document, digit for digit', () => {
    const result = composed(hits, [
      answer('db-0', '{"took":1,"hits":[ 9007199254740993, {"b":[1]} ],"end":true}'),
      answer('db-1', '{"hits":[]}'),
      answer('db-2', '{"x":{"hits":[7]},"hits":[-0, "],"]}'),
    ]) as Composed;
    expect(result.text).toBe('{"took":1,"hits":[9007199254740993, {"b":[1]},-0, "],"],"end":true}');
    expect(result.headers).toEqual({ 'content-type': 'application/json' });
  });

  it('merges arrays at the top and deep down', () => {
    const top = selection({ respond: 'Merge', merge: { type: 'ConcatArrays', pointer: '' } });
    expect((composed(top, [answer('a', ' [1] '), answer('b', '[2]\n')]) as Composed).text).toBe('[1,2]');
    const deep = selection({ respond: 'Merge', merge: { type: 'ConcatArrays', pointer: '/a/0/b' } });
    const bodies = [answer('a', '{"a":[{"b":[1]}]}'), answer('b', '{"a":[{"b":[2]}]}')];
    expect((composed(deep, bodies) as Composed).text).toBe('{"a":[{"b":[1,2]}]}');
  });

  it('what cannot be merged counts as failed and is named', () => {
    const result = composed(hits, [
      answer('html', '<p>', [['content-type', 'text/html']]),
      answer('gzip', '{"hits":[1]}', [...JSON_TYPE, ['content-encoding', 'gzip']]),
      answer('other', '{"hits":{}}'),
      answer('none', '{}'),
      answer('latin1', Buffer.from('{"hits":["\xe9"]}', 'latin1')),
      answer('err', '{"hits":[2]}', JSON_TYPE, 500),
      answer('ok', '{"hits":[3]}'),
    ]) as Composed;
    expect(result.text).toBe('{"hits":[3]}');
    expect(result.headers['x-headroute-partial']).toBe('html, gzip, other, none, latin1, err');
    expect(composed({ ...hits, minSuccess: 2 }, [answer('html', '<p>'), answer('ok', '{"hits":[3]}')])).toBe(
      'quorum_unmet: 1 of 2 Pods succeeded, 2 needed (html: its body is not JSON)',
    );
  });

  it('JSONLines joins lines, whole ones only, with one end of line each', () => {
    const result = composed(lines, [
      answer('db-0', '{"a":1}\r\n\n{"a":2}', [['Content-Type', 'application/x-ndjson']]),
      answer('db-1', ''),
      answer('db-2', '{"a":12345678901234567890}\n'),
      answer('db-3', '{"a":'),
    ]) as Composed;
    expect(result.text).toBe('{"a":1}\n{"a":2}\n{"a":12345678901234567890}\n');
    expect(result.headers['content-type']).toBe('application/x-ndjson');
    expect(result.headers['x-headroute-partial']).toBe('db-3');
  });

  it('HEAD merges nothing and fails nothing', () => {
    const result = composed(hits, [answer('db-0', ''), answer('db-1', '')], true) as Composed;
    expect(result.text).toBe('');
    expect(result.headers).toEqual({ 'content-type': 'application/json' });
  });

  it('P1 two of three by the backend timeout (thanos-io/thanos#1453)', () => {
    const two = { ...hits, minSuccess: 2 };
    const result = composed(two, [
      answer('db-0', '{"hits":[0]}'),
      answer('db-1', '{"hits":[1]}'),
      dead('db-2'),
    ]) as Composed;
    expect(result.text).toBe('{"hits":[0,1]}');
    expect(result.headers['x-headroute-partial']).toBe('db-2');
  });

  const ofOnePod: Headers = [
    ...JSON_TYPE,
    ['Cache-Control', 'max-age=60, public'],
    ['ETag', '"x"'],
    ['Last-Modified', 'Sat, 01 Jan 2022 00:00:00 GMT'],
    ['Expires', 'Sat, 01 Jan 2050 00:00:00 GMT'],
    ['Age', '5'],
    ['Accept-Ranges', 'bytes'],
    ['Content-MD5', 'x'],
    ['Digest', 'x'],
    ['Content-Digest', 'x'],
    ['Set-Cookie', 'a=b'],
    ['Content-Length', '12'],
  ];

  it.each([
    ['Merge', hits],
    ['All', all],
  ])('P2 %s carries no validator or freshness of a Pod (thanos-io/thanos#622)', (_, s) => {
    const body = '{"hits":[0]}';
    const whole = composed(s, [answer('db-0', body, ofOnePod), answer('db-1', body, ofOnePod)]) as Composed;
    expect(whole.headers).toEqual({ 'content-type': 'application/json' });
    const partial = composed(s, [answer('db-0', body, ofOnePod), dead('db-1')]) as Composed;
    expect(partial.headers).toEqual({
      'content-type': 'application/json',
      'x-headroute-partial': 'db-1',
      'cache-control': 'no-store',
    });
  });

  it('keeps what restricts caching', () => {
    const secret: Headers = [
      ...JSON_TYPE,
      ['cache-control', 'private, max-age=60'],
      ['vary', 'Accept, Cookie'],
    ];
    const other: Headers = [...JSON_TYPE, ['Vary', 'cookie']];
    const result = composed(hits, [
      answer('a', '{"hits":[]}', secret),
      answer('b', '{"hits":[]}', other),
    ]) as Composed;
    expect(result.headers['cache-control']).toBe('no-store');
    expect(result.headers.vary).toBe('Accept, Cookie');
  });
});

describe('X-Headroute-Partial', () => {
  it('is joined with one that a Pod sent, each name once', () => {
    const inner: Headers = [...JSON_TYPE, ['x-headroute-partial', 'eu-1, db-1']];
    const result = composed(all, [answer('db-0', '{}', inner), dead('db-1')]) as Composed;
    expect(result.headers['x-headroute-partial']).toBe('db-1, eu-1');
    const whole = composed(all, [answer('db-0', '{}', inner)]) as Composed;
    expect(whole.headers['x-headroute-partial']).toBe('eu-1, db-1');
    expect(whole.headers['cache-control']).toBe('no-store');
  });

  it('helpers for answers passed on', () => {
    const given = [answer('a', ''), answer('b', '', [], 300), dead('c')];
    expect(failedPods(given.map((one) => one(all)))).toEqual(['b', 'c']);
    expect(partialValue([], [])).toBeNull();
  });
});

describe('First and Quorum', () => {
  const quorum = selection({ respond: 'Quorum' });

  function votes(arrived: readonly Given[]): Votes {
    const counted = new Votes();
    for (const given of arrived) {
      const answer = given(quorum);
      if (isSuccess(answer)) counted.add(answer);
    }
    return counted;
  }

  it('304 is a success only where the client asked whether its copy is still good', () => {
    const unchanged = answer('a', '', [], 304)(all);
    expect([isSuccess(unchanged), isSuccess(unchanged, true)]).toEqual([false, true]);
    expect(failedPods([unchanged, answer('b', '', [], 303)(all)], true)).toEqual(['b']);
  });

  it('a majority of the Pods asked', () => {
    expect([1, 2, 3, 4, 5].map((n) => quorumOf(null, n))).toEqual([1, 2, 2, 3, 3]);
    expect(quorumOf(2, 5)).toBe(2);
  });

  it('Quorum takes the answer that enough agree on, in status and body', () => {
    const a = answer('a', 'x');
    expect(votes([a]).reached(2)).toBeNull();
    expect(votes([a, answer('b', 'y')]).reached(2)).toBeNull();
    expect(votes([a, answer('b', 'x', [], 201)]).reached(2)).toBeNull();
    expect(votes([answer('b', 'y'), a, answer('c', 'x', [])]).reached(2)?.pod).toBe('a');
    expect(votes([answer('a', 'x', [], 500), answer('b', 'x', [], 500)]).reached(2)).toBeNull();
  });

  it('knows as soon as no quorum is possible any more', () => {
    const split = [answer('a', 'x'), answer('b', 'y')];
    expect(votes(split).canReach(2, 1)).toBe(true);
    expect(votes([...split, dead('c')]).canReach(2, 0)).toBe(false);
    expect(votes([dead('a'), dead('b')]).canReach(2, 1)).toBe(false);
    expect(votes([]).canReach(4, 3)).toBe(false);
  });
});

describe('B15 why there is no quorum', () => {
  it.each([
    ['3 Pods answered, no 2 agree, 2 needed', 3, 1, 2, 3, []],
    ['5 Pods answered, no 3 agree, 3 needed', 5, 2, 3, 5, []],
    ['2 of 3 Pods answered, no 2 agree, 2 needed (c: timed out)', 2, 1, 2, 3, [dead('c')()]],
    ['1 of 3 Pods succeeded, 2 needed (c: timed out)', 1, 1, 2, 3, [dead('c')()]],
    ['0 of 1 Pods succeeded, 1 needed (c: timed out)', 0, 0, 1, 1, [dead('c')()]],
  ] as const)('%s', (text, succeeded, most, needed, asked, failed) => {
    expect(noQuorum(succeeded, most, needed, asked, failed)).toBe(text);
  });
});
