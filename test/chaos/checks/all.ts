import { checkAcknowledgement } from './acknowledgement.ts';
import { claimSpans } from './claims.ts';
import { checkConflict } from './conflict.ts';
import { checkDelivery } from './delivery.ts';
import { checkGoneClients } from './gone-clients.ts';
import { checkHarmless } from './harmless.ts';
import { checkHoldOrder } from './hold-order.ts';
import { checkLateness, type Lateness, latenesses } from './lateness.ts';
import { checkLinearizability } from './linearizability.ts';
import { deliveriesOf, type RoundRecord, type Violation } from './record.ts';
import { checkTerms } from './terms.ts';

export interface Verdict {
  readonly violations: readonly Violation[];
  readonly late: readonly Lateness[];
}

/** All checks of one round, in the order in which they tell most. */
export function check(record: RoundRecord): Verdict {
  const deliveries = deliveriesOf(record.lives);
  const spans = claimSpans(record.lives);
  const late = latenesses(record, spans);
  const violations = [
    ...record.found,
    ...checkDelivery(record, deliveries),
    ...checkAcknowledgement(record),
    ...checkTerms(record),
    ...checkLateness(record, late),
    ...checkConflict(record),
    ...checkHoldOrder(record, deliveries),
    ...checkGoneClients(record, deliveries),
    ...checkLinearizability(record),
    ...checkHarmless(record),
  ];
  return { violations, late };
}
