import type { HostPort } from '../../../model/config.ts';

/** What one Sentinel says of the master. */
export interface Said {
  readonly sentinel: string;
  /** null: nothing. */
  readonly named: HostPort | null;
  /** Why it names nobody, or is not listened to, in words. */
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
 * `2 of 3 Sentinels name redis-0 (sentinel-2: connection refused)`: whom a majority names, and what the others say.
 * @param nameOf what people call the server at an address
 */
export function inWords(said: readonly Said[], nameOf: (address: HostPort) => string): string {
  if (said.length === 0) return 'no Sentinel is known';
  const all = `${said.length} Sentinel${said.length === 1 ? '' : 's'}`;
  const majority = majorityOf(said);
  const notes = said.flatMap(({ sentinel, named, problem }) => {
    if (problem !== null) return [`${sentinel}: ${problem}`];
    return named === null || sameAddress(named, majority) ? [] : [`${sentinel} names ${nameOf(named)}`];
  });
  const beside = notes.length === 0 ? '' : ` (${notes.join('; ')})`;
  if (majority === null) return `no majority of ${all} names a master${beside}`;
  const count = said.filter(({ named }) => sameAddress(named, majority)).length;
  return `${count} of ${all} name ${nameOf(majority)}${beside}`;
}

export function sameAddress(a: HostPort | null, b: HostPort | null): boolean {
  return a !== null && b !== null && a.host === b.host && a.port === b.port;
}

/** `127.0.0.1:6379`, `[::1]:6379`. */
export function textOf({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
