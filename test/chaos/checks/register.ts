/** An operation on a register, as a client saw it. Times need only be comparable. */
export interface RegisterOperation<V> {
  readonly kind: 'write' | 'read' | 'cas';
  /** Of a write, or what a read gave, or what a compare-and-set put; `null` is the register's first value. */
  readonly value: V | null;
  /** Of a compare-and-set: what it expected. */
  readonly expected?: V | null;
  /** Of a compare-and-set: whether it was done. */
  readonly done?: boolean;
  readonly callMs: number;
  /** Infinite where the outcome is unknown: it may take effect at any time after the call, or never. */
  readonly returnMs: number;
}

interface Entry {
  readonly op: number;
  readonly isReturn: boolean;
  previous: Entry;
  next: Entry | null;
}

/**
 * Whether a history of one register is linearizable: whether each operation can be given one moment between its call and its
 * return such that every read gives the value of the last write before it (Herlihy and Wing, "Linearizability", TOPLAS 12(3),
 * 1990). The search is that of Wing and Gong ("Testing and verifying concurrent objects", JPDC 17, 1993) with Lowe's memory of
 * configurations that were tried ("Testing for linearizability", CCPE 29(4), 2017), as in Knossos and Porcupine.
 */
export function isLinearizable<V>(operations: readonly RegisterOperation<V>[]): boolean {
  const head: Entry = { op: -1, isReturn: false, previous: null as unknown as Entry, next: null };
  const calls: Entry[] = [];
  const returns: (Entry | null)[] = [];
  link(head, operations, calls, returns);

  const tried = new Set<string>();
  const order: { op: number; before: V | null }[] = [];
  const taken = new Uint8Array(operations.length);
  let left = operations.filter(({ returnMs }) => returnMs !== Number.POSITIVE_INFINITY).length;
  let value: V | null = null;
  let at = head.next;
  for (;;) {
    if (left === 0) return true;
    if (at !== null && !at.isReturn) {
      const operation = operations[at.op]!;
      const step: V | null | undefined = apply(operation, value);
      if (step !== undefined) {
        taken[at.op] = 1;
        const configuration = `${JSON.stringify(step)} ${Buffer.from(taken.buffer, 0, taken.length).toString('latin1')}`;
        if (!tried.has(configuration)) {
          tried.add(configuration);
          order.push({ op: at.op, before: value });
          value = step;
          if (operation.returnMs !== Number.POSITIVE_INFINITY) left--;
          unlink(at);
          unlink(returns[at.op]!);
          at = head.next;
          continue;
        }
        taken[at.op] = 0;
      }
      at = at.next;
      continue;
    }
    // Somebody has returned and found no place, or nothing else can be tried: take the last choice back.
    const last = order.pop();
    if (last === undefined) return false;
    value = last.before;
    taken[last.op] = 0;
    if (operations[last.op]!.returnMs !== Number.POSITIVE_INFINITY) left++;
    relink(returns[last.op]!);
    relink(calls[last.op]!);
    at = calls[last.op]!.next;
  }
}

/** The value afterwards, or undefined: it cannot have happened now. */
function apply<V>(operation: RegisterOperation<V>, value: V | null): V | null | undefined {
  switch (operation.kind) {
    case 'write':
      return operation.value;
    case 'read':
      return operation.value === value ? value : undefined;
    case 'cas':
      if (operation.returnMs === Number.POSITIVE_INFINITY)
        return operation.expected === value ? operation.value : undefined;
      if ((operation.expected === value) !== operation.done) return undefined;
      return operation.done ? operation.value : value;
  }
}

/** Calls and returns in one list, in the order of time; at the same time calls come first. */
function link<V>(
  head: Entry,
  operations: readonly RegisterOperation<V>[],
  calls: Entry[],
  returns: (Entry | null)[],
): void {
  const moments = operations.flatMap(({ callMs, returnMs }, op) => [
    { op, isReturn: false, ms: callMs },
    { op, isReturn: true, ms: returnMs },
  ]);
  moments.sort((a, b) => {
    if (a.ms !== b.ms) return a.ms < b.ms ? -1 : 1;
    return Number(a.isReturn) - Number(b.isReturn);
  });
  let last = head;
  for (const { op, isReturn } of moments) {
    const entry: Entry = { op, isReturn, previous: last, next: null };
    last.next = entry;
    last = entry;
    (isReturn ? returns : calls)[op] = entry;
  }
}

function unlink(entry: Entry): void {
  entry.previous.next = entry.next;
  if (entry.next !== null) entry.next.previous = entry.previous;
}

function relink(entry: Entry): void {
  entry.previous.next = entry;
  if (entry.next !== null) entry.next.previous = entry;
}
