import { expect, it } from 'vitest';
import { keepBlock, takeBlock, trimSpareBlocks } from '../../../src/data/exchange/spare-blocks.ts';

/** 4 MiB of 64 KiB each. */
const KEPT = 64;
const BLOCKS = 200;

it('blocks are used again; those that nobody needed for five seconds are let go of, but for some', () => {
  const all = new Set(Array.from({ length: BLOCKS }, takeBlock));
  const giveBack = (): void => all.forEach(keepBlock);
  const takeAll = (): number =>
    Array.from({ length: BLOCKS }, takeBlock).filter((one) => all.has(one)).length;
  giveBack();
  trimSpareBlocks(100_000);
  expect(takeAll()).toBe(BLOCKS);
  giveBack();
  trimSpareBlocks(105_000);
  trimSpareBlocks(109_999);
  expect(takeAll()).toBe(BLOCKS);
  giveBack();
  trimSpareBlocks(110_000);
  trimSpareBlocks(115_000);
  expect(takeAll()).toBe(KEPT);
});
