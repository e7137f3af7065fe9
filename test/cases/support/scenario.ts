import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { type App, startApp } from '../../../src/app.ts';
import type { BackendReport, PodReport } from '../../../src/control/report.ts';
import { type DnsServer, startDnsServer } from '../../../src/demo/dns-server.ts';
import { LineWriter } from '../../../src/observe/line-writer.ts';
import { poll } from '../../helpers/waiting.ts';
import { CasePod, type Ports } from './case-pod.ts';
import { type Ask, ask, keepAliveAgent, type Seen } from './client.ts';
import { configOf, SERVICE, type Setup } from './sidecar-config.ts';

/** Client – headroute – DNS and Pods, all in this process, over real sockets. */
export class Scenario {
  readonly dns: DnsServer;
  /** Every Pod that there was; of one name the last is the present one. */
  readonly pods: CasePod[];
  readonly ports: Ports;
  readonly app: App;

  constructor(dns: DnsServer, pods: CasePod[], ports: Ports, app: App) {
    this.dns = dns;
    this.pods = pods;
    this.ports = ports;
    this.app = app;
  }

  get db0(): CasePod {
    return this.pods[0]!;
  }

  get db1(): CasePod {
    return this.pods[1]!;
  }

  get db2(): CasePod {
    return this.pods[2]!;
  }

  /** Starts another Pod of that name on a new address; `publish` lists the newest of a name. */
  async replace(name: string): Promise<CasePod> {
    const net = this.pods[0]!.ip.replace(/\d+$/, '');
    const pod = new CasePod(name, `${net}${this.pods.length + 1}`);
    await pod.start(this.ports);
    this.pods.push(pod);
    return pod;
  }

  get port(): number {
    return this.app.listeners()[0]!.port;
  }

  ask(path: string, options?: Ask): Promise<Seen> {
    return ask(this.port, path, options);
  }

  write(path: string, body = path, options: Ask = {}): Promise<Seen> {
    return this.ask(path, { method: 'POST', body, ...options });
  }

  /** Sends requests one after another. @returns how often each body came, or failure or status instead of a 200 */
  async tally(count: number, method = 'GET'): Promise<Record<string, number>> {
    const agent = keepAliveAgent(1);
    const tally: Record<string, number> = {};
    for (let n = 0; n < count; n++) {
      const { status, body, failure } = await this.ask(`/m/${n}`, { agent, method });
      const what = status === 200 ? body : failure || String(status);
      tally[what] = (tally[what] ?? 0) + 1;
    }
    agent.destroy();
    return tally;
  }

  /** What DNS says from now on. */
  publish(names: readonly string[], ttlSeconds = 0): void {
    publish(this.dns, this.ports, this.pods, names, ttlSeconds);
  }

  async backend(): Promise<BackendReport> {
    const { body } = await ask(this.app.debug!.port, '/state');
    return (JSON.parse(body) as { backends: BackendReport[] }).backends[0]!;
  }

  /** Waits until `/state` is so. */
  until(check: (backend: BackendReport) => boolean, what: string, withinMs = 8000): Promise<BackendReport> {
    let backend: BackendReport | null = null;
    return poll(
      async () => {
        backend = await this.backend();
        return check(backend) && backend;
      },
      () => `${what}\n${JSON.stringify(backend, null, 1)}`,
      withinMs,
    );
  }

  untilPod(
    name: string,
    check: (pod: PodReport) => boolean,
    what: string,
    withinMs?: number,
  ): Promise<BackendReport> {
    const found = ({ pods }: BackendReport): boolean => pods.some((pod) => pod.name === name && check(pod));
    return this.until(found, `${name} ${what}`, withinMs);
  }

  untilReady(...names: string[]): Promise<BackendReport> {
    const isReady = ({ pods }: BackendReport, name: string): boolean =>
      pods.some((pod) => pod.name === name && pod.state === 'ready');
    return this.until((backend) => names.every((name) => isReady(backend, name)), `${names} ready`);
  }

