import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import type { Path } from '../problem.ts';
import { formatPath, quote } from '../problem.ts';

/** Backends and listeners have names of their own, rules within their listener. */
export function checkNames({ backends, listeners }: Parts, report: Report): void {
  checkUnique(backends, report);
  checkUnique(
    listeners.map(({ path, fields }) => ({ path, name: fields.name ?? null })),
    report,
  );
  for (const { rules } of listeners) checkUnique(rules, report);
}

function checkUnique(
  named: readonly { readonly path: Path; readonly name: string | null }[],
  report: Report,
): void {
  const first = new Map<string, Path>();
  for (const { path, name } of named) {
    if (name === null) continue;
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, path);
    else report([...path, 'name'], `${quote(name)} is the name of ${formatPath(earlier)} already`);
  }
}
