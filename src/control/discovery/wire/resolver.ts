import type { HostPort } from '../../../model/config.ts';
import type { Clock } from '../../../platform/clock.ts';
import { type Answer, failure, type LookupResult, MAX_ALIASES } from './answer.ts';
import type { LookupType } from './dns-query.ts';
import { lookup } from './lookup.ts';
import type { Nameservers } from './nameservers.ts';

/** Answers questions about absolute names. */
export interface Resolver {
  /** Never rejects; ends within `timeoutMs` per alias that has to be asked for. */
  lookup(name: string, type: LookupType): Promise<Answer>;
  /** Ends every look-up under way and closes its sockets. */
  close(): void;
}

export interface ResolverOptions {
  readonly nameservers: Nameservers;
  /** Bounds a look-up over all tries and servers. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  onAsked(type: LookupType, result: LookupResult): void;
  onLookup(durationMs: number): void;
}

/** A stub resolver on UDP and TCP. Keeps no answers: how often to ask is the caller's business. */
export function createResolver(options: ResolverOptions): Resolver {
  const active = new Set<() => void>();
  let closed = false;
  // The server that answered last is asked first, so that a dead one costs its share of time once.
  let preferred: HostPort | null = null;

  const ask = async (name: string, type: LookupType): Promise<Answer> => {
    const known = await options.nameservers.current();
    if (closed) return failure('error', 'closed');
    if (known.length === 0) {
      options.onAsked(type, 'error');
      return failure('error', 'no nameserver is known: resolv.conf is missing or names none');
    }
    const first = preferred !== null && known.includes(preferred) ? preferred : known[0]!;
    const servers = [first, ...known.filter((server) => server !== first)];
    return new Promise((resolve) => {
      const context = {
        clock: options.clock,
        timeoutMs: options.timeoutMs,
        onAsked: options.onAsked,
        onAnswered(server: HostPort) {
          preferred = server;
        },
      };
      let stop: (() => void) | null = null;
      let ended = false;
      stop = lookup(servers, name, type, context, (answer) => {
        ended = true;
        if (stop !== null) active.delete(stop);
        resolve(answer);
      });
      if (!ended) active.add(stop);
    });
  };

  return {
    async lookup(name, type) {
      const startedAtMs = options.clock.nowMs();
      let answer = await ask(name, type);
      let ttlMs = Number.POSITIVE_INFINITY;
      for (let hops = 0; answer.result === 'alias'; ) {
        hops += answer.hops;
        ttlMs = Math.min(ttlMs, answer.ttlMs);
        if (hops > MAX_ALIASES) {
          options.onAsked(type, 'malformed');
          answer = failure('malformed', `${type} ${name}: more than ${MAX_ALIASES} aliases, or a loop`);
        } else answer = await ask(answer.target, type);
      }
      options.onLookup(options.clock.nowMs() - startedAtMs);
      if (answer.result === 'success' && ttlMs < answer.ttlMs) answer = { ...answer, ttlMs };
      return answer;
    },
    close() {
      closed = true;
      for (const stop of [...active]) stop();
    },
  };
}
