import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fnv1a64, jumpHash } from '../../../src/data/pick/hash.ts';
import { mapKey } from '../../../src/data/pick/ordinal-mapping.ts';
import { multiply, parseDecimal, remainder } from '../../../src/data/pick/uint64.ts';
import type { OrdinalMapping } from '../../../src/model/config.ts';
import { backendConfig } from '../../helpers/config.ts';
import { backendOf, pod } from '../fixtures.ts';

const MASK = (1n << 64n) - 1n;
const split = (value: bigint): { hi: number; lo: number } => ({
  hi: Number(value >> 32n),
  lo: Number(value & 0xffff_ffffn),
});
const join = ({ hi, lo }: { hi: number; lo: number }): bigint => (BigInt(hi) << 32n) | BigInt(lo);
const uint64 = fc.bigInt({ min: 0n, max: MASK });

const backend = backendOf([pod(0), pod(1), pod(2, 'draining')]);
const ordinalOf = (mapping: OrdinalMapping, key: string, own = false): number | null => {
  const target = mapKey(mapping, key, backend, own);
  return target !== null && 'ordinal' in target ? target.ordinal : null;
};

describe('hashing', () => {
  it.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['foobar', '85944171f73967e8'],
    ['chongo was here!\n', '46810940eff5f915'],
  ])('FNV-1a of %j (vectors of the FNV authors, test_fnv.c)', (text, expected) => {
    expect(join(fnv1a64(text)).toString(16).padStart(16, '0')).toBe(expected);
  });

  it.each([
    ['1', 1, 0],
    ['42', 57, 43],
    ['3735883980', 1, 0],
    ['3735883980', 666, 361],
    ['256', 1024, 520],
    ['10863919174838991', 11, 6],
    ['2016238256797177309', 11, 3],
  ])(
    'JumpHash of %s in %i buckets (vectors of python-jump-consistent-hash and azure-cosmos)',
    (key, n, expected) => {
      expect(jumpHash(parseDecimal(key)!, n)).toBe(expected);
    },
  );

  it('agrees with the published algorithm in BigInt', () => {
    const reference = (key: bigint, buckets: number): number => {
      let b = -1;
      let j = 0;
      while (j < buckets) {
        b = j;
        key = (key * 2862933555777941757n + 1n) & MASK;
        j = Math.floor((b + 1) * (2 ** 31 / (Number(key >> 33n) + 1)));
      }
      return b;
    };
    fc.assert(
      fc.property(uint64, fc.integer({ min: 1, max: 5000 }), (key, n) => {
        expect(jumpHash(split(key), n)).toBe(reference(key, n));
      }),
      { numRuns: 500 },
    );
  });

  it('64-bit arithmetic agrees with BigInt', () => {
    fc.assert(
      fc.property(uint64, uint64, fc.integer({ min: 1, max: (1 << 20) - 1 }), (a, b, n) => {
        expect(join(multiply(split(a), split(b)))).toBe((a * b) & MASK);
        expect(remainder(split(a), n)).toBe(Number(a % BigInt(n)));
        expect(join(parseDecimal(a.toString())!)).toBe(a);
      }),
      { numRuns: 500 },
    );
    expect(parseDecimal('18446744073709551616')).toBeNull();
    expect(parseDecimal('0000000000000000000000000000007')).toEqual({ hi: 0, lo: 7 });
    expect(parseDecimal('0'.repeat(40))).toEqual({ hi: 0, lo: 0 });
  });
});

