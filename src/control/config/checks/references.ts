import type { OrdinalSelection } from '../../../model/config.ts';
import type { BackendPart, Parts, RulePart } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import { didYouMean } from '../grammar/suggest.ts';
import { quote } from '../problem.ts';

type StatefulSet = { readonly name: string; readonly replicas: number; readonly start: number };

/** Rules against the backends that they name, and backends against their own StatefulSet. */
export function checkReferences({ backends, listeners }: Parts, report: Report): void {
  const byName = new Map(
    backends.flatMap((part) => (part.name === null ? [] : [[part.name, part] as const])),
  );
  for (const backend of backends) checkLeaderOrdinal(backend, report);
  for (const { rules } of listeners)
    for (const rule of rules) {
      const targets = new Map<string, BackendPart>();
      for (const [index, name] of rule.refNames) {
        const backend = byName.get(name);
        if (backend !== undefined) {
          if (rule.fields.backendRefs?.[index]?.weight !== 0) targets.set(name, backend);
        } else if (backends.length > 0)
          report(
            [...rule.path, 'backendRefs', index, 'name'],
            `there is no backend ${quote(name)}${didYouMean(name, [...byName.keys()])}`,
          );
      }
      const refs = rule.fields.backendRefs ?? [];
      if (refs.length > 0 && refs.every(({ weight }) => weight === 0))
        report([...rule.path, 'backendRefs'], 'every weight is 0: no request could go anywhere');
      checkSelection(rule, targets, report);
    }
}

function checkLeaderOrdinal({ path, fields }: BackendPart, report: Report): void {
  const set = fields.discovery?.statefulSet ?? null;
  const source = fields.leader?.source;
  if (set === null || source?.type !== 'Ordinal' || has(set, source.ordinal)) return;
  report(
    [...path, 'leader', 'ordinal'],
    `${source.ordinal} is none of the ordinals ${rangeOf(set)} of statefulSet ${set.name}`,
  );
}

function checkSelection(rule: RulePart, targets: ReadonlyMap<string, BackendPart>, report: Report): void {
  const { selection } = rule.fields;
  const path = [...rule.path, 'selection'];
  for (const [name, backend] of targets) {
    const needsLeader =
      selection?.type === 'Leader'
        ? 'type: Leader'
        : selection?.type === 'Ordinal' && selection.whenUnavailable === 'Leader'
          ? 'whenUnavailable: Leader'
          : null;
    if (needsLeader !== null && !backend.hasLeader)
      report(
        [...path, selection?.type === 'Leader' ? 'type' : 'whenUnavailable'],
        `${needsLeader} needs a leader under backend ${quote(name)}, which has none`,
      );
    const set = backend.fields.discovery?.statefulSet ?? null;
    const count = set?.replicas ?? backend.fields.discovery?.static?.length ?? Number.POSITIVE_INFINITY;
    if (selection?.type === 'FanOut' && selection.minSuccess !== null && selection.minSuccess > count)
      report(
        [...path, 'minSuccess'],
        `${selection.minSuccess} can never be met: backend ${quote(name)} has ${count} Pods`,
      );
    if (set === null) continue;
    if (selection?.type === 'Ordinal') checkOrdinals(selection, set, path, report);
  }
}

function checkOrdinals(
  selection: OrdinalSelection,
  set: StatefulSet,
  path: readonly (string | number)[],
  report: Report,
): void {
  const outside = (ordinal: number): string =>
    `${ordinal} is none of the ordinals ${rangeOf(set)} of statefulSet ${set.name}`;
  const { ordinal, mapping } = selection;
  if (ordinal !== null && !has(set, ordinal)) report([...path, 'ordinal'], outside(ordinal));
  if (mapping?.type === 'Range')
    for (const [index, range] of mapping.ranges.entries())
      if (!has(set, range.ordinal))
        report([...path, 'mapping', 'ranges', index, 'ordinal'], outside(range.ordinal));
  if (mapping?.type !== 'Modulo' && mapping?.type !== 'JumpHash') return;
  if (has(set, mapping.start) && has(set, mapping.start + mapping.replicas - 1)) return;
  report(
    [...path, 'mapping'],
    `gives the ordinals ${rangeOf(mapping)}, but statefulSet ${set.name} has ${rangeOf(set)}`,
  );
}

function has({ start, replicas }: StatefulSet, ordinal: number): boolean {
  return ordinal >= start && ordinal < start + replicas;
}

function rangeOf({ start, replicas }: { readonly start: number; readonly replicas: number }): string {
  return replicas === 1 ? `${start}` : `${start} to ${start + replicas - 1}`;
}
