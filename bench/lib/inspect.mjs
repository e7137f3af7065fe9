// Asks a Node process that runs with --inspect, over the inspector's WebSocket.
import { WebSocket } from 'ws';

export async function inspectProcess(port) {
  const [{ webSocketDebuggerUrl }] = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const socket = new WebSocket(webSocketDebuggerUrl);
  const waiting = new Map();
  let id = 0;
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  socket.on('message', (text) => {
    const message = JSON.parse(text);
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  return {
    /** Value of an expression in that process. */
    async evaluate(expression) {
      id += 1;
      const answer = new Promise((resolve) => waiting.set(id, resolve));
      socket.send(
        JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression, returnByValue: true } }),
      );
      const { result } = await answer;
      if (result.exceptionDetails) throw new Error(result.exceptionDetails.exception?.description);
      return result.result.value;
    },
    close: () => socket.close(),
  };
}
