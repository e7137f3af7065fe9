// node pod.mjs NAME: a Pod that serves HTTP on 8080 and echoes TCP on 8081. It says a line when it listens.
import { createServer } from 'node:http';
import { createServer as createTcp } from 'node:net';

const [name] = process.argv.slice(2);
const http = createServer((request, response) => {
  request.resume();
  const { pathname } = new URL(request.url, 'http://pod');
  const what = pathname.split('/').at(-1);
  if (what === 'hang') return;
  if (what === 'slow') setTimeout(() => response.end(name), 500);
  else if (what === 'stream') {
    const timer = setInterval(() => response.write('more of it\n'), 50);
    response.on('close', () => clearInterval(timer));
  } else if (what === 'bulk') {
    const bytes = Buffer.alloc(8 * 2 ** 20, 'b');
    response.end(bytes);
  } else response.end(name);
});
http.on('upgrade', (_request, socket) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n');
  socket.pipe(socket);
});
const tcp = createTcp((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
});
http.listen(8080, '0.0.0.0', () => tcp.listen(8081, '0.0.0.0', () => console.log('listening')));
