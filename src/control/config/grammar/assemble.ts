import type { Config, ListenerConfig, RuleConfig } from '../../../model/config.ts';
import type { Parts, RulePart } from './read-document.ts';

/**
 * The configuration of a file without problems. The parts are complete then: each field that is missing from one was
 * reported. What schemas leave optional gets its default here.
 */
export function assemble({ fields, backends, listeners }: Parts): Config {
  const { admin, debug, log, metrics, self, shutdown } = complete(fields);
  return {
    backends: backends.map((part) => {
      const backend = complete(part.fields);
      return {
        ...backend,
        service: backend.service ?? '',
        port: backend.port ?? 0,
        leader: backend.leader ?? null,
        tls: backend.tls ?? null,
        ejection: backend.ejection ?? null,
      };
    }),
    listeners: listeners.map(
      (part): ListenerConfig => ({ ...complete(part.fields), rules: part.rules.map(assembleRule) }),
    ),
    selfPodName: self.podName,
    admin: admin.address,
    debug: debug.address,
    log,
    metrics,
    shutdownTimeoutMs: shutdown.timeout,
  };
}

/** The rule of a part without problems. */
export function assembleRule(part: RulePart): RuleConfig {
  const rule = complete(part.fields);
  return {
    name: part.name,
    hostnames: [...new Set(rule.hostnames ?? [])],
    matches: rule.matches ?? [],
    backendRefs: rule.backendRefs,
    selection: rule.selection,
    timeouts: rule.timeouts,
    retry: rule.retry,
  };
}

/** Keys that a schema itself leaves optional stay so: `Partial` is undone only where zod promises a value. */
function complete<T>(fields: Partial<T>): T {
  return fields as T;
}
