import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import type { HostPort } from '../../../model/config.ts';
import type { Clock } from '../../../platform/clock.ts';

/** Where queries go. May be empty, never throws. */
export interface Nameservers {
  current(): Promise<readonly HostPort[]>;
}

const DNS_PORT = 53;
/** As the C library: the first three count (resolv.conf(5), MAXNS). */
const MAX_NAMESERVERS = 3;
/** How long a reading of the file serves. */
const REREAD_AFTER_MS = 1000;

export function fixedNameservers(servers: readonly HostPort[]): Nameservers {
  return { current: async () => servers };
}

/** The nameservers of a resolv.conf(5). Its search list and ndots are not ours: names are absolute (case D25). */
export function parseResolvConf(text: string): HostPort[] {
  const servers: HostPort[] = [];
  for (const line of text.split('\n')) {
    const [keyword, host] = line.trim().split(/\s+/);
    if (keyword !== 'nameserver' || host === undefined || isIP(host.split('%')[0]!) === 0) continue;
    if (!servers.some((server) => server.host === host)) servers.push({ host, port: DNS_PORT });
  }
  return servers.slice(0, MAX_NAMESERVERS);
}

/**
 * Reads the file again as time passes, so that a change takes effect without a restart (case D28). While it is missing
 * or names no server, the last that were read stay.
 */
export function resolvConfNameservers(path: string, clock: Clock): Nameservers {
  let servers: readonly HostPort[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> | null = null;
  const read = async (): Promise<void> => {
    try {
      const found = parseResolvConf(await readFile(path, 'utf8'));
      const same =
        found.length === servers.length && found.every((server, i) => server.host === servers[i]!.host);
      if (found.length > 0 && !same) servers = found;
    } catch {
      // Missing or unreadable: a look-up without any server reports it.
    }
    readAtMs = clock.nowMs();
    reading = null;
  };
  return {
    async current() {
      if (servers.length === 0 || clock.nowMs() - readAtMs >= REREAD_AFTER_MS) {
        reading ??= read();
        await reading;
      }
      return servers;
    },
  };
}
