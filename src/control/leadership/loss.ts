import type { Cause } from '../../model/cause.ts';

/** How a Pod came to lead no more. `lapsed`: it fell silent; `denied`: it said so. */
export type LossKind = 'lapsed' | 'denied' | 'unready' | 'left' | 'overruled';

/** The leader that was lost, as long as no other is known. */
export interface Loss {
  readonly podId: number;
  readonly name: string;
  readonly kind: LossKind;
  /** What its probe found then; null: nothing that says why. */
  readonly found: string | null;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

const UNTIL: Readonly<Record<LossKind, string>> = {
  lapsed: 'its claim lapsed',
  denied: 'it said that it does not',
  unready: 'it turned unready',
  left: 'it left DNS',
  overruled: 'its claim was not believed any more',
};

/** @param found what is known of why */
export function lossCause({ name, kind, atMs }: Loss, found: string | null): Cause {
  const text = `${name} led until ${UNTIL[kind]}${found === null ? '' : ` (${found})`}`;
  return { area: 'leader', kind, text, pods: [name], podCount: 1, sinceMs: atMs, event: true };
}
