// Clients without a connection: how long each waits from connecting to its first answer. One message: { port, count, forMs }; one back.
import { connect } from 'node:net';

/** @returns the waits in ms, ascending, of those that were answered, and how many were not within `forMs` */
async function coldClients({ port, count, forMs }) {
  const message = `GET /250B HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
  const waits = [];
  let failed = 0;
  const sockets = Array.from({ length: count }, () => {
    const fromMs = performance.now();
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(message));
    socket.once('data', (chunk) => {
      if (chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200') waits.push(performance.now() - fromMs);
      else failed++;
    });
    socket.on('error', () => failed++);
    return socket;
  });
  const endMs = performance.now() + forMs;
  while (waits.length + failed < count && performance.now() < endMs)
    await new Promise((resolve) => setTimeout(resolve, 10));
  for (const socket of sockets) socket.destroy();
  return { waits: waits.sort((a, b) => a - b), unanswered: count - waits.length };
}

process.on('message', async (order) => process.send(await coldClients(order)));
