import { formatPath, type Path } from '../problem.ts';
import { belonging } from './belonging.ts';
import { wrongKind } from './messages.ts';
import type { Report } from './read-fields.ts';
import { rephrased } from './rephrase.ts';
import { document } from './schema.ts';
import { schemaAt } from './schema-walk.ts';

/**
 * Adds to what is reported what only the whole grammar can tell: where a key belongs, what to write for a value that lacks its
 * mapping. What a mapping needs and has in a wrong place is reported once.
 *
 * @param raw the document
 */
export function withAdvice(raw: unknown, report: Report): Report {
  const misplaced = new Set<string>();
  return (path, message, atKey = false) => {
    if (atKey && message.startsWith('unknown key; ')) {
      const suggested = /^unknown key; did you mean (.*)\?$/.exec(message)?.[1] ?? null;
      const place =
        suggested !== null && isSlip(String(path.at(-1)), suggested) ? null : belonging(document, path);
      if (place !== null) {
        misplaced.add(formatPath(path.slice(0, -1)));
        return report(path, `unknown key${place}`, true);
      }
      return report(path, message, true);
    }
    if (message.startsWith('needs ') && misplaced.has(formatPath(path))) return;
    report(path, adviceOnKind(raw, path, message), atKey);
  };
}

/** Whether a word was meant for another whatever else there is of its name: a letter more, less or other. */
function isSlip(word: string, suggested: string): boolean {
  return Math.abs(word.length - suggested.length) <= 1;
}

function adviceOnKind(raw: unknown, path: Path, message: string): string {
  const wanted = /^must be (a mapping|a list|.* or a list), is /.exec(message)?.[1];
  if (wanted === undefined) return message;
  const value = path.reduce<unknown>((at, part) => (at as Record<PropertyKey, unknown> | null)?.[part], raw);
  const schema = schemaAt(document, path);
  if (value === null || typeof value === 'object' || schema === null) return message;
  if (message !== wrongKind(value, wanted)) return message;
  const key = path.at(-1);
  const advice = rephrased(schema, typeof key === 'string' ? key : null, value);
  return advice === null ? message : `${message}: ${advice}`;
}
