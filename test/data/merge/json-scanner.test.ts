import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JsonPointer } from '../../../src/data/merge/json-pointer.ts';
import { JsonScanner } from '../../../src/data/merge/json-scanner.ts';
import { Utf8Check } from '../../../src/data/merge/utf8-check.ts';

/** Scans a text in pieces of so many bytes. */
function scan(json: string | Buffer, pointer: string | null, pieceBytes: number) {
  const bytes = Buffer.from(json as string);
  const found = pointer === null ? null : new JsonPointer(pointer);
  const scanner = new JsonScanner(found);
  for (let at = 0; at < bytes.length; at += pieceBytes)
    scanner.push(bytes, at, Math.min(bytes.length, at + pieceBytes));
  const isValid = scanner.finish();
  return { bytes, found, isValid, value: bytes.subarray(scanner.valueStart, scanner.valueEnd).toString() };
}

function isJson(text: string, pieceBytes = 3): boolean {
  return scan(text, null, pieceBytes).isValid;
}

function at(json: string, pointer: string, pieceBytes = 3): string | null {
  const { bytes, found, isValid } = scan(json, pointer, pieceBytes);
  expect(isValid).toBe(true);
  return found!.start < 0 ? null : bytes.subarray(found!.start, found!.end).toString();
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('the value at a JSON Pointer', () => {
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
    for (const pieceBytes of [1, 2, 5, 1000]) expect(at(doc, pointer, pieceBytes)).toBe(expected);
  });

  it('is not led astray by brackets and quotes in strings, by space, or by escaped names', () => {
    const json = '{ "x" : "]}\\"," , "d" : { "e" : [ 1 , "}" , [ ] ] } , "\\u0061" : true }';
    expect(at(json, '/d/e')).toBe('[ 1 , "}" , [ ] ]');
    expect(at(json, '/d/e/1')).toBe('"}"');
    expect(at(json, '/a')).toBe('true');
    expect(at('[]', '/0')).toBeNull();
    expect(at('{}', '/a')).toBeNull();
  });

  it.each([
    ['{"a":1,"a":2}', '/a', '2'],
    ['{"a":{"b":1},"a":{"c":2}}', '/a/b', null],
    ['{"a":{"b":1},"a":3}', '/a/b', null],
    ['{"a":3,"a":{"b":1}}', '/a/b', '1'],
    ['{"a":{"b":1,"b":2},"x":{"b":3}}', '/a/b', '2'],
    ['{"a":[0,[7]],"a":[[8],[9]]}', '/a/1/0', '9'],
    ['{"a":[0,[7]],"b":[[8],[9]]}', '/a/1', '[7]'],
  ])('the last member of a name counts: %s at %s is %s', (json, pointer, expected) => {
    expect(at(json, pointer)).toBe(expected);
  });

  it.each([
    ['{"\u00e9":1}', '/\u00e9', '1'],
    ['{"\\u00e9":1}', '/\u00e9', '1'],
    ['{"\u20ac":1}', '/\u20ac', '1'],
    ['{"\ud83d\ude00":1}', '/\ud83d\ude00', '1'],
    ['{"\\ud83D\\uDE00":1}', '/\ud83d\ude00', '1'],
    ['{"\\n\\t\\/":1}', '/\n\t~1', '1'],
    ['{"ab":1}', '/a', null],
    ['{"a":1}', '/ab', null],
  ])('names are compared as what they stand for: %s at %s', (json, pointer, expected) => {
    for (const pieceBytes of [1, 100]) expect(at(json, pointer, pieceBytes)).toBe(expected);
  });

  it('of an array, knows where its elements begin and end', () => {
    const inner = (json: string) => {
      const { bytes, found } = scan(json, '/a', 2);
      return found!.innerStart < 0 ? null : bytes.subarray(found!.innerStart, found!.innerEnd).toString();
    };
    expect(inner('{"a":[ ]}')).toBeNull();
    expect(inner('{"a":[ 1 ]}')).toBe('1');
    expect(inner('{"a":[\n[1, 2] , {"a":[3]} ]}')).toBe('[1, 2] , {"a":[3]}');
    expect(inner('{"a":[1],"a":[ ]}')).toBeNull();
  });

  it('finds what walking the parsed value finds', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 4 }),
        fc.constantFrom(0, 1, 2),
        fc.nat(),
        fc.integer({ min: 1, max: 9 }),
        (json, indent, seed, pieceBytes) => {
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
          const found = at(text, pointer, pieceBytes);
          expect(found).not.toBeNull();
          expect(JSON.parse(found!)).toEqual(here);
          expect(found).toBe(found!.trim());
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('what is JSON', () => {
  it('has no byte order mark and space around its value', () => {
    expect(scan('\ufeff {"a":1}\r\n', null, 1)).toMatchObject({ isValid: true, value: '{"a":1}' });
    expect(scan(' 12 ', null, 1)).toMatchObject({ isValid: true, value: '12' });
    expect(scan('-1.5e+3', null, 1)).toMatchObject({ isValid: true, value: '-1.5e+3' });
  });

  const NUMBERS = [
    '0',
    '-0',
    '10',
    '1.0',
    '1e1',
    '1E-1',
    '1.5e+10',
    '-',
    '01',
    '1.',
    '.1',
    '1e',
    '1e+',
    '+1',
  ];
  const MORE = ['--1', '0x1', '1a', '00', '-01', '1.e1', '1e1.5', 'Infinity', 'NaN', '1 2', '1_0'];
  const STRINGS = [
    '""',
    '"\\u12aF"',
    '"\\ud800"',
    '"\\x"',
    '"\\u12g4"',
    '"\\u12"',
    '"',
    '"\t"',
    '"\n"',
    '"\x7f"',
  ];
  const WORDS = ['true', 'false', 'null', 'tru', 'truex', 'nulll', 'True', 'undefined'];
  const STRUCTURES = ['{}', '[]', '[1,]', '[,1]', '[1 2]', '{"a"}', '{"a":}', '{"a":1,}', '{a:1}', "{'a':1}"];
  const BROKEN = [
    '',
    ' ',
    '{',
    '}',
    ']',
    '[',
    '[}',
    '{]',
    '[1}',
    '{"a":1]',
    '[[]',
    '[]]',
    '{"a":1}{"a":2}',
    'ok',
  ];
  const ODD = [
    '\ufeff',
    '\ufeff\ufeff1',
    ' \ufeff1',
    '1\ufeff',
    '\u00a01',
    '\v1',
    '[1]x',
    '//',
    '{"a":1 "b":2}',
  ];
  it.each([NUMBERS, MORE, STRINGS, WORDS, STRUCTURES, BROKEN, ODD].flat().map((text) => [text]))(
    '%j: as JSON.parse has it, alone, in an array and in an object',
    (text) => {
      // A mark in front is no part of the text (RFC 8259 section 8.1).
      expect(isJson(text)).toBe(parses(text.replace(/^\ufeff/, '')));
      expect(isJson(`[${text}]`)).toBe(parses(`[${text}]`));
      expect(isJson(`{"x":${text}}`)).toBe(parses(`{"x":${text}}`));
    },
  );

  it('is what JSON.parse takes, also when a byte of it is changed, lost or doubled', () => {
    const change = fc.record({
      at: fc.nat(),
      kind: fc.constantFrom('replace', 'delete', 'insert'),
      letter: fc.constantFrom(...'{}[]",:\\0123456789.eE+-truefalsn \t\n\u0000'),
    });
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), fc.array(change, { maxLength: 2 }), (json, changes) => {
        let text = json;
        for (const { at: where, kind, letter } of changes) {
          const index = where % (text.length + 1);
          const rest = text.slice(kind === 'insert' ? index : index + 1);
          text = text.slice(0, index) + (kind === 'delete' ? '' : letter) + rest;
        }
        for (const pieceBytes of [1, 4, 1000]) expect(isJson(text, pieceBytes)).toBe(parses(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('nested two million deep is checked, and a bit remembered for each', () => {
    const deep = 2_000_000;
    expect(isJson('['.repeat(deep), 65_536)).toBe(false);
    expect(isJson('['.repeat(deep) + ']'.repeat(deep), 65_536)).toBe(true);
    expect(isJson(`${'[{"a":'.repeat(300)}1${'}]'.repeat(300)}`)).toBe(true);
    expect(isJson(`${'[{"a":'.repeat(300)}1${'}]'.repeat(150)}]}${'}]'.repeat(149)}`)).toBe(false);
  });
});

describe('what is UTF-8', () => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  function expectSame(bytes: Uint8Array): void {
    const check = new Utf8Check();
    for (let i = 0; i < bytes.length; i++) check.push(bytes, i, i + 1);
    let text: string | null = null;
    try {
      text = decoder.decode(bytes);
    } catch {}
    expect(check.finish()).toBe(text !== null);
    if (text !== null)
      expect(bytes.length + check.escapeCost).toBe(Buffer.byteLength(JSON.stringify(text)) - 2);
  }

  it('is what TextDecoder takes: every pair of bytes, and every first three of a longer form', () => {
    for (let first = 0; first < 256; first++)
      for (let second = 0; second < 256; second += first < 0x80 ? 37 : 1) {
        expectSame(Uint8Array.of(first, second));
        if (first >= 0xe0 && second % 16 === 0) {
          expectSame(Uint8Array.of(first, second, 0x80));
          expectSame(Uint8Array.of(first, second, 0xbf, 0x80));
          expectSame(Uint8Array.of(first, second, 0x80, 0x80, 0x41));
        }
      }
  });

  it('is what TextDecoder takes: any text, and any bytes', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expectSame(Buffer.from(text))));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => expectSame(bytes)));
  });
});
