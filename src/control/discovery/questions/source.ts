import type { Clock } from '../../../platform/clock.ts';
import type { Member } from '../contract.ts';
import type { Round } from '../membership/membership.ts';
import type { Resolver } from '../wire/resolver.ts';
import type { AddressBook } from './address-book.ts';
import type { PtrNames } from './ptr-names.ts';

/** One way to find the Pods of a Service. */
export interface Source {
  /** The first question of a round, for people. */
  readonly question: string;
  /** Asks everything once. `seen` is told of each Pod as soon as it is certain, before the round ends. Never rejects. */
  round(seen: (member: Member) => void): Promise<Round>;
}

export interface SourceContext {
  readonly service: string;
  readonly resolver: Resolver;
  readonly book: AddressBook;
  readonly names: PtrNames;
  readonly clock: Clock;
  readonly queryTimeoutMs: number;
}

/** How long a round begins new follow-up queries: a few silent names may cost a few timeouts, no more. */
export function followUpBudgetMs(context: SourceContext): number {
  return 3 * context.queryTimeoutMs;
}
