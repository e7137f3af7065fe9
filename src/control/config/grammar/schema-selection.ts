import * as z from 'zod';
import type {
  BalanceSelection,
  FanOutSelection,
  HoldConfig,
  LeaderSelection,
  OrdinalKey,
  OrdinalMapping,
  OrdinalSelection,
} from '../../../model/config.ts';
import {
  duration,
  headerName,
  jsonPointer,
  object,
  ordinal,
  refuse,
  size,
  textThat,
  whole,
} from './scalars.ts';

const hold = object({
  timeout: duration(0).prefault('10s').describe('Longest wait of one request; 0s holds nothing'),
  maxRequests: whole(0, 1_000_000).prefault(1000).describe('Most requests that wait at a time'),
  maxBytes: size(0).prefault('16Mi').describe('Most bytes of bodies that wait at a time'),
})
  .transform(({ timeout, ...rest }): HoldConfig => ({ timeoutMs: timeout, ...rest }))
  .prefault({})
  .describe('Requests wait, first come first served, until the Pod they need is there');

const leader = object({
  type: z.literal('Leader').describe('Kind of selection'),
  hold,
  onDemotion: z
    .enum(['Close', 'Drain'])
    .prefault('Close')
    .describe('What happens to open upgrades and TCP connections of a Pod that leads no more'),
})
  .transform((given): LeaderSelection => given)
  .describe('The Pod that leads, and no other');

const key = object({
  pathSegment: whole(1, 1000).optional().describe('A segment of the path, counted from 1'),
  header: headerName.optional().describe('A header'),
  queryParam: z.string().min(1, 'is empty').optional().describe('A query parameter'),
  cookie: textThat('the name of a cookie', (value) =>
    /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(value) ? null : 'is not the name of a cookie',
  )
    .optional()
    .describe('A cookie'),
  self: z.literal(true).optional().describe('The name of the own Pod, self.podName'),
})
  .transform((given, context): OrdinalKey => {
    const { pathSegment, header, queryParam, cookie } = given;
    const count = Object.values(given).filter((value) => value !== undefined).length;
    if (count !== 1) refuse(context, 'needs exactly one of pathSegment, header, queryParam, cookie and self');
    if (pathSegment !== undefined) return { from: 'pathSegment', index: pathSegment };
    if (header !== undefined) return { from: 'header', name: header };
    if (queryParam !== undefined) return { from: 'queryParam', name: queryParam };
    if (cookie !== undefined) return { from: 'cookie', name: cookie };
    return { from: 'self' };
  })
  .describe('Where a request carries the key that decides its Pod');

const hashed = {
  replicas: whole(1, 1_000_000).describe('Number of Pods; changing it moves keys'),
  start: ordinal.prefault(0).describe('First ordinal'),
};

const range = object({
  type: z.literal('Range').describe('Kind of mapping'),
  ranges: z
    .array(
      object({
        below: z
          .string()
          .min(1, 'is empty: no key is below it')
          .optional()
          .describe('Keys below this text, compared by bytes; the last entry has none'),
        ordinal: ordinal.describe('Their Pod'),
      }),
    )
    .min(1)
    .describe('Bounds in rising order'),
}).transform(({ type, ranges }, context): OrdinalMapping => {
  for (const [index, { below }] of ranges.entries()) {
    const last = index === ranges.length - 1;
    const before = ranges[index - 1]?.below;
    if (last && below !== undefined)
      refuse(
        context,
        `the last range must have no below: keys from ${JSON.stringify(below)} on have no Pod`,
        ['ranges', index, 'below'],
      );
    else if (!last && below === undefined)
      refuse(context, 'only the last range goes without below: those after it are never reached', [
        'ranges',
        index,
      ]);
    if (below !== undefined && before !== undefined && compareBytes(before, below) >= 0)
      refuse(
        context,
        `ranges overlap: ${JSON.stringify(below)} does not come after ${JSON.stringify(before)}`,
        ['ranges', index, 'below'],
      );
  }
  return { type, ranges: ranges.map(({ below, ordinal }) => ({ below: below ?? null, ordinal })) };
});

const mapping = z
  .discriminatedUnion('type', [
    object({ type: z.literal('Exact').describe('Kind of mapping') }),
    object({ type: z.literal('Modulo').describe('Kind of mapping'), ...hashed }),
    object({ type: z.literal('JumpHash').describe('Kind of mapping'), ...hashed }),
    range,
  ])
  .describe('How a key becomes an ordinal');

