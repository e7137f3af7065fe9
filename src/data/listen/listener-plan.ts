import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatAddress } from '../../model/address.ts';
import type { HostPort, ListenerConfig } from '../../model/config.ts';
import { BindError } from '../../platform/bind.ts';
import type { ListenerDeps } from './listen-deps.ts';
import { Listener } from './listener.ts';

/** A listener's address cannot be bound. */
export class UnboundListener extends Error {
  /** The name of the listener in the new configuration. */
  readonly listener: string;
  /** It cannot beside the one that this process has at the same port, and that is to go. */
  readonly needsRestart: boolean;

  constructor(listener: string, message: string, needsRestart: boolean) {
    super(message);
    this.listener = listener;
    this.needsRestart = needsRestart;
  }
}

/** What becomes of the listeners in a reload; nothing of it has happened yet but that `fresh` are bound. */
export interface ListenerPlan {
  /** Those that go on or are new, by their name from now on. */
  readonly listeners: ReadonlyMap<string, Listener>;
  readonly fresh: readonly Listener[];
  /** Of another protocol than the listener whose socket they take over. */
  readonly heirs: readonly { readonly config: ListenerConfig; readonly holder: Listener }[];
}

/**
 * Binds the addresses that are new, all or none (case C6). A listener whose address and protocol stay goes on, whatever its name and
 * however the address is written; one of another protocol takes the socket over.
 * @throws UnboundListener, which needs a restart where the address overlaps the one that it is to take the place of (case B11)
 */
export async function planListeners(
  running: readonly Listener[],
  configs: readonly ListenerConfig[],
  deps: ListenerDeps,
): Promise<ListenerPlan> {
  const holders = new Map<ListenerConfig, Listener>();
  for (const config of configs) {
    const free = running.filter((listener) => ![...holders.values()].includes(listener));
    const holder = await holderOf(config, free);
    if (holder !== undefined) holders.set(config, holder);
  }
  const staying = new Set(holders.values());
  const listeners = new Map<string, Listener>();
  const fresh: Listener[] = [];
  const heirs: { config: ListenerConfig; holder: Listener }[] = [];
  try {
    for (const config of configs) {
      const holder = holders.get(config);
      if (holder === undefined) {
        const listener = await bind(config, deps, running, staying);
        fresh.push(listener);
        listeners.set(config.name, listener);
      } else if (holder.config.protocol === config.protocol) listeners.set(config.name, holder);
      else heirs.push({ config, holder });
    }
  } catch (error) {
    for (const listener of fresh) listener.destroy();
    throw error;
  }
  return { listeners, fresh, heirs };
}

async function bind(
  config: ListenerConfig,
  deps: ListenerDeps,
  running: readonly Listener[],
  staying: ReadonlySet<Listener>,
): Promise<Listener> {
  try {
    return await Listener.bind(config, deps);
  } catch (error) {
    if (!(error instanceof BindError)) throw error;
    const { own } = error;
    const leaving = running.some((listener) => listener.port === own?.port && !staying.has(listener));
    if (own === null || !leaving) throw new UnboundListener(config.name, error.message, false);
    throw new UnboundListener(
      config.name,
      `needs a restart: headroute itself listens on ${formatAddress(own)}, and ${formatAddress(config.address)} cannot be bound beside it`,
      true,
    );
  }
}

/** The listener that has this address now. Port 0 asks for one of its own, under one name. */
async function holderOf(
  { name, address }: ListenerConfig,
  running: readonly Listener[],
): Promise<Listener | undefined> {
  const written = running.filter(({ config }) => isSameAddress(config.address, address));
  if (address.port === 0) return written.find(({ config }) => config.name === name);
  if (written.length > 0) return written[0];
  const atPort = running.filter(({ port }) => port === address.port);
  if (atPort.length === 0) return undefined;
  const host = await literal(address.host);
  return atPort.find((listener) => listener.host === host);
}

/** The address that binding this host takes; null where it has none. */
async function literal(host: string): Promise<string | null> {
  if (host === '') return '::';
  if (isIP(host) !== 0) return host;
  try {
    return (await lookup(host)).address;
  } catch {
    return null;
  }
}

function isSameAddress(a: HostPort, b: HostPort): boolean {
  return a.host === b.host && a.port === b.port;
}
