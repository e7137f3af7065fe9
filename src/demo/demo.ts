import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Commentary } from './commentary.ts';
import { DEMO_PORT_NAME, DEMO_SERVICE } from './demo-config.ts';
import { type DnsServer, startDnsServer } from './dns-server.ts';
import { PodProcess } from './pod-process.ts';
import { SidecarProcess } from './sidecar-process.ts';
import { summaryLines } from './summary.ts';
import { OWN_WRITE, Traffic } from './traffic.ts';
import { verifyWrites } from './verify.ts';

export interface DemoOptions {
  /** Pods at the start; one more joins. */
  readonly pods: number;
  /** From the first request to the last. */
  readonly durationMs: number;
  /** The program's own file, run again for each Pod and for the sidecar. */
  readonly program: string;
  /** Ends the demo early: what happened until then is verified all the same. */
  readonly signal: AbortSignal;
}

/** How long the demo has no leader. */
const LEADERLESS_MS = 1500;

/** The stage of the demo: a DNS server in this process, everything else in processes of its own. */
export class Demo {
  readonly #options: DemoOptions;
  readonly #tell: Commentary;
  readonly #folder = mkdtempSync(join(tmpdir(), 'headroute-demo-'));
  readonly #pods: PodProcess[] = [];
  #dns: DnsServer | null = null;
  #sidecar: SidecarProcess | null = null;
  #term = 1;

  constructor(options: DemoOptions, tell: Commentary) {
    this.#options = options;
    this.#tell = tell;
  }

  /** Plays all acts. True where the proof holds. */
  async run(): Promise<boolean> {
    const { durationMs } = this.#options;
    const sidecar = await this.#raise();
    const traffic = new Traffic(sidecar.addresses.data);
    traffic.start();
    const ticker = setInterval(() => this.#tell.status(this.#statusLine(traffic)), 200);
    const startMs = performance.now();
    const until = (share: number): Promise<void> =>
      this.#pause(startMs + share * durationMs - performance.now());
    try {
      this.#tell.say('6 writers and 6 readers send requests through the sidecar');
      await until(0.12);
      await this.#showExplanation(sidecar);
      await until(0.3);
      if (!this.#options.signal.aborted) await this.#killLeader(traffic);
      await until(0.62);
      if (!this.#options.signal.aborted) await this.#join();
      await until(0.8);
      if (!this.#options.signal.aborted) await this.#comeBack();
      await until(1);
    } finally {
      clearInterval(ticker);
      await traffic.stop();
      this.#tell.end();
    }
    const verdict = verifyWrites(traffic, this.#logs());
    for (const line of summaryLines(traffic, verdict)) this.#tell.say(line, verdict.ok ? 'good' : 'bad');
    const status = await sidecar.stop();
    if (status !== 0) this.#tell.say(`the sidecar ended with status ${status}`, 'bad');
    return verdict.ok && status === 0 && traffic.acknowledged.size > 0;
  }

  /** Ends every process and removes the temporary directory; safe at any time, also twice. */
  async close(): Promise<void> {
    this.#sidecar?.kill();
    await Promise.all(this.#pods.map((pod) => pod.kill()));
    await this.#dns?.close();
    this.#dns = null;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #raise(): Promise<SidecarProcess> {
    const { pods, program } = this.#options;
    this.#dns = await startDnsServer();
    for (let ordinal = 0; ordinal < pods; ordinal++) {
      this.#pods.push(new PodProcess(`db-${ordinal}`, this.#folder, program));
    }
    await Promise.all(this.#pods.map((pod, ordinal) => pod.start(ordinal === 0 ? this.#term : null)));
    this.#publish();
    const { host, port } = this.#dns.address;
    this.#tell.say(`DNS server on ${host}:${port} publishes ${pods} Pods of ${DEMO_SERVICE}; db-0 leads`);
    this.#sidecar = await SidecarProcess.start(this.#folder, program, this.#dns.address);
    const { data, admin, debug } = this.#sidecar.addresses;
    this.#tell.say(`headroute is ready on http://${data}`, 'good');
    this.#tell.quote(
      `try:  curl -X POST 'http://${data}/write?id=mine-1'\n` +
        `      curl http://${data}/read\n      curl http://${debug}/state\n      curl http://${admin}/metrics`,
    );
    return this.#sidecar;
  }

  async #showExplanation(sidecar: SidecarProcess): Promise<void> {
    const { data, debug } = sidecar.addresses;
    const args = ['explain', '--debug', `http://${debug}`, 'POST', `http://${data}/write?id=x`];
    this.#tell.say(`$ headroute ${args.join(' ')}`, 'event');
    const { stdout } = await promisify(execFile)(process.execPath, [this.#options.program, ...args]);
    this.#tell.quote(stdout);
  }

  async #killLeader(traffic: Traffic): Promise<void> {
    const leader = this.#pods.find((pod) => pod.leads)!;
    await leader.kill();
    const killedMs = performance.now();
    this.#tell.say(`the leader ${leader.name} is killed (SIGKILL); writes are held`, 'bad');
    await this.#pause(LEADERLESS_MS);
    const next = this.#pods.find((pod) => pod.running)!;
    const held = traffic.waiting;
    const before = traffic.acknowledged.size;
    this.#term += 1;
    await next.promote(this.#term);
    this.#tell.say(`${next.name} is promoted, term ${this.#term}; ${held} writes are waiting`, 'event');
    while (traffic.acknowledged.size === before && performance.now() - killedMs < 10_000)
      await this.#pause(5, true);
    const tookMs = Math.round(performance.now() - killedMs);
    this.#tell.say(`held writes land on ${next.name}, ${tookMs} ms after the kill`, 'good');
  }

  async #join(): Promise<void> {
    const pod = new PodProcess(`db-${this.#pods.length}`, this.#folder, this.#options.program);
    await pod.start(null);
    this.#pods.push(pod);
    this.#publish();
    this.#tell.say(
      `${pod.name} joins: it is in DNS now, and will take reads once its probe succeeds`,
      'event',
    );
  }

  async #comeBack(): Promise<void> {
    const down = this.#pods.find((pod) => !pod.running);
    if (down === undefined) return;
    await down.start(null);
    this.#publish();
    this.#tell.say(`${down.name} comes back as a follower`, 'event');
  }

  /** A crashed Pod stays in DNS, as it does in a cluster until its readiness probe fails. */
  #publish(): void {
    const pods = this.#pods.map(({ name, port }) => ({ name, addresses: ['127.0.0.1'], port }));
    this.#dns?.setService(DEMO_SERVICE, DEMO_PORT_NAME, 80, pods, 1);
  }

  /** What the Pods wrote of this demo's own clients: somebody may have tried a write by hand. */
  #logs(): Map<string, string[]> {
    return new Map(this.#pods.map((pod) => [pod.name, pod.log().filter((id) => OWN_WRITE.test(id))]));
  }

  #statusLine(traffic: Traffic): string {
    const leader = this.#pods.find((pod) => pod.leads)?.name ?? 'none';
    return (
      `        leader ${leader} · ${traffic.acknowledged.size} writes · ${traffic.waiting} waiting · ` +
      `${traffic.readCount} reads`
    );
  }

  /** Waits, but not past the end of the demo unless it must. */
  #pause(ms: number, always = false): Promise<void> {
    const { signal } = this.#options;
    if (ms <= 0 || (signal.aborted && !always)) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      if (!always) signal.addEventListener('abort', done, { once: true });
    });
  }
}
