import { RedisClient } from '../../../test/system/support/redis.ts';
import { CLIENT_TIMEOUT_MS, type WriteClient, WriteFailed } from '../writes.ts';

/**
 * Counts an id up, over a connection that is kept until it ends or is silent, as client libraries do also after READONLY, or over
 * a new one for each write.
 *
 * @param address host:port
 * @param names of the nodes by their address: each tells its own before it writes
 */
export function redisClient(address: string, names: ReadonlyMap<string, string>, keep: boolean): WriteClient {
  let connection: RedisClient | null = null;

  async function write(id: string): Promise<string> {
    // One that ended while nothing was asked has cost no write, as every library sees.
    if (connection !== null && connection.endedMs > 0) forget();
    connection ??= await RedisClient.connect(address).catch((error: Error) => {
      throw new WriteFailed('no', error.message);
    });
    connection.write(`CONFIG GET bind\r\nINCR ${id}\r\n`);
    try {
      const host = (await connection.answer()).split('\r\n').at(-1)!;
      const answer = await connection.answer();
      if (answer.startsWith('-')) throw new WriteFailed('no', answer.slice(1).split(' ')[0]!);
      return names.get(host)!;
    } catch (error) {
      if (error instanceof WriteFailed) throw error;
      forget();
      throw new WriteFailed('unknown', (error as Error).message);
    }
  }

  function forget(): void {
    connection?.close();
    connection = null;
  }

  return {
    async write(id) {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        // Ends the wait for an answer.
        connection?.close();
      }, CLIENT_TIMEOUT_MS);
      try {
        return await write(id);
      } catch (error) {
        throw late ? new WriteFailed('unknown', `no answer in ${CLIENT_TIMEOUT_MS} ms`) : error;
      } finally {
        clearTimeout(timer);
        if (!keep) forget();
      }
    },
    close: forget,
  };
}
