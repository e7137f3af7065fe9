// Ten Pods in one process: every loopback address answers on the port given, each path with another kind of large answer.
import { createServer } from 'node:http';

const MB = 1_000_000;
const rows = (bytes) => {
  const row = JSON.stringify({ id: 12345678901, name: 'a name of a row', tags: ['one', 'two'], score: 0.25 });
  return Buffer.from(`{"took":1,"hits":[${Array(Math.floor(bytes / (row.length + 1))).fill(row)}]}`);
};
const deep = 2_100_000;

/** The answer of each path. */
const bodies = {
  '/merge/rows': ['application/json', rows(1.2 * MB)],
  '/all/nested': ['application/json', Buffer.from('['.repeat(deep) + ']'.repeat(deep))],
  '/all/text': ['text/plain', Buffer.from('a "quoted" line\n'.repeat((4 * MB) / 16))],
  '/all/binary': ['application/octet-stream', Buffer.alloc(4 * MB, 0xff)],
  '/lines/rows': ['application/x-ndjson', Buffer.from('{"n":1,"name":"a row"}  \n'.repeat((4 * MB) / 25))],
  '/lines/short': ['application/x-ndjson', Buffer.from('1 \n'.repeat((4 * MB) / 3))],
  '/quorum/large': ['application/json', rows(4 * MB)],
};

createServer((request, response) => {
  const [type, body] = bodies[request.url] ?? ['text/plain', Buffer.from('ok')];
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length }).end(body);
}).listen(Number(process.argv[2]), '0.0.0.0');
