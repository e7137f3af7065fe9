import { RequestHead } from './request-head.ts';

/** Heads that no connection needs now: an idle connection holds none. */
const spare: RequestHead[] = [];
const MAX_SPARE = 256;

/** A head to parse into. */
export function takeHead(): RequestHead {
  const head = spare.pop() ?? new RequestHead();
  head.begin();
  return head;
}

/** Nobody looks at this head any more. */
export function giveBackHead(head: RequestHead): void {
  if (spare.length < MAX_SPARE) spare.push(head);
}
