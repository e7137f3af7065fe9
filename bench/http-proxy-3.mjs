// For comparison, where installed: http-proxy-3 as its documentation sets it up, with a keep-alive agent and the forwarded fields.
import { Agent, createServer } from 'node:http';
import httpProxy from 'http-proxy-3';

const [, , port, target] = process.argv;
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${target}`,
  agent: new Agent({ keepAlive: true, maxSockets: 1024 }),
  xfwd: true,
});
proxy.on('error', (_error, _request, response) => {
  if ('writeHead' in response && !response.headersSent) response.writeHead(502);
  response.end();
});
createServer((request, response) => proxy.web(request, response)).listen(Number(port), '127.0.0.1');
