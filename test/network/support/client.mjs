// node client.mjs HOST PORT PATH: asks for it, or with `-` says a word over TCP; says a line when the first bytes have come.
import { connect } from 'node:net';

const [host, port, path] = process.argv.slice(2);
const socket = connect({ host, port: Number(port) });
socket.write(path === '-' ? 'hello' : `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
socket.once('data', () => console.log('receiving'));
socket.resume();
