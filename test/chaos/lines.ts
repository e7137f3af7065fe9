import type { Socket } from 'node:net';

/** Messages as JSON, one a line: between the harness and its Pods. */
export class Lines<In, Out> {
  readonly #socket: Socket;
  #partial = '';

  constructor(socket: Socket, onMessage: (message: In) => void) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('error', () => {});
    socket.on('data', (text: string) => {
      const lines = (this.#partial + text).split('\n');
      this.#partial = lines.pop()!;
      for (const line of lines) onMessage(JSON.parse(line) as In);
    });
  }

  send(message: Out): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  close(): void {
    this.#socket.destroy();
  }
}
