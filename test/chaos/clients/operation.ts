/** How an operation ended, as far as its client can know. */
export type Outcome =
  | 'ok'
  /** Surely not applied: nothing was connected, or the answer says that nothing was executed. */
  | 'fail'
  | 'unknown';

/** One write or read of one client. Times are `machineMs`. */
export interface Operation {
  readonly id: string;
  readonly kind: 'write' | 'read';
  readonly via: 'http' | 'tcp' | 'upgrade';
  readonly key: string;
  readonly client: string;
  /** Which life of which sidecar it was sent to. */
  readonly by: string;
  /** Of the body. */
  readonly bytes: number;
  readonly startMs: number;
  /** Null: it has not ended yet. */
  endMs: number | null;
  outcome: Outcome;
  /** What a read gave. */
  value: string | null;
  /** When the client left before it had an answer: closed its connection, or its side of it. */
  goneMs: number | null;
  /** The answer in a few words. */
  detail: string;
  /** What no answer may be: another's, cut but said to be whole, a Pod's words mangled. */
  wrong: string | null;
}

/** What clients do and saw, over a round. */
export class History {
  readonly operations: Operation[] = [];

  begin(
    part: Pick<Operation, 'id' | 'kind' | 'via' | 'key' | 'client' | 'by' | 'bytes' | 'startMs'>,
  ): Operation {
    const operation: Operation = {
      ...part,
      endMs: null,
      outcome: 'unknown',
      value: null,
      goneMs: null,
      detail: '',
      wrong: null,
    };
    this.operations.push(operation);
    return operation;
  }
}
