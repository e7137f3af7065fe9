import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { HostPort } from '../model/config.ts';
import { demoConfig } from './demo-config.ts';

/** host:port of each of the sidecar's listeners. */
export interface SidecarAddresses {
  readonly data: string;
  readonly admin: string;
  readonly debug: string;
}

const PORT_ATTEMPTS = 3;

/** `headroute run` on a generated file, as a user would run it. */
export class SidecarProcess {
  readonly addresses: SidecarAddresses;
  readonly configFile: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;

  /**
   * Starts it and waits until `/readyz` says 200. Rejects with the tail of its log where it ends, or after 10 s. Ports that
   * were free a moment ago may be taken by now: then others are tried.
   */
  static async start(folder: string, program: string, nameserver: HostPort): Promise<SidecarProcess> {
    for (let attempt = 1; ; attempt++) {
      const [data, admin, debug] = (await freePorts(3)).map((port) => `127.0.0.1:${port}`);
      const addresses = { data: data!, admin: admin!, debug: debug! };
      const sidecar = new SidecarProcess(folder, program, addresses, nameserver);
      try {
        await sidecar.#ready();
        return sidecar;
      } catch (error) {
        sidecar.#child.kill('SIGKILL');
        if (attempt === PORT_ATTEMPTS || !String(error).includes('in use')) throw error;
        rmSync(sidecar.#logFile, { force: true });
      }
    }
  }

  private constructor(folder: string, program: string, addresses: SidecarAddresses, nameserver: HostPort) {
    this.addresses = addresses;
    this.configFile = join(folder, 'headroute.yaml');
    this.#logFile = join(folder, 'headroute.log');
    writeFileSync(this.configFile, demoConfig(addresses, nameserver));
    const log = openSync(this.#logFile, 'a');
    // Should the demo itself be killed, the closed channel ends the sidecar with it.
    const endWithParent =
      'data:text/javascript,process.once("disconnect",()=>process.exit(1));process.channel.unref()';
    this.#child = spawn(
      process.execPath,
      ['--import', endWithParent, program, 'run', '--config', this.configFile],
      { stdio: ['ignore', log, log, 'ipc'] },
    );
    this.#child.on('error', () => {});
    closeSync(log);
  }

  /** SIGTERM, then SIGKILL after 5 s; the exit status, null where a signal ended it. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
    await gone;
    clearTimeout(timer);
    return child.exitCode;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #ready(): Promise<void> {
    const deadline = performance.now() + 10_000;
    for (;;) {
      if (this.#child.exitCode !== null || performance.now() > deadline) {
        throw new Error(`the sidecar did not start:\n${readFileSync(this.#logFile, 'utf8').slice(-2000)}`);
      }
      const status = await fetch(`http://${this.addresses.admin}/readyz`).then(
        (response) => response.status,
        () => 0,
      );
      if (status === 200) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Ports of 127.0.0.1 that were free a moment ago, no two the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}
