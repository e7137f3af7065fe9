import { isDeepStrictEqual } from 'node:util';
import type { BackendConfig } from '../model/config.ts';

/** How a backend of a new configuration follows one that runs. */
export interface Succession {
  readonly config: BackendConfig;
  /** The name of the backend that it follows now, or null: it is new. */
  readonly from: string | null;
  /** Whether it has the very Pods of that one, so that only its askers change. Else they are looked up and probed first. */
  readonly samePods: boolean;
}

/**
 * Which of the running backends each new one goes on from (SPEC 2, Reload): the one with the same Service, port,
 * `statefulSet` and `static`, whatever its name; else the one of its name; else one of the same Service. Each is followed once. Pure.
 */
export function successions(
  running: readonly BackendConfig[],
  next: readonly BackendConfig[],
): readonly Succession[] {
  const free = new Map(running.map((backend) => [backend.name, backend]));
  const from = new Map<string, BackendConfig>();
  const pass = (fits: (before: BackendConfig, after: BackendConfig) => boolean): void => {
    for (const after of next) {
      if (from.has(after.name)) continue;
      for (const before of free.values()) {
        if (!fits(before, after)) continue;
        from.set(after.name, before);
        free.delete(before.name);
        break;
      }
    }
  };
  pass((before, after) => before.name === after.name && hasSamePods(before, after));
  pass(hasSamePods);
  pass((before, after) => before.name === after.name);
  pass(isSameService);
  return next.map((config) => {
    const before = from.get(config.name);
    return {
      config,
      from: before?.name ?? null,
      samePods: before !== undefined && hasSamePods(before, config),
    };
  });
}

/** Whether both have the Pods of one Service; those of a fixed list are of none. */
export function isSameService(before: BackendConfig, after: BackendConfig): boolean {
  return before.service !== '' && before.service === after.service;
}

/** Another Service, port, `statefulSet` or list is another set of Pods, though some of them may be the same. */
function hasSamePods(before: BackendConfig, after: BackendConfig): boolean {
  return (
    before.service === after.service &&
    before.port === after.port &&
    isDeepStrictEqual(before.discovery.statefulSet, after.discovery.statefulSet) &&
    isDeepStrictEqual(before.discovery.static, after.discovery.static)
  );
}