  untilLeader(name: string): Promise<BackendReport> {
    return this.until(({ leadership }) => leadership.leader === name, `${name} leads`);
  }

  async explain(method: string, path: string): Promise<string> {
    const url = encodeURIComponent(`http://127.0.0.1:${this.port}${path}`);
    return (await ask(this.app.debug!.port, `/explain?method=${method}&url=${url}`)).body;
  }

  /** Sum of the samples of a family whose labels contain all of these, as `pod="db-0"`. */
  async metric(name: string, ...labels: string[]): Promise<number> {
    const { body } = await ask(this.app.admin.port, '/metrics');
    let sum = 0;
    for (const line of body.split('\n'))
      if (
        (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) &&
        labels.every((l) => line.includes(l))
      )
        sum += Number(line.slice(line.lastIndexOf(' ') + 1));
    return sum;
  }

  /** All requests that came to Pods, by time. */
  log(prefix = '/'): CasePod['requests'] {
    const all = this.pods.flatMap(({ requests }) => requests.filter(({ url }) => url.startsWith(prefix)));
    return all.sort((a, b) => a.atMs - b.atMs);
  }

  async heldCount(count: number): Promise<void> {
    const held = async (): Promise<boolean> => (await this.metric('headroute_held_requests')) === count;
    await poll(held, `${count} held`, 8000);
  }
}

/** Registers a test; several of a file run side by side, since they mostly wait. */
export function scenario(title: string, setup: Setup, act: (scene: Scenario) => Promise<void>): void {
  test.concurrent(title, () => play(setup, act));
}

/** As `scenario`, but alone: for bounds on time. */
export function timed(title: string, setup: Setup, act: (scene: Scenario) => Promise<void>): void {
  test(title, () => play(setup, act));
}

async function play(setup: Setup, act: (scene: Scenario) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-case-'));
  const dns = await startDnsServer();
  const { pods, ports } = await startPods(setup);
  let app: App | null = null;
  try {
    publish(dns, ports, pods, setup.published ?? pods.map(({ name }) => name), 0);
    await setup.before?.({ pods, dns, ports });
    const configFile = join(folder, 'headroute.yaml');
    writeFileSync(configFile, JSON.stringify(configOf(setup, dns, ports), null, 1));
    app = await startApp({ configFile, env: {}, pretty: false, log: new LineWriter(2), onQuit() {} });
    await act(new Scenario(dns, pods, ports, app));
  } finally {
    // Pods first: what still hangs on them must not hold the sidecar back.
    await Promise.all(pods.map((pod) => pod.close()));
    await app?.stop();
    await dns.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every Pod has an address of its own, as in a cluster, and the same ports. */
async function startPods({ pods = 3, tcp }: Setup): Promise<{ pods: CasePod[]; ports: Ports }> {
  const names = typeof pods === 'number' ? Array.from({ length: pods }, (_, n) => `db-${n}`) : pods;
  const byte = (): number => 1 + Math.floor(Math.random() * 254);
  for (let attempt = 0; ; attempt++) {
    const net = `127.${byte()}.${byte()}`;
    const started = names.map((name, n) => new CasePod(name, `${net}.${n + 1}`, tcp ?? null));
    try {
      let ports: Ports = { data: 0, role: 0, speaker: 0 };
      for (const pod of started) ports = await pod.start(ports);
      return { pods: started, ports };
    } catch (error) {
      await Promise.all(started.map((pod) => pod.close()));
      if (attempt === 5) throw error;
    }
  }
}

function publish(
  dns: DnsServer,
  ports: Ports,
  pods: readonly CasePod[],
  names: readonly string[],
  ttlSeconds: number,
): void {
  const listed = names.map((name) => ({ name, addresses: [pods.findLast((pod) => pod.name === name)!.ip] }));
  dns.setService(SERVICE, 'http', ports.data, listed, ttlSeconds);
}
