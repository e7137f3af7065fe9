import { isDeepStrictEqual } from 'node:util';
import type { HostPort, SentinelLeaderSource } from '../../../model/config.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Member } from '../../discovery/contract.ts';
import { probeTarget } from '../../pod-names.ts';
import { ProbeLoop, type ProbeLoopDeps } from '../../probe/probe-loop.ts';
import { askMaster } from './ask-master.ts';
import type { FailoverWatch } from './failover.ts';
import type { SentinelMessage } from './messages.ts';
import { majorityOf, type Said, sameAddress } from './names.ts';
import { Subscription } from './subscription.ts';

/** Each Sentinel is asked for its master once in so long, for what it tells by itself may be missed. */
const ASK_PERIOD_MS = 1000;
const ASK_TIMEOUT_MS = 500;
/** Of a Sentinel that nothing is known of. */
const NOT_YET = 'not connected yet';

export interface SentinelsDeps extends ProbeLoopDeps {
  readonly logger: Logger;
  readonly failovers: FailoverWatch;
}

interface Watched {
  readonly member: Member;
  readonly subscription: Subscription;
  readonly loop: ProbeLoop;
  named: HostPort | null;
  /** Why it names nobody; null: it does, or was not asked yet. */
  problem: string | null;
  /** Why it is not listened to; null: it is. */
  deafness: string | null;
}

/** All Sentinels of a Service: whom each names, and which failovers they tell of. */
export class Sentinels {
  readonly #source: SentinelLeaderSource;
  readonly #backendName: () => string;
  readonly #onChange: () => void;
  readonly #deps: SentinelsDeps;
  readonly #watched = new Map<string, Watched>();

  /** @param onChange what they say has changed */
  constructor(
    source: SentinelLeaderSource,
    backendName: () => string,
    onChange: () => void,
    deps: SentinelsDeps,
  ) {
    this.#source = source;
    this.#backendName = backendName;
    this.#onChange = onChange;
    this.#deps = deps;
  }

  /** These there are, as DNS shows them. */
  take(members: readonly Member[]): void {
    const next = new Map(members.map((member) => [member.key, member]));
    for (const [key, { member }] of this.#watched) {
      if (isDeepStrictEqual(next.get(key)?.addresses, member.addresses)) continue;
      this.#end(key);
    }
    for (const [key, member] of next) if (!this.#watched.has(key)) this.#begin(key, member);
    this.#changed();
  }

  get said(): readonly Said[] {
    return [...this.#watched.values()].map(({ member, named, problem, deafness }) => ({
      sentinel: member.name,
      named,
      problem: problem ?? (deafness === null ? null : `not listened to: ${deafness}`),
    }));
  }

  close(): void {
    for (const key of [...this.#watched.keys()]) this.#end(key);
  }

  #begin(key: string, member: Member): void {
    const { master, auth } = this.#source;
    const target = probeTarget(member, null);
    const subscription = new Subscription(
      target,
      master,
      auth,
      {
        onMessage: (message) => this.#hear(key, message),
        onState: (problem) => this.#listens(watched, problem),
      },
      this.#deps,
    );
    const loop = new ProbeLoop(
      {
        periodMs: ASK_PERIOD_MS,
        begin: (done) =>
          askMaster(
            { target, port: member.port, timeoutMs: ASK_TIMEOUT_MS, tls: null },
            master,
            auth,
            (named, result) => {
              this.#says(watched, named, result.reason);
              done(result);
            },
          ),
        onResult: () => {},
      },
      this.#deps,
    );
    const watched: Watched = { member, subscription, loop, named: null, problem: null, deafness: NOT_YET };
    this.#watched.set(key, watched);
    loop.probeNow();
  }

  #end(key: string): void {
    const { subscription, loop } = this.#watched.get(key)!;
    this.#watched.delete(key);
    subscription.close();
    loop.close();
  }

  #hear(key: string, message: SentinelMessage): void {
    const watched = this.#watched.get(key)!;
    const fields = { backend: this.#backendName(), sentinel: watched.member.name };
    this.#deps.logger.info({ ...fields, ...message }, 'a Sentinel tells of a failover');
    switch (message.kind) {
      case 'begins':
        this.#deps.failovers.begins(key, message.from, majorityOf(this.said));
        break;
      case 'aborts':
        this.#deps.failovers.aborts(key);
        break;
      case 'switched':
        this.#says(watched, message.to, '');
        // An answer that is on its way may be older.
        watched.loop.probeNow();
        break;
    }
  }

  /** @param reason why it names nobody, if so */
  #says(watched: Watched, named: HostPort | null, reason: string): void {
    const problem = named === null ? reason : null;
    const same = named === null ? watched.named === null : sameAddress(named, watched.named);
    if (same && problem === watched.problem) return;
    watched.named = named;
    watched.problem = problem;
    this.#changed();
  }

  #listens(watched: Watched, problem: string | null): void {
    const before = watched.deafness;
    watched.deafness = problem;
    const fields = { backend: this.#backendName(), sentinel: watched.member.name };
    if (problem === null) this.#deps.logger.info(fields, 'a Sentinel is listened to');
    else if (before === null || before === NOT_YET)
      this.#deps.logger.warn({ ...fields, error: problem }, 'a Sentinel cannot be listened to');
    this.#changed();
  }

  #changed(): void {
    this.#deps.failovers.majority(majorityOf(this.said));
    this.#onChange();
  }
}