/** As the data plane compares keys, by the bytes of their UTF-8. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

const ordinalSelection = object({
  type: z.literal('Ordinal').describe('Kind of selection'),
  ordinal: ordinal.optional().describe('Always this Pod, instead of key and mapping'),
  key: key.optional(),
  mapping: mapping.optional(),
  whenUnavailable: z
    .enum(['Fail', 'Hold', 'NextOrdinal', 'Leader'])
    .prefault('Fail')
    .describe('What happens to a request whose Pod is not ready'),
  hold,
})
  .transform((given, context): OrdinalSelection => {
    const { ordinal, key, mapping } = given;
    if (ordinal === undefined && key === undefined) refuse(context, 'needs key (with mapping) or ordinal');
    for (const other of ['key', 'mapping'] as const)
      if (ordinal !== undefined && given[other] !== undefined)
        refuse(context, 'does not go with a fixed ordinal', [other]);
    return {
      type: given.type,
      ordinal: ordinal ?? null,
      key: key ?? null,
      mapping: key === undefined ? null : (mapping ?? { type: 'Exact' }),
      whenUnavailable: given.whenUnavailable,
      hold: given.hold,
    };
  })
  .describe('The Pod of one ordinal, fixed or by a key of the request');

const fanOut = object({
  type: z.literal('FanOut').describe('Kind of selection'),
  over: z.enum(['All', 'Followers']).prefault('All').describe('Which ready Pods are asked'),
  respond: z
    .enum(['First', 'Quorum', 'All', 'Merge'])
    .prefault('All')
    .describe('How their answers become one'),
  minSuccess: whole(1, 1_000_000)
    .optional()
    .describe('Successes that an answer needs; default: 1, for Quorum a majority of the Pods asked'),
  merge: z
    .discriminatedUnion('type', [
      object({
        type: z.literal('ConcatArrays').describe('Kind of merging'),
        pointer: jsonPointer
          .prefault('')
          .describe('Where the array stands in each body; default: the body itself'),
      }),
      object({ type: z.literal('JSONLines').describe('Kind of merging') }),
    ])
    .optional()
    .describe('How bodies are merged'),
  maxResponseBytes: size(1).prefault('4Mi').describe('Most bytes of one answer that are kept'),
  allowUnsafe: z
    .boolean()
    .prefault(false)
    .describe('Take methods other than GET, HEAD, OPTIONS and TRACE too'),
})
  .transform((given, context): FanOutSelection => {
    if (given.respond === 'Merge' && given.merge === undefined)
      refuse(
        context,
        'respond: Merge needs merge, for example merge: { type: ConcatArrays, pointer: /hits }',
      );
    if (given.respond !== 'Merge' && given.merge !== undefined)
      refuse(context, `does not go with respond: ${given.respond}`, ['merge']);
    return { ...given, minSuccess: given.minSuccess ?? null, merge: given.merge ?? null };
  })
  .describe('Many Pods at once');

const balance = object({
  type: z.literal('Balance').optional().describe('Kind of selection'),
  over: z
    .enum(['Ready', 'Followers'])
    .prefault('Ready')
    .describe('Followers: ready Pods but the leader; without any, the leader'),
  algorithm: z
    .enum(['LeastRequest', 'RoundRobin', 'Random'])
    .prefault('LeastRequest')
    .describe('LeastRequest takes the less busy of two random Pods'),
})
  .transform((given): BalanceSelection => ({ ...given, type: 'Balance' }))
  .describe('One of the ready Pods; the default');

const TYPES = [leader, ordinalSelection, fanOut, balance] as const;

export const selection = z
  .discriminatedUnion('type', [...TYPES])
  .prefault({})
  .describe('Which Pod of the backend gets the request');

/** Keys that only one type has: they tell which type was meant where it was left out. */
export const TELLTALE_KEYS: ReadonlyMap<string, string> = new Map([
  ['hold', 'Leader'],
  ['onDemotion', 'Leader'],
  ['key', 'Ordinal'],
  ['mapping', 'Ordinal'],
  ['ordinal', 'Ordinal'],
  ['whenUnavailable', 'Ordinal'],
  ['respond', 'FanOut'],
  ['minSuccess', 'FanOut'],
  ['merge', 'FanOut'],
  ['maxResponseBytes', 'FanOut'],
  ['allowUnsafe', 'FanOut'],
]);
