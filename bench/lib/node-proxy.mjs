// What the Node proxies have in common: set up as their documentation says, with a keep-alive agent and the forwarded fields.
import { Agent, createServer } from 'node:http';

/** Serves at the port of this program's first argument, for the server at the port of its second. */
export function serve(createProxyServer) {
  const [, , port, target] = process.argv;
  const proxy = createProxyServer({
    target: `http://127.0.0.1:${target}`,
    agent: new Agent({ keepAlive: true, maxSockets: 1024 }),
    xfwd: true,
  });
  proxy.on('error', (_error, _request, response) => {
    if ('writeHead' in response && !response.headersSent) response.writeHead(502);
    response.end();
  });
  createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1');
}
