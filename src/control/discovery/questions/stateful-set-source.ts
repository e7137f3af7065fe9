import type { Round } from '../membership/membership.ts';
import { isFailure } from '../wire/answer.ts';
import type { Source, SourceContext } from './source.ts';
import { srvName, targetsIn } from './srv-source.ts';
import { resolveTargets } from './targets.ts';

export interface StatefulSetNames {
  readonly name: string;
  readonly replicas: number;
  readonly start: number;
}

/**
 * The Pods of a StatefulSet by their names, `<name>-<n>.<service>`: NXDOMAIN of one is that Pod missing from one
 * answer. A named port is looked up by SRV, and its number remembered while that fails.
 */
export function statefulSetSource(
  context: SourceContext,
  set: StatefulSetNames,
  port: string | number,
): Source {
  const { service } = context;
  const names = Array.from(
    { length: set.replicas },
    (_, i) => `${set.name.toLowerCase()}-${set.start + i}.${service}`,
  );
  const scope = { services: [service], statefulSet: set.name };
  const ports = portNumbers(context, port);
  return {
    question: `A, AAAA ${names[0] ?? service}.${names.length > 1 ? ` … ${names[names.length - 1]}.` : ''}`,
    async round(seen): Promise<Round> {
      const problem = await ports.refresh();
      const targets = names.flatMap((name) => {
        const number = ports.of(name);
        return number === null ? [] : [{ name, port: number }];
      });
      if (targets.length === 0 && names.length > 0)
        return problem === null
          ? { kind: 'failed', how: 'error', detail: `no port number is known for ${service}` }
          : { kind: 'failed', ...problem };
      const round = await resolveTargets(context, targets, new Map(), scope, seen);
      context.book.keepOnly(new Set(names));
      return round.kind === 'members'
        ? { ...round, problem: round.problem ?? problem?.detail ?? null }
        : round;
    },
  };
}

interface PortNumbers {
  /** Returns what went wrong, in a word and in words, or null. */
  refresh(): Promise<{ readonly how: string; readonly detail: string } | null>;
  of(name: string): number | null;
}

function portNumbers(context: SourceContext, port: string | number): PortNumbers {
  if (typeof port === 'number') return { refresh: async () => null, of: () => port };
  const known = new Map<string, number>();
  const question = srvName(context.service, port);
  return {
    async refresh() {
      const answer = await context.resolver.lookup(question, 'SRV');
      const values = isFailure(answer)
        ? (answer.partial?.answers ?? []).map((record) => record.value)
        : answer.result === 'success'
          ? answer.values
          : [];
      for (const target of targetsIn(values)) known.set(target.name, target.port);
      if (isFailure(answer)) return { how: answer.result, detail: answer.detail };
      return answer.result === 'success' ? null : { how: answer.result, detail: `${question} has no record` };
    },
    // A Pod that SRV does not show (yet) has the port of the others.
    of: (name) => known.get(name) ?? known.values().next().value ?? null,
  };
}
