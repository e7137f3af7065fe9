import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { CLIENT_TIMEOUT_MS, type WriteClient, WriteFailed } from '../writes.ts';

/** What the server said: an SQLSTATE and a text. */
class Refusal extends Error {
  readonly code: string;

  constructor(fields: ReadonlyMap<string, string>) {
    super(`${fields.get('C')} ${fields.get('M')}`);
    this.code = fields.get('C') ?? '';
  }
}

/**
 * One connection to PostgreSQL for user `app` without a password, by the simple query protocol (its documentation, "Message
 * Formats"): a psql for each write would cost more than what is measured.
 */
export class PgConnection {
  readonly #socket: Socket;
  #received = Buffer.alloc(0);
  #ended: Error | null = null;
  #wake: () => void = () => {};

  /** @throws where the server takes no queries */
  static async open(address: string, timeoutMs: number): Promise<PgConnection> {
    const [host, port] = address.split(':') as [string, string];
    const connection = new PgConnection(connect({ host, port: Number(port), noDelay: true }), timeoutMs);
    try {
      await Promise.race([once(connection.#socket, 'connect'), connection.#untilReady()]);
      connection.#start();
      await connection.#untilReady();
      return connection;
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  private constructor(socket: Socket, timeoutMs: number) {
    this.#socket = socket;
    // For all that is done over it: a write has one limit, however it is spent.
    const timer = setTimeout(() => socket.destroy(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => {
      clearTimeout(timer);
      this.#end(new Error('the connection ended'));
    });
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
  }

  /** The first column of each row. @throws Refusal, or where the connection ends */
  query(sql: string): Promise<string[]> {
    const text = Buffer.from(`${sql}\0`);
    const head = Buffer.from('Q0000');
    head.writeInt32BE(text.length + 4, 1);
    this.#socket.write(Buffer.concat([head, text]));
    return this.#untilReady();
  }

  close(): void {
    this.#socket.destroy();
  }

  #start(): void {
    const version = 196_608;
    const parameters = Buffer.from('user\0app\0database\0postgres\0\0');
    const head = Buffer.alloc(8);
    head.writeInt32BE(parameters.length + 8, 0);
    head.writeInt32BE(version, 4);
    this.#socket.write(Buffer.concat([head, parameters]));
  }

  /** Reads messages up to ReadyForQuery. */
  async #untilReady(): Promise<string[]> {
    const rows: string[] = [];
    for (;;) {
      const { kind, body } = await this.#message();
      if (kind === 'E') throw new Refusal(fieldsOf(body));
      if (kind === 'D') rows.push(firstColumn(body));
      if (kind === 'Z') return rows;
    }
  }

  async #message(): Promise<{ kind: string; body: Buffer }> {
    for (;;) {
      const bytes = this.#received;
      const end = bytes.length < 5 ? Number.POSITIVE_INFINITY : 1 + bytes.readInt32BE(1);
      if (end <= bytes.length) {
        this.#received = bytes.subarray(end);
        return { kind: String.fromCharCode(bytes[0]!), body: bytes.subarray(5, end) };
      }
      if (this.#ended !== null) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #end(error: Error): void {
    this.#ended ??= error;
    this.#wake();
  }
}

/** Count of columns, then for each its length and its bytes. */
function firstColumn(row: Buffer): string {
  return row.toString('utf8', 6, 6 + row.readInt32BE(2));
}

/** A letter and a text for each field. */
function fieldsOf(body: Buffer): Map<string, string> {
  const fields = body.toString('utf8').split('\0');
  return new Map(fields.filter((field) => field !== '').map((field) => [field[0]!, field.slice(1)]));
}

/** read_only_sql_transaction */
const READ_ONLY = '25006';

/**
 * Adds a row over a new connection for each write.
 * @param names of the nodes by their address
 */
export function postgresClient(address: string, names: ReadonlyMap<string, string>): WriteClient {
  return {
    async write(id) {
      const connection = await PgConnection.open(address, CLIENT_TIMEOUT_MS).catch((error: Error) => {
        throw new WriteFailed('no', `connecting: ${error.message}`);
      });
      try {
        const sql = `INSERT INTO writes VALUES ('${id}') RETURNING host(inet_server_addr())`;
        const [host] = await connection.query(sql);
        return names.get(host!)!;
      } catch (error) {
        const readOnly = error instanceof Refusal && error.code === READ_ONLY;
        throw new WriteFailed(readOnly ? 'no' : 'unknown', (error as Error).message);
      } finally {
        connection.close();
      }
    },
    close() {},
  };
}
