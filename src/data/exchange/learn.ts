import type { LeaderConfig, LearnRule } from '../../model/config.ts';
import type { ResponseHead } from '../http1/response-head.ts';

/**
 * Whether an answer means "I do not lead; I executed nothing" by one of the backend's `learn` rules.
 * @returns the Location as a hint, or null for none; null: an ordinary answer
 */
export function learns(
  leader: LeaderConfig | null,
  head: ResponseHead,
): { readonly hint: string | null } | null {
  if (leader === null || leader.learn.length === 0) return null;
  for (const rule of leader.learn) if (matches(rule, head)) return { hint: fieldValue(head, 'location') };
  return null;
}

function matches(rule: LearnRule, head: ResponseHead): boolean {
  if (rule.status.length > 0 && !rule.status.includes(head.status)) return false;
  if (rule.location && fieldValue(head, 'location') === null) return false;
  if (rule.header === null) return true;
  const value = fieldValue(head, rule.header.name.toLowerCase());
  return value !== null && (rule.header.value === null || rule.header.value === value);
}

function fieldValue(head: ResponseHead, name: string): string | null {
  const { fields, text } = head;
  for (let i = 0; i < fields.count; i++)
    if (text.slice(fields.offsets[i * 4]!, fields.offsets[i * 4 + 1]!).toLowerCase() === name)
      return head.value(i);
  return null;
}
