import type { RegisterOperation } from './register.ts';

/** Reads a history as Jepsen writes it down: `process event function value`; times are the numbers of its lines. */
export function readHistory(text: string): RegisterOperation<string>[] {
  const operations: RegisterOperation<string>[] = [];
  const open = new Map<string, { kind: string; value: string; callMs: number }>();
  const unknown = ({ kind, value, callMs }: { kind: string; value: string; callMs: number }): void => {
    if (kind !== 'read') operations.push(operationOf(kind, value, callMs, Number.POSITIVE_INFINITY));
  };
  for (const [line, words] of text.split('\n').entries()) {
    const match = /^(\d+) (invoke|ok|fail|info) (read|write|cas) (.*)$/.exec(words);
    if (match === null) continue;
    const [, process, event, kind, value] = match as unknown as [string, string, string, string, string];
    if (event === 'invoke') {
      open.set(process, { kind, value, callMs: line });
      continue;
    }
    const call = open.get(process)!;
    open.delete(process);
    if (event === 'ok') operations.push(operationOf(kind, value, call.callMs, line));
    else if (event === 'fail' && kind === 'cas')
      operations.push({ ...operationOf(kind, call.value, call.callMs, line), done: false });
    else if (event === 'info') unknown(call);
  }
  for (const call of open.values()) unknown(call);
  return operations;
}

function operationOf(
  kind: string,
  value: string,
  callMs: number,
  returnMs: number,
): RegisterOperation<string> {
  if (kind !== 'cas')
    return { kind: kind as 'read' | 'write', value: value === 'nil' ? null : value, callMs, returnMs };
  const [expected, put] = value.slice(1, -1).split(' ') as [string, string];
  return { kind: 'cas', expected, value: put, done: true, callMs, returnMs };
}
