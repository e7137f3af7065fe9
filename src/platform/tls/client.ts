import { createSecureContext, type SecureContext } from 'node:tls';
import { type FileProblem, type Material, readTlsFiles } from './material.ts';
import type { TlsOptions } from './options.ts';
import type { PeerFacts } from './peer-certificate.ts';

/** Pods whose sessions and certificates are remembered; the oldest is forgotten first. */
const MAX_PEERS = 4096;

/** Files that were read and go together. Another object after each change of them. */
export interface InForce {
  readonly context: SecureContext;
  readonly material: Material;
}

interface Peer {
  facts: PeerFacts | null;
  session: Buffer | null;
  sendsTickets: boolean;
}

/** One way of speaking TLS to Pods: the files of `TlsOptions` as they were last found usable, and a session for each Pod. */
export class TlsClient {
  readonly options: TlsOptions;
  #inForce: InForce | null = null;
  #problem: string | null = null;
  readonly #peers = new Map<string, Peer>();
  /** By address and port. */
  readonly #shown = new Map<string, PeerFacts>();

  /** Reads the files; where they cannot be used `inForce` is null until a `reload` finds them well. @param nowMs wall clock */
  constructor(options: TlsOptions, nowMs: number) {
    this.options = options;
    this.reload(nowMs);
  }

  get inForce(): InForce | null {
    return this.#inForce;
  }

  /** Why the files cannot be used as they are now, in words; null: they are in force. */
  get problem(): string | null {
    return this.#problem;
  }

  /**
   * Reads the files again. What cannot be used changes nothing: what is in force stays so.
   * @returns whether others are in force now
   */
  reload(nowMs: number): boolean {
    const read = readTlsFiles(this.options, nowMs);
    if ('problems' in read) {
      this.#problem = read.problems.map((problem) => this.#words(problem)).join('; ');
      return false;
    }
    const { material } = read;
    if (material.hash === this.#inForce?.material.hash) {
      this.#problem = null;
      return false;
    }
    try {
      this.#inForce = { context: contextOf(material, this.options), material };
    } catch (error) {
      this.#problem = `the files of tls cannot be used: ${(error as Error).message}`;
      return false;
    }
    this.#problem = null;
    for (const peer of this.#peers.values()) peer.session = null;
    return true;
  }

  #words({ file, message }: FileProblem): string {
    return `${this.options[file]} ${message}`;
  }

  /** A session to go on from; null: there is none that may be. @param key name, address and port. @param nowMs wall clock */
  session(key: string, nowMs: number): Buffer | null {
    const peer = this.#peers.get(key);
    // A session is verified when it begins, and not for longer than the certificate says.
    return peer?.facts == null || peer.facts.notAfterMs <= nowMs ? null : peer.session;
  }

  /** @param inForce what it began under */
  keepSession(key: string, inForce: InForce, session: Buffer): void {
    if (inForce === this.#inForce) this.#peer(key).session = session;
  }

  forgetSession(key: string): void {
    const peer = this.#peers.get(key);
    if (peer !== undefined) peer.session = null;
  }

  /** A Pod has shown its certificate, and was believed. @param peer its address and port */
  met(key: string, peer: string, facts: PeerFacts): void {
    this.#peer(key).facts = facts;
    this.#shown.delete(peer);
    this.#shown.set(peer, facts);
    if (this.#shown.size > MAX_PEERS) this.#shown.delete(this.#shown.keys().next().value!);
  }

  /** What was shown there last; null: nothing yet. */
  shownAt(address: string, port: number): PeerFacts | null {
    return this.#shown.get(`${address} ${port}`) ?? null;
  }

  /** Whether it does, as far as is known. */
  sendsTickets(key: string): boolean {
    return this.#peers.get(key)?.sendsTickets ?? true;
  }

  sendsNone(key: string): void {
    this.#peer(key).sendsTickets = false;
  }

  #peer(key: string): Peer {
    let peer = this.#peers.get(key);
    if (peer === undefined) {
      peer = { facts: null, session: null, sendsTickets: true };
      this.#peers.set(key, peer);
      if (this.#peers.size > MAX_PEERS) this.#peers.delete(this.#peers.keys().next().value!);
    }
    return peer;
  }
}

function contextOf({ ca, cert, key }: Material, { minVersion }: TlsOptions): SecureContext {
  return createSecureContext({
    minVersion: `TLSv${minVersion}`,
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
  });
}
