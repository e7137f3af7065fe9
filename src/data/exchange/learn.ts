import type { LeaderConfig, LearnRule } from '../../model/config.ts';
import type { ResponseMessage } from '../stream/message.ts';

/**
 * Whether an answer means "I do not lead; I executed nothing" by one of the backend's `learn` rules.
 * @returns the Location as a hint, or null for none; null: an ordinary answer
 */
export function learns(
  leader: LeaderConfig | null,
  answer: ResponseMessage,
): { readonly hint: string | null } | null {
  if (leader === null || leader.learn.length === 0) return null;
  for (const rule of leader.learn)
    if (matches(rule, answer)) return { hint: answer.header('location') ?? null };
  return null;
}

function matches(rule: LearnRule, answer: ResponseMessage): boolean {
  if (rule.status.length > 0 && !rule.status.includes(answer.status)) return false;
  if (rule.location && answer.header('location') === undefined) return false;
  if (rule.header === null) return true;
  const value = answer.header(rule.header.name.toLowerCase());
  return value !== undefined && (rule.header.value === null || rule.header.value === value);
}
