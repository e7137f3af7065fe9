/**
 * A sidecar that may open few files (EMFILE): clients beyond them are turned away, and nothing else comes of it. Source: issue 16
 * item 6; SPEC 3, Health.
 */
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { Changes } from '../helpers/waiting.ts';
import { sidecar, stage } from './support/stage.ts';

const FILES = 64;
const CROWD = 120;

/** Clients that say nothing and come back as often as they are turned away: no descriptor stays free. */
class Crowd {
  turnedAway = 0;
  readonly changes = new Changes();
  readonly #sockets = new Set<Socket>();
  readonly #port: number;
  #left = false;

  constructor(port: number, count: number) {
    this.#port = port;
    for (let n = 0; n < count; n++) this.#join();
  }

  #join(): void {
    if (this.#left) return;
    const socket = connect({ host: '127.0.0.1', port: this.#port });
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#left) return;
      this.turnedAway++;
      this.changes.changed();
      setTimeout(() => this.#join(), 5);
    });
  }

  leave(): void {
    this.#left = true;
    for (const socket of this.#sockets) socket.destroy();
  }
}

it('out of descriptors: Pods stay as they were, and clients are served again as soon as some are free', async (t) => {
  const scene = await stage(t);
  const running = await sidecar(t, scene.document(), {
    launcher: ['sh', '-c', `ulimit -n ${FILES} && exec "$@"`, 'sh'],
  });
  await running.pods(2);
  const crowd = new Crowd(running.port(), CROWD);
  t.onTestFinished(() => crowd.leave());
  const log = await running.log('local error');
  expect(log.level).toBe('warn');
  // For fifteen periods of probes. Not by their number alone: on a slow machine the kernel makes them wait a second each.
  const fromMs = performance.now();
  const isLong = (): boolean => crowd.turnedAway > 500 && performance.now() - fromMs > 1500;
  await crowd.changes.until(isLong, 'clients are turned away', 15_000);
  crowd.leave();
  // Until the sidecar has seen that the crowd left, it may turn away who comes, at every address.
  const free = (ask: () => Promise<boolean>) => () => ask().catch(() => false);
  await running.until(
    free(async () => (await fetch(running.url)).status === 200),
    'served again',
  );
  const labels = { backend: 'db', pod: 'db-0', kind: 'health', result: 'local_error' };
  await running.until(
    free(async () => (await running.metric('headroute_probes_total', labels)) > 0),
    'probes that could not be made were counted',
  );
  const changed = running.logs.filter(({ msg, state }) => msg === 'Pod changed state' && state !== 'ready');
  expect(changed).toEqual([]);
  expect(running.exit).toBeNull();
});
