import { onTestFinished } from 'vitest';
import { startDataPlane } from '../../../helpers/data-plane.ts';
import { RawClient } from '../../../helpers/raw-client.ts';
import { type PodConnection, RawPod } from '../../../helpers/raw-pod.ts';
import { Changes } from '../../../helpers/waiting.ts';
import { readMessage, statusOf, value } from '../../../helpers/wire.ts';
import type { Asked, Asking, PodSide, Talk, Told, World, WorldOptions } from './world.ts';

/** HTTP/1.1 over sockets: the data plane as it is. */
export async function http1World(options: WorldOptions): Promise<World> {
  const pods = await Promise.all(Array.from({ length: options.pods }, () => H1Pod.start()));
  const { leader = null, learns = false } = options;
  const plane = await startDataPlane({
    pods: pods.map(({ port }, n) => ({ name: `db-${n}`, port })),
    leader: leader ?? { state: 'none' },
    rules: [options.rule],
    ...(learns ? { learn: [{ status: [421], location: false, header: null }] } : {}),
  });
  onTestFinished(async () => {
    await plane.close();
    for (const pod of pods) pod.close();
  });
  return {
    pods,
    ask: (asking) => H1Talk.begin(plane.port, asking),
    setLeader: (name) => plane.setLeader(name ?? { state: 'none' }),
    reload: (rules) => plane.reload({ rules }),
    outcomes: () => plane.outcomes.map(({ kind }) => kind),
    metric: plane.metric,
  };
}

class H1Talk implements Talk {
  readonly #client: RawClient;
  readonly #method: string;

  private constructor(client: RawClient, method: string) {
    this.#client = client;
    this.#method = method;
  }

  static async begin(port: number, { method, path = '/', body, upgrade, isSlow }: Asking): Promise<H1Talk> {
    const client = await RawClient.connect(port);
    onTestFinished(() => client.destroy());
    if (isSlow) client.socket.pause();
    const fields = ['Host: a', 'TE: trailers', 'Connection: TE'];
    if (upgrade !== undefined) fields.splice(2, 1, 'Connection: TE, Upgrade', `Upgrade: ${upgrade}`);
    if (body === null) fields.push('Transfer-Encoding: chunked');
    if (typeof body === 'string') fields.push(`Content-Length: ${body.length}`);
    client.send(`${method} ${path} HTTP/1.1\r\n${fields.join('\r\n')}\r\n\r\n${body ?? ''}`);
    return new H1Talk(client, method);
  }

  send(text: string, isLast: boolean): void {
    const chunk = text === '' ? '' : `${text.length.toString(16)}\r\n${text}\r\n`;
    this.#client.send(`${chunk}${isLast ? '0\r\n\r\n' : ''}`);
  }

  leave(): void {
    this.#client.reset();
  }

  take(): void {
    this.#client.socket.resume();
  }

  async told(): Promise<Told> {
    const interims: number[] = [];
    for (;;) {
      const message = await this.#client.until(
        (rest, { ending }) => {
          const read = readMessage(rest, 'response', this.#method, ending === 'fin');
          return read ?? (ending === null ? null : 'broken');
        },
        'an answer',
        10_000,
      );
      if (message === 'broken') {
        const status = Number(/ (\d{3}) /.exec(this.#client.rest.toString('latin1', 0, 20))?.[1] ?? 0);
        return { status, body: '', trailers: {}, isWhole: false, failure: null, sent: null, interims };
      }
      this.#client.taken += message.raw.length;
      const status = statusOf(message);
      if (status < 200 && status !== 101) {
        interims.push(status);
        continue;
      }
      const said = value(message, 'x-headroute-sent');
      return {
        status,
        body: message.body.toString('latin1'),
        trailers: Object.fromEntries(message.trailers.map(([name, text]) => [name.toLowerCase(), text])),
        isWhole: true,
        failure: value(message, 'x-headroute-failure') ?? null,
        sent: said === undefined ? null : said === 'true',
        interims,
      };
    }
  }

  async says(text: string, hears: string): Promise<void> {
    this.#client.send(text);
    await this.#client.hears(hears);
  }
}

class H1Pod implements PodSide {
  readonly #changes = new Changes();
  readonly #waiting: H1Asked[] = [];
  readonly #all: H1Asked[] = [];
  #pod!: RawPod;
  requests = 0;

  static async start(): Promise<H1Pod> {
    const pod = new H1Pod();
    pod.#pod = await RawPod.start({
      onConnect: (connection) => {
        connection.socket.on('close', () => pod.#changes.changed());
      },
      onHead: (connection, head) => {
        pod.requests++;
        const asked = new H1Asked(connection, head.method, head.target);
        pod.#waiting.push(asked);
        pod.#all.push(asked);
        pod.#changes.changed();
      },
      onRequest: (connection, { body }) => {
        const asked = pod.#all.findLast((one) => one.connection === connection)!;
        asked.complete(body.toString('latin1'));
      },
    });
    return pod;
  }

  get port(): number {
    return this.#pod.port;
  }

  goDown(): void {
    this.#pod.refuse();
    for (const connection of this.#pod.connections) connection.reset();
  }

  next(): Promise<Asked> {
    return this.#changes.until(() => this.#waiting.shift(), 'a request', 5000);
  }

  close(): void {
    this.#pod.close();
  }
}

class H1Asked implements Asked {
  readonly connection: PodConnection;
  readonly method: string;
  readonly path: string;
  #body: string | null = null;

  constructor(connection: PodConnection, method: string, path: string) {
    this.connection = connection;
    this.method = method;
    this.path = path;
  }

  complete(body: string): void {
    this.#body = body;
  }

  get received(): string {
    if (this.#body !== null) return this.#body;
    return this.connection.text.replace(/^[\s\S]*\r\n\r\n/, '').replace(/[0-9a-f]+\r\n([^\r]*)\r\n/g, '$1');
  }

  get isComplete(): boolean {
    return this.#body !== null;
  }

  get isGone(): boolean {
    return this.connection.over;
  }

  get isHeldBack(): boolean {
    return this.connection.socket.writableLength > 0;
  }

  answer(status: number, body: string): void {
    this.connection.write(`HTTP/1.1 ${status} Status\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  }

  interim(status: number): void {
    this.connection.write(`HTTP/1.1 ${status} Interim\r\n\r\n`);
  }

  begin(status: number): void {
    this.connection.write(`HTTP/1.1 ${status} Status\r\nTransfer-Encoding: chunked\r\n\r\n`);
  }

  data(text: string): void {
    this.connection.write(`${text.length.toString(16)}\r\n${text}\r\n`);
  }

  end(trailers: Readonly<Record<string, string>> = {}): void {
    const lines = Object.entries(trailers).map(([name, text]) => `${name}: ${text}\r\n`);
    this.connection.write(`0\r\n${lines.join('')}\r\n`);
  }

  breakOff(): void {
    this.connection.reset();
  }

  switchTo(protocol: string): void {
    this.connection.raw = true;
    this.connection.write(`HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`);
    this.connection.socket.on('data', (data) => this.connection.write(data.toString('latin1').toUpperCase()));
  }
}
