import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import { quote } from '../problem.ts';

/**
 * `key: { self: true }` needs the name of the own Pod. A name that comes from the environment may be empty here: a file
 * is checked on machines that are no Pod.
 *
 * @param podNameIsSubstituted whether an environment variable had a part in self.podName
 */
export function checkSelf({ fields, listeners }: Parts, podNameIsSubstituted: boolean, report: Report): void {
  const podName = fields.self?.podName;
  if (podName === undefined || (podName === '' && podNameIsSubstituted)) return;
  for (const { path, fields: rule } of listeners.flatMap(({ rules }) => rules)) {
    const { selection } = rule;
    if (selection?.type !== 'Ordinal' || selection.key?.from !== 'self') continue;
    if (podName === '')
      report(
        [...path, 'selection', 'key', 'self'],
        `needs self.podName: set it to "\${POD_NAME:-}" and POD_NAME by fieldRef metadata.name`,
      );
    else if (selection.mapping?.type === 'Exact' && !/(^|-)(0|[1-9][0-9]*)$/.test(podName))
      report(
        [...path, 'selection', 'key', 'self'],
        `self.podName ${quote(podName)} has no ordinal that mapping Exact could take`,
      );
  }
}
