/** What a Pod does wrong, as the nemeses tell it; all of it can be changed while it runs. */
export interface Faults {
  /** Bytes that arrive on the data port are not read. */
  readonly deaf: boolean;
  /** Requests are executed, but nothing is written on the data port. */
  readonly mute: boolean;
  /** The probe port answers nothing. */
  readonly probeMute: boolean;
  /** Claims to lead whatever the lease says, with this term; null: as the lease says. */
  readonly claim: { readonly term: number | null } | null;
  /** Hears nothing of the lease any more, as one that is cut off from the quorum. */
  readonly cutOff: boolean;
  /** Its clock runs this much behind: it thinks that it has the lease for so much longer. */
  readonly clockBehindMs: number;
  /** Of every so many requests one is reset, at a byte that the request's id decides. 0: none. */
  readonly resetEvery: number;
  /** Resets come: amid the request; after a 100 Continue; before the answer; amid the answer. */
  readonly resetAt: 'request' | 'continue' | 'executed' | 'answer';
  /** An idle connection is closed after this; 0: never. */
  readonly closeIdleMs: number;
  /** The answer's connection is closed at once, though nothing had said so. */
  readonly closeAfterAnswer: boolean;
}

export const NO_FAULTS: Faults = {
  deaf: false,
  mute: false,
  probeMute: false,
  claim: null,
  cutOff: false,
  clockBehindMs: 0,
  resetEvery: 0,
  resetAt: 'executed',
  closeIdleMs: 0,
  closeAfterAnswer: false,
};
