import type { HostPort } from '../../../model/config.ts';

/** What one Sentinel says of the master. */
export interface Said {
  readonly sentinel: string;
  /** null: nothing. */
  readonly named: HostPort | null;
  /** Why nothing, in words. */
  readonly problem: string | null;
}

/** Whom more than half of all Sentinels name, those that say nothing counted; null: nobody. */
export function majorityOf(said: readonly Said[]): HostPort | null {
  const counts = new Map<string, number>();
  for (const { named } of said) {
    if (named === null) continue;
    const key = textOf(named);
    const count = (counts.get(key) ?? 0) + 1;
    if (count > said.length / 2) return named;
    counts.set(key, count);
  }
  return null;
}

/**
 * `2 of 3 Sentinels name redis-0`, or what each of them says where no majority does.
 * @param nameOf what people call the server at an address
 */
export function inWords(said: readonly Said[], nameOf: (address: HostPort) => string): string {
  if (said.length === 0) return 'no Sentinel is known';
  const all = `${said.length} Sentinel${said.length === 1 ? '' : 's'}`;
  const majority = majorityOf(said);
  if (majority !== null) {
    const count = said.filter(({ named }) => sameAddress(named, majority)).length;
    return `${count} of ${all} name ${nameOf(majority)}`;
  }
  const each = said.map(({ sentinel, named, problem }) =>
    named === null ? `${sentinel}: ${problem ?? 'not asked yet'}` : `${sentinel} names ${nameOf(named)}`,
  );
  return `no majority of ${all} names a master (${each.join('; ')})`;
}

export function sameAddress(a: HostPort | null, b: HostPort | null): boolean {
  return a !== null && b !== null && a.host === b.host && a.port === b.port;
}

/** `127.0.0.1:6379`, `[::1]:6379`. */
export function textOf({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
