import { Agent, request } from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface StoredKey {
  readonly value: string;
  /** Writes of the key since it was created: 1 says that it was written exactly once. */
  readonly version: number;
}

const base64 = (text: string) => Buffer.from(text).toString('base64');
const text = (encoded: string) => Buffer.from(encoded, 'base64').toString();

/** etcd's JSON gateway by plain node:http: one try for each call, so that what a test counts is what happened. */
export class KvClient {
  readonly #address: string;
  readonly #agent = new Agent({ keepAlive: true });

  /** @param address host:port of a member or of headroute */
  constructor(address: string) {
    this.#address = address;
  }

  put(key: string, value: string): Promise<Answer> {
    return this.#post('/v3/kv/put', { key: base64(key), value: base64(value) });
  }

  /** Every key of the prefix, read page by page. */
  async readAll(prefix: string): Promise<Map<string, StoredKey>> {
    const found = new Map<string, StoredKey>();
    const range_end = base64(
      prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1),
    );
    for (let from = prefix; ; ) {
      const answer = await this.#post('/v3/kv/range', { key: base64(from), range_end, limit: 1000 });
      if (answer.status !== 200) throw new Error(`range: ${answer.status} ${answer.body}`);
      const { kvs = [], more } = JSON.parse(answer.body) as {
        kvs?: { key: string; value: string; version: string }[];
        more?: boolean;
      };
      for (const kv of kvs) found.set(text(kv.key), { value: text(kv.value), version: Number(kv.version) });
      if (more !== true) return found;
      from = `${text(kvs.at(-1)!.key)}\0`;
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(path: string, body: object): Promise<Answer> {
    const payload = JSON.stringify(body);
    const [host, port] = this.#address.split(':');
    const options = { host, port, path, method: 'POST', agent: this.#agent };
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) };
    return new Promise((resolve, reject) => {
      const sent = request({ ...options, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
        response.on('error', reject);
      });
      sent.on('error', reject);
      sent.end(payload);
    });
  }
}
