import { pause } from '../../helpers/waiting.ts';
import type { CasePod } from './case-pod.ts';
import { ask, keepAliveAgent, type Seen } from './client.ts';

export interface Write extends Seen {
  readonly path: string;
}

/** Clients that write without pause, each on a kept connection, each write with a path of its own. */
export class Load {
  readonly writes: Write[] = [];
  readonly #agents: ReturnType<typeof keepAliveAgent>[] = [];
  readonly #loops: Promise<void>[];
  #stopped = false;
  #count = 0;

  constructor(port: number, clients = 6, method = 'POST') {
    this.#loops = Array.from({ length: clients }, () => this.#run(port, method));
  }

  /** Lets what is under way finish. */
  async stop(): Promise<readonly Write[]> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    for (const agent of this.#agents) agent.destroy();
    return this.writes;
  }

  get acknowledged(): number {
    return this.writes.filter(({ status }) => status === 200).length;
  }

  async #run(port: number, method: string): Promise<void> {
    const agent = keepAliveAgent(1);
    this.#agents.push(agent);
    while (!this.#stopped) {
      const path = `/w/${this.#count++}`;
      const body = method === 'POST' ? path : undefined;
      const seen = await ask(port, path, { method, agent, ...(body === undefined ? {} : { body }) });
      this.writes.push({ ...seen, path });
      await pause(4);
    }
  }
}

/** Which Pods saw a byte of each write's head, by path. */
export function podsByPath(pods: readonly CasePod[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const pod of pods)
    for (const { url } of pod.requests) found.set(url, [...(found.get(url) ?? []), pod.name]);
  return found;
}

/** Writes seen by more than one Pod, or twice by one (promise 1). */
export function doubled(pods: readonly CasePod[]): string[] {
  return [...podsByPath(pods)].filter(([, names]) => names.length > 1).map(([path]) => path);
}

/** Acknowledged writes that no Pod's log has whole (promise 2). */
export function lost(writes: readonly Write[], pods: readonly CasePod[]): string[] {
  const whole = new Set(pods.flatMap((pod) => pod.got().map(({ url }) => url)));
  return writes.filter(({ status, path }) => status === 200 && !whole.has(path)).map(({ path }) => path);
}

/** Failures by kind, as text that a failed test shows. */
export function failures(writes: readonly Write[]): string[] {
  return writes
    .filter(({ status }) => status !== 200)
    .map(({ path, status, failure, error, body }) => `${path} ${status} ${failure} ${error ?? ''} ${body}`);
}
