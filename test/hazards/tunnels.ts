import { expect } from 'vitest';
import type { RawClient } from '../helpers/raw-client.ts';
import { fieldValues, type PodConnection, type PodScript } from '../helpers/raw-pod.ts';
import { lines, type Scene } from '../helpers/scene.ts';

/** A request for an upgrade. */
export const ASK = lines(
  'GET /ws HTTP/1.1',
  'Host: a',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: x',
);

/** A Pod's consent to it. */
export const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-T: 1\r\n\r\n';

/** A Pod that switches and echoes in upper case; a request for no upgrade gets its target. */
export const echo: PodScript = {
  onRequest: (c, r) => {
    if (fieldValues(r, 'upgrade').length === 0) return c.answer(r.target, r);
    c.raw = true;
    c.write(SWITCH);
    c.socket.on('data', (data) => c.write(data.toString('latin1').toUpperCase()));
  },
};

/** An open tunnel, by its two ends; it fails if the upgrade is not answered with 101. */
export async function opened(stage: Scene): Promise<{ client: RawClient; connection: PodConnection }> {
  const client = await stage.client();
  const answer = await client.exchange(ASK);
  expect(answer.status).toBe(101);
  return {
    client,
    connection: stage.pods.flatMap((p) => p.connections).find((c) => c.raw && !c.over)!,
  };
}
