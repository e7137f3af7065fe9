import { type PodConnection, type PodRequest, RawPod } from '../../helpers/raw-pod.ts';

/** A Pod of a small database: answers probes, and every other request with its name. */
export class DbPod {
  readonly raw: RawPod;
  readonly name: string;
  /** Status of `/healthz`. */
  health = 200;
  /** null: follows, and says so on `/leader`. */
  leads = false;
  /** What to do with a request that is no probe, instead of answering it with the Pod's name. */
  onRequest: ((connection: PodConnection, request: PodRequest) => void) | null = null;
  /** Requests that are no probes, in order. */
  readonly requests: PodRequest[] = [];

  private constructor(name: string, raw: RawPod) {
    this.name = name;
    this.raw = raw;
    raw.script = {
      // Ends when the other side has, as a server does.
      onConnect: (connection) => connection.socket.on('end', () => connection.end()),
      onRequest: (connection, request) => this.#answer(connection, request),
    };
  }

  static async start(name: string): Promise<DbPod> {
    return new DbPod(name, await RawPod.start());
  }

  get port(): number {
    return this.raw.port;
  }

  close(): void {
    this.raw.close();
  }

  #answer(connection: PodConnection, request: PodRequest): void {
    if (request.target === '/healthz')
      connection.write(`HTTP/1.1 ${this.health} Health\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
    else if (request.target === '/leader')
      connection.write(
        `HTTP/1.1 ${this.leads ? 200 : 503} Role\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      );
    else {
      this.requests.push(request);
      this.raw.changes.changed();
      if (this.onRequest !== null) this.onRequest(connection, request);
      else connection.answer(this.name, request);
    }
  }
}