describe('mappings', () => {
  const modulo = { type: 'Modulo', replicas: 3, start: 0 } as const;

  it('Modulo takes decimal keys as they are, to the last below 2^64, and hashes any other', () => {
    expect(ordinalOf(modulo, '7')).toBe(1);
    expect(ordinalOf(modulo, '18446744073709551615')).toBe(0);
    const hashed = (text: string): number => Number(join(fnv1a64(text)) % 3n);
    for (const key of ['18446744073709551616', 'acme', '-1', '1.0', ' 7', '0x7', '\xc3\xab'])
      expect(ordinalOf(modulo, key)).toBe(hashed(key));
    expect(ordinalOf({ ...modulo, replicas: 3_000_000 }, '18446744073709551615')).toBe(
      Number(MASK % 3_000_000n),
    );
  });

  it('O3 ordinals that start at 5 (k8sgpt-ai/k8sgpt#1759)', () => {
    for (const type of ['Modulo', 'JumpHash'] as const) {
      const seen = new Set<number | null>();
      for (let i = 0; i < 1000; i++) {
        const ordinal = ordinalOf({ type, replicas: 3, start: 5 }, `${i}`)!;
        expect(ordinal - 5).toBe(ordinalOf({ type, replicas: 3, start: 0 }, `${i}`));
        seen.add(ordinal);
      }
      expect([...seen].sort()).toEqual([5, 6, 7]);
    }
  });

  it('JumpHash spreads keys evenly, and moves keys only to the bucket that is new', () => {
    const counts = [0, 0, 0];
    for (let i = 0; i < 9000; i++) {
      const before = ordinalOf({ type: 'JumpHash', replicas: 3, start: 0 }, `tenant-${i}`)!;
      const after = ordinalOf({ type: 'JumpHash', replicas: 4, start: 0 }, `tenant-${i}`)!;
      counts[before]!++;
      expect([before, 3]).toContain(after);
    }
    for (const count of counts) expect(Math.abs(count - 3000)).toBeLessThan(250);
  });

  it.each([
    ['0', 0],
    ['1', 1],
    ['9', 9],
    ['2147483647', 2147483647],
    ['2147483648', null],
    ['01', null],
    ['-1', null],
    ['+1', null],
    ['1.0', null],
    ['1e0', null],
    ['db-1', 1],
    ['db-2', 2],
    ['db-9', 9],
    ['db-01', null],
    ['db--1', null],
    ['other-1', null],
    ['DB-1', null],
    ['db', null],
    ['db-', null],
    ['1, 2', null],
    ['1\n', null],
    ['１', null],
  ])('Exact with key %j gives %s', (key, expected) => {
    expect(ordinalOf({ type: 'Exact' }, key)).toBe(expected);
  });

  it("Exact takes its own Pod name's ordinal whatever the StatefulSet is called", () => {
    expect(ordinalOf({ type: 'Exact' }, 'web-7', true)).toBe(7);
    expect(ordinalOf({ type: 'Exact' }, 'web-6f7d9c-x2x5z', true)).toBeNull();
  });

  it('Exact knows the name of a StatefulSet before any of its Pods', () => {
    const config = backendConfig();
    const statefulSet = { name: 'db', replicas: 3, start: 0 };
    const empty = backendOf([], 'unconfigured', {
      config: { ...config, discovery: { ...config.discovery, statefulSet } },
    });
    expect(mapKey({ type: 'Exact' }, 'db-1', empty, false)).toEqual({ ordinal: 1 });
    expect(mapKey({ type: 'Exact' }, 'db-1', backendOf([]), false)).toBeNull();
  });

  it('Exact finds a Pod that has a name but no ordinal, never an unnamed one by its address', () => {
    const named = pod(-1, 'ready', { name: 'web-6f7d9c-x2x5z', label: 'web-6f7d9c-x2x5z' });
    const unnamed = pod(-1, 'ready', { name: '10.0.0.1', label: '' });
    const both = backendOf([named, unnamed]);
    expect(mapKey({ type: 'Exact' }, 'web-6f7d9c-x2x5z', both, false)).toEqual({ pod: named });
    expect(mapKey({ type: 'Exact' }, '10.0.0.1', both, false)).toBeNull();
  });

  it.each([
    ['a', 0],
    ['gzzz', 0],
    ['h', 1],
    ['o', 1],
    ['p', 2],
    ['Z', 0],
    ['\xc3\xa9', 2],
    ['', 0],
  ])('Range with key %j gives %i, by bytes', (key, expected) => {
    const ranges = [
      { below: 'h', ordinal: 0 },
      { below: 'p', ordinal: 1 },
      { below: null, ordinal: 2 },
    ];
    expect(ordinalOf({ type: 'Range', ranges }, key)).toBe(expected);
  });

  it('Range compares bounds beyond ASCII as UTF-8 bytes, not UTF-16', () => {
    const ranges = [
      { below: '\u00e9', ordinal: 0 },
      { below: null, ordinal: 1 },
    ];
    const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');
    expect(ordinalOf({ type: 'Range', ranges }, utf8('\u00e8'))).toBe(0);
    expect(ordinalOf({ type: 'Range', ranges }, utf8('\u00ea'))).toBe(1);
  });
});
