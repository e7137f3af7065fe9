// Requests that come whether or not earlier ones were answered, from clients that give up. A child process: one order in, one result back.
import { connect } from 'node:net';

const TICK_MS = 5;

/**
 * @param order `{ port, rate, seconds, skipSeconds, giveUpMs, kept }`; `kept`: an idle connection is used again, as a pool does, and one
 *   is opened where none is idle; else each request has a connection of its own
 * @returns outcomes by kind of the requests that came after `skipSeconds`, and the waits of those answered 200 in ms, ascending
 */
function openLoop({ port, rate, seconds, skipSeconds, giveUpMs, kept }) {
  const message = `GET /250B HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${kept ? '' : 'Connection: close\r\n'}\r\n`;
  const idle = [];
  const waiting = [];
  const sockets = new Set();
  const outcomes = { ok: 0, refused: 0, late: 0, broken: 0 };
  const waits = [];
  let counts = false;
  let opened = 0;

  const settle = (request, outcome) => {
    if (request.settled) return;
    request.settled = true;
    if (!request.counts) return;
    outcomes[outcome]++;
    if (outcome === 'ok') waits.push(performance.now() - request.fromMs);
  };
  const open = (request) => {
    // From many addresses: closed connections keep their ports for a minute.
    const localAddress = `127.0.1.${1 + (opened++ % 50)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true }, () =>
      socket.write(message),
    );
    socket.request = request;
    sockets.add(socket);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const end = text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (text.length < end + 4 + length) return;
      const inTime = performance.now() - socket.request.fromMs < giveUpMs;
      settle(socket.request, !text.startsWith('HTTP/1.1 200') ? 'refused' : inTime ? 'ok' : 'late');
      const closes = /connection: close/i.test(text);
      text = '';
      if (kept && !closes) idle.push(socket);
      else socket.destroy();
    });
    socket.on('error', () => settle(socket.request, 'broken'));
    socket.on('close', () => {
      settle(socket.request, 'broken');
      sockets.delete(socket);
    });
    return socket;
  };
  const ask = (nowMs) => {
    const request = { fromMs: nowMs, counts, settled: false, socket: null };
    waiting.push(request);
    let socket = idle.pop();
    while (socket?.destroyed) socket = idle.pop();
    if (socket === undefined) request.socket = open(request);
    else {
      request.socket = socket;
      socket.request = request;
      socket.write(message);
    }
  };

  return new Promise((resolve) => {
    const startMs = performance.now();
    let sent = 0;
    let tickMs = startMs;
    let lagMs = 0;
    const tick = setInterval(() => {
      const nowMs = performance.now();
      lagMs = Math.max(lagMs, nowMs - tickMs - TICK_MS);
      tickMs = nowMs;
      const elapsed = (nowMs - startMs) / 1000;
      counts = elapsed >= skipSeconds;
      if (elapsed < seconds) for (; sent < elapsed * rate; sent++) ask(nowMs);
      while (waiting.length > 0 && (waiting[0].settled || nowMs - waiting[0].fromMs >= giveUpMs)) {
        const request = waiting.shift();
        if (request.settled) continue;
        settle(request, 'late');
        request.socket.destroy();
      }
      if (elapsed < seconds || waiting.length > 0) return;
      clearInterval(tick);
      for (const socket of sockets) socket.destroy();
      waits.sort((a, b) => a - b);
      resolve({
        ...outcomes,
        lagMs: Math.round(lagMs),
        p50: waits[waits.length >> 1],
        p99: waits[Math.floor(waits.length * 0.99)],
      });
    }, TICK_MS);
  });
}

process.on('message', async (order) => process.send(await openLoop(order)));
