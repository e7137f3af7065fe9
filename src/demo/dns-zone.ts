import { isIPv4 } from 'node:net';
import { type DnsRecord, type RecordData, reverseName } from './dns-wire.ts';

/** A Pod as the endpoints of a headless Service list it. */
export interface ServicePod {
  /** The Pod's hostname; `''` for none, which gives the dashed-address name that CoreDNS makes up. */
  readonly name: string;
  readonly addresses: readonly string[];
  /** Its own port, where it differs from the Service's. */
  readonly port?: number;
}

interface Service {
  readonly portName: string | null;
  readonly port: number;
  readonly pods: readonly ServicePod[];
  readonly ttlSeconds: number;
}

export interface ZoneAnswer {
  readonly rcode: 'NOERROR' | 'NXDOMAIN';
  readonly answers: readonly DnsRecord[];
  readonly additionals: readonly DnsRecord[];
}

/**
 * Records as the Kubernetes DNS specification 1.1.0 lays them down for headless Services (section 2.4): addresses of
 * the Service and of each hostname, SRV for a named port, PTR for each address. A Service without Pods is NXDOMAIN.
 */
export class DnsZone {
  readonly #services = new Map<string, Map<string, Service>>();
  readonly #raw = new Map<string, Map<string, DnsRecord[]>>();
  #records = new Map<string, Map<string, DnsRecord[]>>();

  /** Replaces what is known of a Service's port. No Pods: its names cease to exist. */
  setService(
    service: string,
    portName: string | null,
    port: number,
    pods: readonly ServicePod[],
    ttl: number,
  ) {
    const name = canonical(service);
    const ports = this.#services.get(name) ?? new Map<string, Service>();
    ports.set(portName ?? '', { portName, port, pods, ttlSeconds: ttl });
    this.#services.set(name, ports);
    this.#rebuild();
  }

  /** Replaces the records of one name and type; an empty list leaves the name existing without them, null removes it. */
  setRecords(name: string, type: string, records: readonly RecordData[] | null, ttlSeconds: number): void {
    const owner = canonical(name);
    const types = this.#raw.get(owner) ?? new Map<string, DnsRecord[]>();
    if (records === null) types.delete(type);
    else {
      types.set(
        type,
        records.map((data) => ({ name: owner, type, ttlSeconds, data })),
      );
    }
    if (types.size === 0) this.#raw.delete(owner);
    else this.#raw.set(owner, types);
    this.#rebuild();
  }

  /** Follows CNAMEs within the zone (at most 16) and adds the addresses of SRV targets. */
  answer(name: string, type: string): ZoneAnswer {
    const answers: DnsRecord[] = [];
    let owner = canonical(name);
    for (let hop = 0; hop <= 16; hop++) {
      const types = this.#records.get(owner);
      if (types === undefined) {
        if (answers.length > 0) break;
        return { rcode: this.#isEmptyNonTerminal(owner) ? 'NOERROR' : 'NXDOMAIN', answers, additionals: [] };
      }
      const found = types.get(type);
      if (found !== undefined) {
        answers.push(...found);
        break;
      }
      const alias = types.get('CNAME')?.[0];
      if (alias === undefined) break;
      answers.push(alias);
      owner = canonical(alias.data as string);
    }
    return { rcode: 'NOERROR', answers, additionals: this.#glue(answers) };
  }

  #glue(answers: readonly DnsRecord[]): DnsRecord[] {
    const glue: DnsRecord[] = [];
    const seen = new Set<string>();
    for (const { type, data } of answers) {
      if (type !== 'SRV' || typeof data === 'string') continue;
      const target = canonical(data.target);
      if (seen.has(target)) continue;
      seen.add(target);
      const types = this.#records.get(target);
      glue.push(...(types?.get('A') ?? []), ...(types?.get('AAAA') ?? []));
    }
    return glue;
  }

  #isEmptyNonTerminal(owner: string): boolean {
    for (const name of this.#records.keys()) if (name.endsWith(`.${owner}`)) return true;
    return false;
  }

  #rebuild(): void {
    this.#records = new Map();
    for (const [service, ports] of this.#services) {
      const addressed = new Set<string>();
      for (const entry of ports.values()) this.#addService(service, entry, addressed);
    }
    for (const [owner, types] of this.#raw) {
      const merged = this.#records.get(owner) ?? new Map<string, DnsRecord[]>();
      for (const [type, records] of types) merged.set(type, records);
      this.#records.set(owner, merged);
    }
  }

  #addService(service: string, entry: Service, addressed: Set<string>): void {
    const ttlSeconds = entry.ttlSeconds;
    const once = (name: string, address: string): void => {
      const key = `${name} ${address}`;
      if (addressed.has(key)) return;
      addressed.add(key);
      this.#add({ name, type: isIPv4(address) ? 'A' : 'AAAA', ttlSeconds, data: address });
    };
    for (const pod of entry.pods) {
      const target = (address: string): string =>
        `${pod.name === '' ? address.replaceAll(/[.:]/g, '-') : pod.name}.${service}`;
      const targets = new Set<string>();
      for (const address of pod.addresses) {
        once(service, address);
        once(target(address), address);
        const reverse = reverseName(address);
        if (!addressed.has(`${reverse} ${target(address)}`)) {
          addressed.add(`${reverse} ${target(address)}`);
          this.#add({ name: reverse, type: 'PTR', ttlSeconds, data: target(address) });
        }
        targets.add(target(address));
      }
      if (entry.portName === null) continue;
      const owner = `_${entry.portName}._tcp.${service}`;
      const port = pod.port ?? entry.port;
      for (const name of targets) {
        this.#add({ name: owner, type: 'SRV', ttlSeconds, data: { port, target: name } });
      }
    }
  }

  #add(record: DnsRecord): void {
    const owner = canonical(record.name);
    const types = this.#records.get(owner) ?? new Map<string, DnsRecord[]>();
    const list = types.get(record.type) ?? [];
    list.push(record);
    types.set(record.type, list);
    this.#records.set(owner, types);
  }
}

function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}
