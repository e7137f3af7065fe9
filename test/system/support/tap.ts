import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface Tap {
  readonly port: number;
  close(): void;
}

/**
 * A server that answers 299 to anything that could pass for a whole request to a lenient reader: a head's end, or for a
 * chunked one also a last chunk.
 */
export async function startTap(): Promise<Tap> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      text += data.toString('latin1');
      const end = /\r?\n\r?\n/.exec(text);
      if (end === null) return;
      const chunked = /^transfer-encoding:.*chunked/im.test(text.slice(0, end.index));
      if (chunked && !/(^|\n)0+[^\n]*\n([^\n]+\n)*\r?\n$/.test(text.slice(end.index + end[0].length))) return;
      socket.end('HTTP/1.1 299 Tapped\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
