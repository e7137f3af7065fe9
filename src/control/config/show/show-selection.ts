import type { HoldConfig, OrdinalKey, OrdinalSelection, Selection } from '../../../model/config.ts';
import { formatDuration } from '../grammar/duration.ts';
import { formatQuantity } from '../grammar/quantity.ts';
import { ifGiven, nothingLeft } from './whole.ts';

/** A rule's `selection`. */
export function showSelection(selection: Selection): object {
  switch (selection.type) {
    case 'Leader': {
      const { type, hold, onDemotion, ...rest } = selection;
      nothingLeft(rest);
      return { type, hold: showHold(hold), onDemotion };
    }
    case 'Ordinal':
      return showOrdinal(selection);
    case 'FanOut': {
      const { minSuccess, merge, maxResponseBytes, ...others } = selection;
      const { type, over, respond, allowUnsafe, ...rest } = others;
      nothingLeft(rest);
      return {
        type,
        over,
        respond,
        ...ifGiven('minSuccess', minSuccess),
        ...ifGiven('merge', merge),
        maxResponseBytes: formatQuantity(maxResponseBytes),
        allowUnsafe,
      };
    }
    case 'Balance':
      return selection;
  }
}

function showOrdinal(selection: OrdinalSelection): object {
  const { type, ordinal, key, mapping, whenUnavailable, hold, ...rest } = selection;
  nothingLeft(rest);
  return {
    type,
    ...ifGiven('ordinal', ordinal),
    ...ifGiven('key', key === null ? null : showKey(key)),
    ...ifGiven('mapping', mapping?.type === 'Range' ? showRange(mapping.ranges) : mapping),
    whenUnavailable,
    hold: showHold(hold),
  };
}

function showRange(ranges: readonly { readonly below: string | null; readonly ordinal: number }[]): object {
  return {
    type: 'Range',
    ranges: ranges.map(({ below, ordinal }) => ({ ...ifGiven('below', below), ordinal })),
  };
}

function showKey(key: OrdinalKey): object {
  switch (key.from) {
    case 'pathSegment':
      return { pathSegment: key.index };
    case 'self':
      return { self: true };
    default:
      return { [key.from]: key.name };
  }
}

function showHold({ timeoutMs, maxRequests, maxBytes, ...rest }: HoldConfig): object {
  nothingLeft(rest);
  return { timeout: formatDuration(timeoutMs), maxRequests, maxBytes: formatQuantity(maxBytes) };
}
