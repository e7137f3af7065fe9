import type { FanOutSelection } from '../../model/config.ts';
import type { RequestView } from '../request-view.ts';

/**
 * What is not sent on where one answer is made of all: a body in a coding, a part of one, or none because the client has it
 * already (RFC 9110 sections 13 and 14) cannot be merged, and no Pod's validator is the whole's.
 */
const NOT_FOR_COMPOSED: ReadonlySet<string> = new Set([
  'accept-encoding',
  'range',
  'if-range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
]);

/** Whether one answer is made of all; else one Pod's stands for all. */
function composes({ respond }: FanOutSelection): boolean {
  return respond === 'All' || respond === 'Merge';
}

/** Lower-case names of fields that no Pod is sent; null: all are sent. */
export function notSent(selection: FanOutSelection): ReadonlySet<string> | null {
  return composes(selection) ? NOT_FOR_COMPOSED : null;
}

/** Whether a Pod may answer that the client's copy is still good (RFC 9110 sections 13.1.2, 13.1.3 and 15.4.5). */
export function asksForNews(request: RequestView, selection: FanOutSelection): boolean {
  return (
    !composes(selection) &&
    (request.method === 'GET' || request.method === 'HEAD') &&
    (request.header('if-none-match') !== undefined || request.header('if-modified-since') !== undefined)
  );
}
