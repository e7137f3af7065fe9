import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';

/** Backends that no rule names. One with a weight of 0 is named: it waits for its turn. */
export function warnOfUnused({ backends, listeners }: Parts, report: Report): void {
  const named = new Set(
    listeners.flatMap(({ rules }) => rules.flatMap(({ refNames }) => [...refNames.values()])),
  );
  for (const { path, name } of backends)
    if (name !== null && !named.has(name))
      report(path, `no rule sends to ${name}, but its Pods are looked up and probed all the same`);
}
