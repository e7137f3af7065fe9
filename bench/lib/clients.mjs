// The two clients: wrk, and one of our own on node:net for those who distrust one client.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { which, writeTemporary } from './processes.mjs';

/** A load: `{ path, connections, method, body, fields, close }`. Returns `{ requests, rps, p50, p99, p999 }`, latencies in ms. */
export async function wrk(port, load, seconds) {
  const script = writeTemporary(
    'load.lua',
    `wrk.method = "${load.method ?? 'GET'}"
${load.body ? `wrk.body = string.rep("z", ${load.body})` : ''}
${load.close ? 'wrk.headers["Connection"] = "close"' : ''}
${fieldsOf(load)
  .map(([name, text]) => `wrk.headers["${name}"] = "${text}"`)
  .join('\n')}
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
`,
  );
  const args = [
    '-t1',
    `-c${load.connections}`,
    `-d${seconds}s`,
    '-s',
    script,
    `http://127.0.0.1:${port}${load.path}`,
  ];
  const { stdout } = await promisify(execFile)(which('wrk'), args, { timeout: (seconds + 20) * 1000 });
  const [requests, durationUs, p50, p99, p999, bad, broken] = /RESULT (.*)/
    .exec(stdout)[1]
    .split(' ')
    .map(Number);
  // wrk counts a connection that ends after its answer as a read error where keep-alive is off.
  if (bad > 0 || (!load.close && broken > 0))
    throw new Error(`${bad} bad answers, ${broken} broken connections`);
  return { requests, rps: requests / (durationUs / 1e6), p50: p50 / 1e3, p99: p99 / 1e3, p999: p999 / 1e3 };
}

/** The same with sockets of our own: one request at a time on each connection, answers told apart by Content-Length. */
export async function ownClient(port, load, seconds) {
  if (load.close || load.path === '/chunked')
    throw new Error('the own client does keep-alive and Content-Length only');
  const body = load.body ? 'z'.repeat(load.body) : '';
  const lines = fieldsOf(load).map(([name, text]) => `${name}: ${text}\r\n`);
  const head = `${load.method ?? 'GET'} ${load.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join('')}`;
  const message = Buffer.from(`${head}${body ? `Content-Length: ${body.length}\r\n` : ''}\r\n${body}`);
  const latencies = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1000;
  await Promise.all(
    Array.from({ length: load.connections }, () => oneConnection(port, message, endMs, latencies)),
  );
  return summary(latencies, performance.now() - startMs);
}

/**
 * Many connections that are all open and take turns: `inFlight` requests at a time, each on the connection that has waited longest.
 * @returns `{ ask(seconds), close() }`; `ask` returns what `wrk` does
 */
export async function takingTurns(port, path, connections, inFlight) {
  const message = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const sockets = [];
  // A few at a time: a listener's backlog is not what is measured.
  while (sockets.length < connections) {
    const count = Math.min(100, connections - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: count }, () => connected(port)))));
  }
  let next = 0;
  const one = (socket) =>
    new Promise((resolve, reject) => {
      socket.once('data', (chunk) =>
        chunk.subarray(0, 12).toString('latin1') === 'HTTP/1.1 200'
          ? resolve()
          : reject(new Error(chunk.toString('latin1', 0, 60))),
      );
      socket.write(message);
    });
  return {
    async ask(seconds) {
      const latencies = [];
      const startMs = performance.now();
      const endMs = startMs + seconds * 1000;
      const lane = async () => {
        while (performance.now() < endMs) {
          const sentMs = performance.now();
          await one(sockets[next++ % sockets.length]);
          latencies.push(performance.now() - sentMs);
        }
      };
      await Promise.all(Array.from({ length: Math.min(inFlight, connections) }, lane));
      return summary(latencies, performance.now() - startMs);
    },
    close() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function connected(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  socket.on('error', () => {});
  return socket;
}

function summary(latencies, elapsedMs) {
  latencies.sort((a, b) => a - b);
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))];
  return {
    requests: latencies.length,
    rps: latencies.length / (elapsedMs / 1000),
    p50: at(0.5),
    p99: at(0.99),
    p999: at(0.999),
  };
}

function fieldsOf(load) {
  return Object.entries(load.fields ?? {});
}

function oneConnection(port, message, endMs, latencies) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let head = '';
    let left = -1;
    let sentMs = 0;
    const send = () => {
      sentMs = performance.now();
      socket.write(message);
    };
    socket.on('connect', send).on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk) => {
      let rest = chunk.length;
      if (left < 0) {
        head += chunk.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        if (!head.startsWith('HTTP/1.1 200')) return socket.destroy(new Error(head.slice(0, 60)));
        left = Number(/content-length: (\d+)/i.exec(head.slice(0, end))[1]);
        rest = head.length - end - 4;
        head = '';
      }
      left -= rest;
      if (left > 0) return;
      left = -1;
      latencies.push(performance.now() - sentMs);
      if (performance.now() < endMs) send();
      else socket.end();
    });
  });
}
