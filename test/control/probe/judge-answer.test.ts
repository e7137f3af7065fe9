/** Which answers of a Pod meet `expect` and show a term (SPEC 3, Leadership). */
import { describe, expect, it } from 'vitest';
import { type HttpAnswer, judgeAnswer } from '../../../src/control/probe/judge-answer.ts';
import type { Expect, LineageSource, TermSource } from '../../../src/model/config.ts';

const NOTHING: Expect = { status: null, json: [], header: null };

function judge(
  answer: { status?: number; headers?: HttpAnswer['headers']; body?: string },
  expected: Partial<Expect> = {},
  term: TermSource | null = null,
): string {
  const { status = 200, headers = [], body = '' } = answer;
  const result = judgeAnswer(
    { status, headers, body: Buffer.from(body) },
    { ...NOTHING, ...expected },
    { term, lineage: null },
    'GET /x',
  );
  return result.outcome === 'success' ? `yes ${result.term ?? ''}`.trim() : `no: ${result.reason}`;
}

describe('status', () => {
  it.each([
    [199, false],
    [200, true],
    [299, true],
    [302, true],
    [399, true],
    [400, false],
    [503, false],
  ])('without `status`, json and header: %i %s', (status, ok) => {
    expect(judge({ status })).toBe(ok ? 'yes' : `no: GET /x answered ${status}`);
  });

  const json: Partial<Expect> = { json: [{ pointer: '/role', equals: 'leader' }] };
  const header: Partial<Expect> = { header: { name: 'X-Role', value: 'leader' } };

  it('any, where json or header decides', () => {
    expect(judge({ status: 503, body: '{"role":"leader"}' }, json)).toBe('yes');
    expect(judge({ status: 429, headers: [['x-role', 'leader']] }, header)).toBe('yes');
  });

  it('the given ones alone, also where json or header decides', () => {
    const body = '{"role":"leader"}';
    expect(judge({ status: 200, body }, { ...json, status: [200] })).toBe('yes');
    expect(judge({ status: 201, body }, { ...json, status: [200] })).toBe('no: GET /x answered 201');
    expect(judge({ status: 204 }, { status: [200] })).toBe('no: GET /x answered 204');
  });
});

describe('a term', () => {
  /** Whatever it says of what is there instead. */
  const NO_TERM = /^no: GET \/x answered 200, with.* term/;

  const byHeader: TermSource = { header: 'X-Term' };
  const byJson: TermSource = { json: '/term' };

  it.each<[string, HttpAnswer['headers'], string | RegExp]>([
    ['once', [['x-term', '7']], /^yes 7$/],
    [
      'twice, the same',
      [
        ['x-term', '7'],
        ['x-term', '7'],
      ],
      NO_TERM,
    ],
    [
      'twice',
      [
        ['x-term', '7'],
        ['x-term', '8'],
      ],
      NO_TERM,
    ],
    ['never', [], NO_TERM],
    ['no number', [['x-term', '7a']], NO_TERM],
    ['with zeros in front', [['x-term', '007']], /^yes 7$/],
  ])('in a header %s', (_, headers, expected) => {
    expect(judge({ headers }, {}, byHeader)).toMatch(expected);
  });

  it.each([
    ['7', /^yes 7$/],
    ['"7"', /^yes 7$/],
    ['18446744073709551615', /^yes 18446744073709551615$/],
    ['7.0', /^yes 7$/],
    ['-7', NO_TERM],
    ['7.5', NO_TERM],
    ['null', NO_TERM],
    ['true', NO_TERM],
    ['[7]', NO_TERM],
  ])('in JSON as %s: %s', (text, expected) => {
    expect(judge({ body: `{"term":${text}}` }, {}, byJson)).toMatch(expected);
  });
});

describe('equals takes a list', () => {
  const ROLE: Partial<Expect> = { json: [{ pointer: '/role', equals: ['primary', 'master', 1] }] };
  it.each([
    ['{"role":"primary"}', 'yes'],
    ['{"role":"master"}', 'yes'],
    ['{"role":1}', 'yes'],
    ['{"role":"1"}', 'no: GET /x answered 200, /role is not "primary" or "master" or 1'],
    ['{"role":"replica"}', 'no: GET /x answered 200, /role is not "primary" or "master" or 1'],
    ['{}', 'no: GET /x answered 200, without /role'],
  ])('%s: %s', (body, outcome) => {
    expect(judge({ body }, ROLE)).toBe(outcome);
  });
});

describe('lineage', () => {
  const JSON_SOURCE: LineageSource = { id: { json: '/id' }, previous: { json: '/previous' } };
  const HEADERS: LineageSource = { id: { header: 'X-Id' }, previous: { header: 'X-Previous' } };
  const LINES: LineageSource = { id: { line: 'id' }, previous: { line: 'previous' } };
  const lineageOf = (source: LineageSource, body: string, headers: HttpAnswer['headers'] = []) => {
    const answer = { status: 200, headers, body: Buffer.from(body) };
    const result = judgeAnswer(answer, NOTHING, { term: null, lineage: source }, 'GET /x');
    // What shows no lineage claims all the same.
    expect(result.outcome).toBe('success');
    return result.lineage;
  };

  it.each([
    ['{"id":"a","previous":"b"}', { id: 'a', previous: 'b' }],
    [
      '{"id":18446744073709551617,"previous":18446744073709551616}',
      { id: '18446744073709551617', previous: '18446744073709551616' },
    ],
    ['{"id":"a","previous":""}', { id: 'a', previous: null }],
    ['{"id":"a","previous":"0000"}', { id: 'a', previous: null }],
    ['{"id":"a","previous":null}', { id: 'a', previous: null }],
    ['{"id":"a"}', { id: 'a', previous: null }],
    ['{"id":"","previous":"b"}', null],
    ['{"id":"00","previous":"b"}', null],
    ['{"previous":"b"}', null],
    ['{"id":["a"],"previous":"b"}', null],
    ['no JSON', null],
  ])('of JSON %s', (body, lineage) => {
    expect(lineageOf(JSON_SOURCE, body)).toEqual(lineage);
  });

  it('of headers; a repeated one says nothing', () => {
    expect(
      lineageOf(HEADERS, '', [
        ['x-id', 'a'],
        ['x-previous', 'b'],
      ]),
    ).toEqual({ id: 'a', previous: 'b' });
    expect(lineageOf(HEADERS, '', [['x-id', 'a']])).toEqual({ id: 'a', previous: null });
    expect(
      lineageOf(HEADERS, '', [
        ['x-id', 'a'],
        ['x-id', 'b'],
      ]),
    ).toBeNull();
  });

  it.each([
    ['id:a\r\nprevious:b\r\n', { id: 'a', previous: 'b' }],
    ['x\nid: a \nprevious:', { id: 'a', previous: null }],
    ['id2:a\nprevious:b', null],
    // Without the line nobody says whether it was promoted.
    ['id:a\r\n', null],
  ])('of lines %j', (body, lineage) => {
    expect(lineageOf(LINES, body)).toEqual(lineage);
  });
});
