import type { Mix } from '../clients/http-client.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Random } from '../random.ts';

/** What a nemesis works with. */
export interface Scene {
  readonly cluster: Cluster;
  readonly random: Random;
  /** Writes a step down, for the timeline. */
  note(what: string): void;
  /** Waits, but not beyond the end of the round. */
  pause(ms: number): Promise<void>;
  /** Waits until a Pod has the lease. */
  untilLed(): Promise<void>;
  /** It is a violation if within this time no write is acknowledged through one of the sidecars. @param when in words */
  mustWrite(withinMs: number, when: string): Promise<void>;
}

/** How the round looks in which a nemesis shows most; the default for what is left out. */
export interface Shape {
  readonly pods?: number;
  readonly sidecars?: number;
  readonly clients?: number;
  readonly mix?: Mix;
  /** Clients whose connections stay, TCP and upgraded ones; by default four. */
  readonly tunnels?: number;
  /** The largest body (bytes). */
  readonly largest?: number;
  /** Claims show their lineage and no term. */
  readonly lineage?: boolean;
  readonly onConflict?: 'Refuse' | 'HighestTerm';
}

/** Something that goes wrong around the sidecars, again and again. */
export interface Nemesis {
  readonly name: string;
  /** True: no request may fail because of it. */
  readonly harmless?: true;
  readonly shape?: Shape;
  /** One blow, from its beginning to the end of what it broke. */
  strike(scene: Scene): Promise<void>;
}
