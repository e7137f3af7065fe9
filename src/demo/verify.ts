/** What the clients of the demo saw of their writes, by id. */
export interface WritesSeen {
  /** Acknowledged with 2xx, and by which Pod. */
  readonly acknowledged: ReadonlyMap<string, string>;
  /** Sent to a Pod that gave no answer (`upstream_reset`, or the client's own connection broke): the outcome is unknown. */
  readonly unknown: ReadonlySet<string>;
  /** Refused by headroute, which said that no byte was sent. */
  readonly refused: ReadonlySet<string>;
}

/** Ids of writes that break a promise; all lists empty is the proof. */
export interface Verdict {
  readonly ok: boolean;
  /** Acknowledged, but not in the log of the Pod that did so. */
  readonly lost: readonly string[];
  /** In the logs more than once, whatever the client saw. */
  readonly doubled: readonly string[];
  /** Said to be unsent, but in a log. */
  readonly refusedYetWritten: readonly string[];
  /** In a log, but never sent by a client. */
  readonly strangers: readonly string[];
  /** Of the unknown ones: how many had been executed. No promise is broken either way. */
  readonly unknownWritten: number;
}

/**
 * Holds the clients' view against the Pods' append-only logs.
 *
 * @param logs the ids in each Pod's log, in order of writing
 */
export function verifyWrites(seen: WritesSeen, logs: ReadonlyMap<string, readonly string[]>): Verdict {
  const writtenBy = new Map<string, string[]>();
  for (const [pod, ids] of logs) {
    for (const id of ids) writtenBy.set(id, [...(writtenBy.get(id) ?? []), pod]);
  }
  const written = [...writtenBy.keys()];
  const lost = [...seen.acknowledged].flatMap(([id, pod]) =>
    writtenBy.get(id)?.includes(pod) === true ? [] : [id],
  );
  const doubled = [...writtenBy].flatMap(([id, pods]) => (pods.length > 1 ? [id] : []));
  const refusedYetWritten = written.filter((id) => seen.refused.has(id));
  const strangers = written.filter(
    (id) => !seen.acknowledged.has(id) && !seen.unknown.has(id) && !seen.refused.has(id),
  );
  const broken = [lost, doubled, refusedYetWritten, strangers].some((ids) => ids.length > 0);
  const unknownWritten = written.filter((id) => seen.unknown.has(id)).length;
  return { ok: !broken, lost, doubled, refusedYetWritten, strangers, unknownWritten };
}
