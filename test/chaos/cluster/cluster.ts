import { createServer } from 'node:net';
import { type DnsServer, startDnsServer } from '../../../src/demo/dns-server.ts';
import { pause } from '../../helpers/waiting.ts';
import { machineMs } from '../monotonic.ts';
import { NO_FAULTS } from '../pod/faults.ts';
import { type ConfigChoices, configOf, SERVICE } from './config.ts';
import { Coordinator } from './coordinator.ts';
import { PodHandle } from './pod-handle.ts';
import { Sidecar } from './sidecar.ts';

/** The programs of a run: what is tested, and the harness's own parts as they were built. */
export interface Programs {
  readonly headroute: string;
  readonly pod: string;
  readonly hooks: string;
}

export interface ClusterOptions {
  readonly pods: number;
  readonly sidecars: number;
  readonly onConflict: ConfigChoices['onConflict'];
  readonly patient: boolean;
  readonly lineage: boolean;
  readonly folder: string;
  readonly programs: Programs;
}

let networks = 0;

/** Pods, the lease, DNS and sidecars of one round, on loopback addresses of their own. */
export class Cluster {
  readonly options: ClusterOptions;
  readonly dns: DnsServer;
  readonly coordinator: Coordinator;
  readonly pods: PodHandle[];
  readonly sidecars: Sidecar[] = [];
  readonly probePort: number;
  readonly dataPort: number;
  /** 127.a.b, of this round alone. */
  readonly network: string;
  wallClockWasSet = false;
  #edition = 0;

  private constructor(
    options: ClusterOptions,
    dns: DnsServer,
    coordinator: Coordinator,
    network: string,
    ports: number[],
  ) {
    this.options = options;
    this.dns = dns;
    this.coordinator = coordinator;
    this.network = network;
    [this.dataPort, this.probePort] = ports as [number, number];
    this.pods = Array.from({ length: options.pods }, (_, n) => this.#pod(`db-${n}`, n + 1));
  }

  static async start(options: ClusterOptions): Promise<Cluster> {
    const network = `127.${1 + (process.pid % 250)}.${1 + (networks++ % 250)}`;
    const cluster = new Cluster(
      options,
      await startDnsServer(),
      await Coordinator.start(options.patient),
      network,
      await freePorts(2, `${network}.1`),
    );
    for (const pod of cluster.pods) pod.start();
    cluster.publish();
    for (let n = 0; n < options.sidecars; n++) {
      const host = `${network}.${201 + n}`;
      const [http, tcp, debug, admin] = (await freePorts(4, host)) as [number, number, number, number];
      const { folder, programs } = options;
      cluster.sidecars.push(
        new Sidecar(n, host, { http, tcp, debug, admin }, folder, programs.headroute, programs.hooks),
      );
    }
    cluster.reload();
    try {
      await Promise.all(cluster.sidecars.map((sidecar) => sidecar.start()));
    } catch (error) {
      await cluster.close();
      throw error;
    }
    return cluster;
  }

  #pod(name: string, n: number): PodHandle {
    const { folder, programs } = this.options;
    return new PodHandle(name, this.place(n), folder, programs.pod, this.coordinator);
  }

  /** The nth address for a Pod. */
  place(n: number): PodHandle['place'] {
    return { host: `${this.network}.${n}`, dataPort: this.dataPort, probePort: this.probePort };
  }

  pod(name: string): PodHandle {
    const found = this.pods.find((pod) => pod.name === name);
    if (found === undefined) throw new Error(`the harness: no Pod ${JSON.stringify(name)}`);
    return found;
  }

  /** The Pod that has the lease, or null. */
  get leader(): PodHandle | null {
    const { holder } = this.coordinator;
    return holder === null ? null : this.pod(holder);
  }

  /** Lists these Pods in DNS, where they are now. */
  publish(pods: readonly PodHandle[] = this.pods): void {
    this.dns.setService(
      SERVICE,
      'data',
      this.dataPort,
      pods.map(({ name, place }) => ({ name, addresses: [place.host] })),
      1,
    );
  }

  /** Another edition of each sidecar's configuration. */
  reload(): void {
    const edition = this.#edition++;
    for (const sidecar of this.sidecars)
      sidecar.write(
        configOf(sidecar.host, sidecar.ports, this.dns.address, this.probePort, {
          onConflict: this.options.onConflict,
          patient: this.options.patient,
          lineage: this.options.lineage,
          edition,
        }),
      );
  }

  /** The wall clock of every sidecar is so far off from now on. */
  setWallClocks(wallOffsetMs: number): void {
    this.wallClockWasSet = true;
    for (const sidecar of this.sidecars) sidecar.hook({ wallOffsetMs });
  }

  /** Ends all that nemeses have begun, and waits until one Pod has the lease. */
  async heal(): Promise<void> {
    this.dns.onQuery = null;
    this.coordinator.eligible = null;
    for (const pod of this.pods) {
      pod.signal('SIGCONT');
      pod.faults = NO_FAULTS;
      if (pod.isUp) pod.set(NO_FAULTS);
      else pod.start();
    }
    this.publish();
    for (const sidecar of this.sidecars) {
      sidecar.signal('SIGCONT');
      sidecar.hook({ wallOffsetMs: 0 });
      if (!sidecar.isMeantToRun) await sidecar.start();
    }
    const endMs = machineMs() + 15_000;
    while (this.coordinator.holder === null) {
      if (machineMs() > endMs) throw new Error('the harness: no Pod asks for the lease');
      await pause(20);
    }
  }

  async close(): Promise<void> {
    for (const sidecar of this.sidecars) sidecar.signal('SIGCONT');
    await Promise.all(this.sidecars.map((sidecar) => sidecar.stop()));
    await Promise.all(this.pods.map((pod) => pod.kill()));
    this.coordinator.close();
    await this.dns.close();
  }
}

/** Ports of an address that were free a moment ago. */
async function freePorts(count: number, host: string): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => new Promise<void>((done) => server.listen(0, host, done))));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
