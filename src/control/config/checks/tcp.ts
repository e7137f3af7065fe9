import type { ListenerPart, Parts, RulePart } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';

/** A TCP listener sees no requests: one rule takes every connection, by what is known before its first byte. */
export function checkTcp({ listeners }: Parts, report: Report): void {
  for (const listener of listeners) if (listener.fields.protocol === 'TCP') checkListener(listener, report);
}

function checkListener({ rules }: ListenerPart, report: Report): void {
  for (const [index, rule] of rules.entries()) {
    if (index > 0) report(rule.path, 'a TCP listener has one rule, which takes every connection');
    checkRule(rule, report);
  }
}

function checkRule({ path, fields, given }: RulePart, report: Report): void {
  for (const key of ['hostnames', 'matches'])
    if (given.has(key))
      report([...path, key], 'has no meaning on a TCP listener: connections have no requests to match', true);
  const { selection } = fields;
  if (selection?.type === 'FanOut')
    report(
      [...path, 'selection', 'type'],
      'FanOut needs protocol: HTTP; TCP takes Leader, Balance or Ordinal',
    );
  if (selection?.type === 'Ordinal' && selection.key !== null && selection.key.from !== 'self')
    report(
      [...path, 'selection', 'key'],
      'a TCP connection carries no key: use key: { self: true } or a fixed ordinal',
    );
}
