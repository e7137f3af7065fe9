// http-proxy as its README sets it up behind a server, with forwarded fields, WebSockets and a keep-alive agent. A process
// of its own, for some ordinary exchanges end it. Arguments: the Pod's port, the port to listen on (0: any).
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy';

const [target, port] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true });
const proxy = httpProxy.createProxyServer({ target: { host: '127.0.0.1', port: target }, xfwd: true, agent });
// Without this listener one failed Pod ends the process.
proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response) {
    if (!response.headersSent) response.writeHead(502, { 'Content-Type': 'text/plain' });
    response.end('proxy error');
  } else response.destroy();
});
const server = createServer((request, response) => proxy.web(request, response));
server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
server.listen(port, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit(0));
