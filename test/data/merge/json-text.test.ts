import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { spanAt, validJson } from '../../../src/data/merge/json-text.ts';

function at(json: string, pointer: string): string | null {
  const span = spanAt(json, pointer);
  return span === null ? null : json.slice(span.start, span.end);
}

describe('JSON as text', () => {
  /** The examples of RFC 6901 section 5. */
  const doc = '{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\\\j":5,"k\\"l":6," ":7,"m~n":8}';
  it.each([
    ['', doc],
    ['/foo', '["bar","baz"]'],
    ['/foo/0', '"bar"'],
    ['/foo/1', '"baz"'],
    ['/', '0'],
    ['/a~1b', '1'],
    ['/c%d', '2'],
    ['/i\\j', '5'],
    ['/k"l', '6'],
    ['/ ', '7'],
    ['/m~0n', '8'],
    ['/foo/2', null],
    ['/foo/-', null],
    ['/foo/00', null],
    ['/foo/0/x', null],
    ['/bar', null],
    ['/bar/baz', null],
  ])('pointer %j', (pointer, expected) => {
    expect(at(doc, pointer)).toBe(expected);
  });

  it('is not led astray by brackets and quotes in strings, by space, or by escaped names', () => {
    const json = '{ "x" : "]}\\"," , "d" : { "e" : [ 1 , "}" , [ ] ] } , "\\u0061" : true }';
    expect(at(json, '/d/e')).toBe('[ 1 , "}" , [ ] ]');
    expect(at(json, '/d/e/1')).toBe('"}"');
    expect(at(json, '/a')).toBe('true');
    expect(at('[]', '/0')).toBeNull();
    expect(at('{}', '/a')).toBeNull();
    expect(at('{"a":1,"a":2}', '/a')).toBe('2');
  });

  it('finds what walking the parsed value finds', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom(0, 1, 2), fc.nat(), (json, indent, seed) => {
        const value: unknown = JSON.parse(json);
        const text = JSON.stringify(value, null, indent);
        let pointer = '';
        let here = value;
        for (let n = seed; typeof here === 'object' && here !== null; n = Math.floor(n / 3)) {
          const keys = Object.keys(here);
          if (keys.length === 0) break;
          const key = keys[n % keys.length]!;
          pointer += `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
          here = (here as Record<string, unknown>)[key];
        }
        const found = at(text, pointer);
        expect(found).not.toBeNull();
        expect(JSON.parse(found!)).toEqual(here);
        expect(found).toBe(found!.trim());
      }),
      { numRuns: 500 },
    );
  });

  it('accepts JSON only, without byte order mark and space around', () => {
    expect(validJson('\ufeff {"a":1}\r\n')).toBe('{"a":1}');
    for (const bad of ['', '{', "{'a':1}", 'NaN', '[1,]', '{"a":1}{"a":2}', 'ok'])
      expect(validJson(bad)).toBeNull();
    const deep = '['.repeat(1_000_000);
    expect(validJson(deep)).toBeNull();
  });
});
