/** Who may have a request again that `learn` answers turned away (SPEC 3, Retrying; B7 of field-cases.md). */
import { expect, it } from 'vitest';
import { TurnedAway } from '../../../src/data/placement/turned-away.ts';
import { pod } from '../fixtures.ts';

const [db0, db1] = [pod(0), pod(1)];

it('not the Pod that gave the answer, as long as its claim goes on', () => {
  const turned = new TurnedAway(2);
  turned.add(db0.id, 5);
  expect(turned.barred(db0, 5)).toContain('db-0 answered this request');
  expect(turned.barred(db0, 7)).toBeNull();
});

it('another Pod, though it began to claim at the same moment, or before', () => {
  const turned = new TurnedAway(2);
  turned.add(db0.id, 5);
  expect(turned.barred(db1, 5)).toBeNull();
  expect(turned.barred(db1, 3)).toBeNull();
});

it('none of several that gave it', () => {
  const turned = new TurnedAway(2);
  turned.add(db0.id, 5);
  turned.add(db1.id, 6);
  expect(turned.barred(db0, 5)).not.toBeNull();
  expect(turned.barred(db1, 6)).not.toBeNull();
});

it('nobody after retry.attempts more sends', () => {
  const turned = new TurnedAway(2);
  turned.add(db0.id, 5);
  turned.sentAgain();
  expect(turned.barred(db1, 6)).toBeNull();
  turned.sentAgain();
  expect(turned.barred(db1, 6)).toContain('retry.attempts');
});
