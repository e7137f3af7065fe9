import { connect } from 'node:net';
import { Lines } from '../lines.ts';
import type { Faults } from './faults.ts';
import { Lease, RENEW_MS } from './lease.ts';
import type { FromPod, PodOptions, ToPod } from './messages.ts';

/** What came of a commit or a read: `ok: false`: this Pod does not lead, nothing was done. */
export interface Done {
  readonly ok: boolean;
  readonly value: string | null;
}

/** This Pod's line to the others: the lease, and the register that a quorum keeps for whoever has it. */
export class Store {
  readonly lease = new Lease();
  readonly #lines: Lines<ToPod, FromPod>;
  readonly #waiting = new Map<number, (done: Done) => void>();
  #n = 0;
  #cutOff = false;

  /** @param onFaults called with each change of what the Pod does wrong */
  constructor(options: PodOptions, onFaults: (faults: Faults) => void) {
    const socket = connect(options.coordinatorPort, '127.0.0.1');
    // The harness has gone.
    socket.on('close', () => process.exit(0));
    this.#lines = new Lines(socket, (message) => this.#take(message, onFaults));
    socket.on('connect', () => {
      this.#lines.send({ is: 'hello', name: options.name, incarnation: options.incarnation });
      // Not before it has said who it is.
      this.#renew();
      setInterval(() => this.#renew(), RENEW_MS);
    });
  }

  #renew(): void {
    if (!this.#cutOff) this.#lines.send({ is: 'renew', n: this.lease.ask() });
  }

  commit(term: number, id: string, key: string): Promise<Done> {
    const n = ++this.#n;
    this.#lines.send({ is: 'commit', n, term, id, key });
    return new Promise((resolve) => this.#waiting.set(n, resolve));
  }

  read(term: number, key: string): Promise<Done> {
    const n = ++this.#n;
    this.#lines.send({ is: 'read', n, term, key });
    return new Promise((resolve) => this.#waiting.set(n, resolve));
  }

  #take(message: ToPod, onFaults: (faults: Faults) => void): void {
    if (message.is === 'lease') {
      if (!this.#cutOff) this.lease.answered(message.n, message.term, message.forMs);
    } else if (message.is === 'faults') {
      this.#cutOff = message.faults.cutOff;
      this.lease.behindMs = message.faults.clockBehindMs;
      onFaults(message.faults);
    } else {
      this.#waiting.get(message.n)?.({ ok: message.ok, value: message.value });
      this.#waiting.delete(message.n);
    }
  }
}
