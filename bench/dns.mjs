// A DNS server that answers every A query with 127.0.0.1: all that headroute needs to find the one Pod of the benchmark.
import { createSocket } from 'node:dgram';

const port = Number(process.argv[2]);
const socket = createSocket('udp4');
socket.on('message', (query, from) => {
  let end = 12;
  while (end < query.length && query[end] !== 0) end += query[end] + 1;
  const question = query.subarray(12, end + 5);
  const isA = query.readUInt16BE(end + 1) === 1;
  const head = Buffer.from([query[0], query[1], 0x85, 0x80, 0, 1, 0, isA ? 1 : 0, 0, 0, 0, 0]);
  const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1]);
  socket.send(Buffer.concat(isA ? [head, question, answer] : [head, question]), from.port, from.address);
});
socket.bind(port, '127.0.0.1');
