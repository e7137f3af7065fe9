import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Lines } from '../lines.ts';
import { machineMs } from '../monotonic.ts';
import type { FromPod, ToPod } from '../pod/messages.ts';

/** How long a Pod has the lease after it asked (ms): short, or patient where a machine that stalls must not change who leads. */
const LEASE_MS = 600;
const PATIENT_LEASE_MS = 6000;

/** A write that was executed: once for each time. */
export interface Commit {
  readonly id: string;
  readonly key: string;
  readonly pod: string;
  readonly term: number;
  readonly atMs: number;
}

/** Who was given the lease, since when. */
export interface Reign {
  readonly pod: string | null;
  readonly term: number;
  readonly atMs: number;
}

type Line = Lines<FromPod, ToPod>;

/**
 * What a quorum is to a real cluster: it hands out one lease with a term that grows, and takes a write only from the Pod that
 * has it, under its term. So the register itself is right whatever the Pods and the sidecars do; what clients were told is
 * compared with it.
 */
export class Coordinator {
  readonly commits: Commit[] = [];
  readonly reigns: Reign[] = [];
  /** Who may have the lease; null: every Pod. */
  eligible: ReadonlySet<string> | null = null;
  readonly #server: Server;
  readonly #leaseMs: number;
  readonly #lines = new Map<string, Line>();
  readonly #values = new Map<string, string>();
  /** A Pod that comes again is another: it does not inherit the lease. */
  #holder: Line | null = null;
  #holderName: string | null = null;
  #term = 0;
  #untilMs = 0;

  private constructor(server: Server, leaseMs: number) {
    this.#server = server;
    this.#leaseMs = leaseMs;
  }

  static async start(patient: boolean): Promise<Coordinator> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const coordinator = new Coordinator(server, patient ? PATIENT_LEASE_MS : LEASE_MS);
    server.on('connection', (socket) => {
      let name = '';
      const lines: Line = new Lines(socket, (message) => {
        if (message.is === 'hello') {
          name = message.name;
          coordinator.#lines.set(name, lines);
        } else coordinator.#take(name, lines, message);
      });
      socket.on('close', () => {
        if (coordinator.#lines.get(name) === lines) coordinator.#lines.delete(name);
      });
    });
    return coordinator;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Who has the lease now. */
  get holder(): string | null {
    return machineMs() < this.#untilMs ? this.#holderName : null;
  }

  get term(): number {
    return this.#term;
  }

  /** Takes the lease away, as in a planned switch: its Pod is told, and the next one that may asks for it. */
  release(): void {
    this.#holder?.send({ is: 'lease', n: -1, term: null, forMs: 0 });
    this.#holder = this.#holderName = null;
    this.#untilMs = 0;
    this.reigns.push({ pod: null, term: this.#term, atMs: machineMs() });
  }

  send(pod: string, message: ToPod): void {
    this.#lines.get(pod)?.send(message);
  }

  isConnected(pod: string): boolean {
    return this.#lines.has(pod);
  }

  close(): void {
    for (const lines of this.#lines.values()) lines.close();
    this.#server.close();
  }

  #take(name: string, lines: Line, message: Exclude<FromPod, { is: 'hello' }>): void {
    if (message.is === 'renew') {
      const forMs = this.#renew(name, lines) ? this.#leaseMs : 0;
      lines.send({ is: 'lease', n: message.n, term: forMs === 0 ? null : this.#term, forMs });
      return;
    }
    const ok = lines === this.#holder && message.term === this.#term;
    let value: string | null = null;
    if (ok && message.is === 'commit') {
      value = message.id;
      this.#values.set(message.key, value);
      this.commits.push({ id: value, key: message.key, pod: name, term: this.#term, atMs: machineMs() });
    } else if (ok && message.is === 'read') value = this.#values.get(message.key) ?? null;
    lines.send({ is: 'done', n: message.n, ok, value });
  }

  #renew(name: string, lines: Line): boolean {
    const nowMs = machineMs();
    if (this.eligible !== null && !this.eligible.has(name)) return false;
    if (lines !== this.#holder) {
      if (nowMs < this.#untilMs) return false;
      this.#holder = lines;
      this.#holderName = name;
      this.#term++;
      this.reigns.push({ pod: name, term: this.#term, atMs: nowMs });
    }
    this.#untilMs = nowMs + this.#leaseMs;
    return true;
  }
}
