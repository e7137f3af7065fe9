import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { Changes, loopNowMs } from '../../helpers/waiting.ts';

/** A request as it came to a Pod's data port: noted when its head is there, completed with its body. */
export interface PodRequest {
  readonly pod: string;
  /** By performance.now(). */
  readonly atMs: number;
  /** By loopNowMs(), for upper bounds. */
  readonly loopMs: number;
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  body: Buffer;
  complete: boolean;
  /** Its connection ended before it was answered. */
  aborted: boolean;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, entry: PodRequest) => void;

/**
 * A Pod of a test in this process: a data port that keeps a log of every byte and request, a second port with its role
 * (`/leader`, `/healthz`), a third that speaks `ROLE`. What it does can be changed while it runs.
 */
export class CasePod {
  readonly name: string;
  readonly ip: string;
  /** `/healthz` of the role port: 200 or 503. */
  healthy = true;
  /** Whether it claims to lead; a term is what stands in its JSON, as it is written. */
  claim: false | { readonly term?: string } = false;
  /** Set: the role port's probes get this instead. */
  onProbe: ((path: string, response: ServerResponse, request: IncomingMessage) => boolean) | null = null;
  answer: Answer = (_request, response) => void response.end(this.name);
  /** Every request that came, in order. */
  readonly requests: PodRequest[] = [];
  /** Times at which bytes came to the data port, with their number. */
  readonly bytes: { readonly atMs: number; readonly loopMs: number; readonly length: number }[] = [];
  /** Requests for `/leader`: when, and what was answered. */
  readonly leaderProbes: { readonly atMs: number; readonly claimed: boolean }[] = [];
  readonly changes = new Changes();
  readonly sockets = new Set<Socket>();
  readonly #roleSockets = new Set<Socket>();
  readonly #http: Server;
  readonly #role: Server;
  readonly #speaker: NetServer;
  readonly #data: NetServer;
  #ports: Ports = { data: 0, role: 0, speaker: 0 };
  readonly #tcp: ((socket: Socket, pod: CasePod) => void) | null;

  constructor(name: string, ip: string, tcp: ((socket: Socket, pod: CasePod) => void) | null = null) {
    this.name = name;
    this.ip = ip;
    this.#tcp = tcp;
    this.#http = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) =>
      this.#serve(request, response),
    );
    this.#http.on('upgrade', (_request, socket: Socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
      socket.on('data', (data) => socket.write(data)).on('error', () => {});
    });
    this.#role = createHttpServer((request, response) => this.#serveRole(request, response));
    this.#role.on('connection', (socket: Socket) => track(this.#roleSockets, socket));
    this.#speaker = createServer((socket) => {
      track(this.#roleSockets, socket);
      socket.on('data', (data) => {
        const asked = data.toString('latin1');
        if (asked.includes('AUTH')) socket.write('+OK\r\n');
        if (asked.includes('INFO')) {
          const id = Buffer.from(this.name).toString('hex').padEnd(40, 'f');
          const lines = ['# Replication', `role:${this.claim === false ? 'slave' : 'master'}`];
          lines.push(`master_replid:${id}`, `master_replid2:${'0'.repeat(40)}`, '');
          const text = lines.join('\r\n');
          socket.write(`$${text.length}\r\n${text}\r\n`);
        }
        if (!asked.includes('ROLE')) return;
        const follows = '*5\r\n$5\r\nslave\r\n$4\r\ndb-0\r\n:1\r\n$9\r\nconnected\r\n:0\r\n';
        socket.write(this.claim === false ? follows : '*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n');
      });
    });
    this.#data = this.#newData();
  }

  /** @param ports those of every Pod of the Service; 0: to be chosen here */
  async start(ports: Ports): Promise<Ports> {
    const data = await listen(this.#data, ports.data, this.ip);
    const role = await listen(this.#role, ports.role, this.ip);
    const speaker = await listen(this.#speaker, ports.speaker, this.ip);
    this.#ports = { data, role, speaker };
    return this.#ports;
  }

  /** The data port refuses, open connections are reset; the role port goes on. */
  async killData(): Promise<void> {
    for (const socket of this.sockets) socket.resetAndDestroy();
    await close(this.#data);
  }

  /** SIGKILL, seen from outside: every port refuses, open connections are reset. */
  async crash(): Promise<void> {
    for (const socket of [...this.sockets, ...this.#roleSockets]) socket.resetAndDestroy();
    await Promise.all([this.#data, this.#role, this.#speaker].map(close));
  }

  /** Listens again where it did. */
  async restart(): Promise<void> {
    const { data, role, speaker } = this.#ports;
    for (const [server, port] of [
      [this.#data, data],
      [this.#role, role],
      [this.#speaker, speaker],
    ] as const)
      if (!server.listening) await listen(server, port, this.ip);
  }

  get byteCount(): number {
    return this.bytes.reduce((sum, { length }) => sum + length, 0);
  }

  /** Requests of these paths that came whole. */
  got(prefix = '/'): PodRequest[] {
    return this.requests.filter(({ url, complete }) => complete && url.startsWith(prefix));
  }

  async close(): Promise<void> {
    for (const socket of [...this.sockets, ...this.#roleSockets]) socket.destroy();
    await Promise.all([this.#data, this.#role, this.#speaker].map(close));
  }

  #newData(): NetServer {
    return createServer({ noDelay: true }, (socket) => {
      track(this.sockets, socket);
      if (this.#tcp !== null) this.#tcp(socket, this);
      else this.#http.emit('connection', socket);
      // After that: the HTTP server then gives the socket's bytes up to be read here as well.
      socket.on('data', (data) => {
        this.bytes.push({ atMs: performance.now(), loopMs: loopNowMs(), length: data.length });
        this.changes.changed();
      });
    });
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const entry: PodRequest = {
      pod: this.name,
      atMs: performance.now(),
      loopMs: loopNowMs(),
      method: request.method!,
      url: request.url!,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      body: Buffer.alloc(0),
      complete: false,
      aborted: false,
    };
    this.requests.push(entry);
    this.changes.changed();
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part)).on('error', () => {});
    response.on('close', () => {
      entry.aborted = !response.writableFinished;
      this.changes.changed();
    });
    request.on('end', () => {
      entry.body = Buffer.concat(parts);
      entry.complete = true;
      this.answer(request, response, entry);
      this.changes.changed();
    });
  }

  #serveRole(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '/';
    if (this.onProbe?.(path, response, request)) return;
    if (path.startsWith('/leader')) {
      const { claim } = this;
      this.leaderProbes.push({ atMs: performance.now(), claimed: claim !== false });
      this.changes.changed();
      const term = claim === false || claim.term === undefined ? '' : `,"term":${claim.term}`;
      response.end(`{"role":"${claim === false ? 'follower' : 'leader'}"${term}}`);
      return;
    }
    response.statusCode = path.startsWith('/healthz') && this.healthy ? 200 : 503;
    response.end();
  }
}

export interface Ports {
  readonly data: number;
  readonly role: number;
  readonly speaker: number;
}

function track(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.once('close', () => sockets.delete(socket));
}

function listen(server: NetServer | Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve((server.address() as { port: number }).port);
    });
  });
}

function close(server: NetServer | Server): Promise<void> {
  return new Promise((done) => (server.listening ? server.close(() => done()) : done()));
}
