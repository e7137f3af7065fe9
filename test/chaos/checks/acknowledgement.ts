import { type RoundRecord, shorten, type Violation } from './record.ts';

/** Promise 2: what is acknowledged was executed once; nothing is executed twice; no client sees another's or half an answer. */
export function checkAcknowledgement({ operations, commits, lives }: RoundRecord): Violation[] {
  const violations: Violation[] = [];
  const add = (what: string, atMs: number): void => {
    violations.push({ check: 'acknowledgement', what, atMs });
  };
  const executed = new Map<string, number>();
  for (const { id } of commits) executed.set(id, (executed.get(id) ?? 0) + 1);
  for (const { id, kind, outcome, detail, wrong, endMs, startMs } of operations) {
    const atMs = endMs ?? startMs;
    if (wrong !== null) add(`${kind} ${id} (${detail}): ${wrong}`, atMs);
    if (kind === 'read') continue;
    const times = executed.get(id) ?? 0;
    if (times > 1) add(`write ${id} (${detail}) was executed ${times} times`, atMs);
    if (outcome === 'ok' && times === 0) add(`write ${id} was acknowledged and not executed`, atMs);
    if (outcome === 'fail' && times > 0) add(`write ${id} ended as ${detail} and was executed`, atMs);
  }
  for (const { pod, events } of lives)
    for (const event of events)
      if (event.e === 'whole' && !event.right)
        add(`${pod} got a body of ${event.id} with foreign bytes`, event.t);
  return shorten(violations);
}
