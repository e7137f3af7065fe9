/** Probes of servers without HTTP: when an answer is whole, what it shows, who asks (SPEC 2, `tcp`, `auth`, `lineage`). */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProbeResult } from '../../../src/control/probe/probe-result.ts';
import { probesOver } from '../../../src/control/probe/run-probe.ts';
import type { LineageSource, TcpExchangeProbe } from '../../../src/model/config.ts';
import { TlsClients } from '../../../src/platform/tls/clients.ts';

const runProbe = probesOver(new TlsClients());
const servers: Server[] = [];
const sockets = new Set<Socket>();
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers whatever it gets first, and keeps the connection open. */
async function server(answer: (socket: Socket) => void): Promise<{ port: number; heard: () => string }> {
  let heard = '';
  const listening = createServer((socket) => {
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('data', (data) => {
        if (heard === '') setImmediate(() => answer(socket));
        heard += data.toString('latin1');
      });
  });
  servers.push(listening);
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  return { port: (listening.address() as AddressInfo).port, heard: () => heard };
}

const INFO: TcpExchangeProbe = {
  type: 'tcp',
  port: null,
  send: 'INFO replication\r\n',
  reply: 'RESP',
  auth: null,
  expectContains: '\r\nrole:master\r\n',
};
const LINEAGE: LineageSource = { id: { line: 'master_replid' }, previous: { line: 'master_replid2' } };
const ID = 'a'.repeat(40);
const OLD = 'b'.repeat(40);

/** A probe that would take a minute if nothing told it that the answer is whole. */
function run(port: number, probe = INFO, timeoutMs = 60_000): Promise<ProbeResult> {
  const target = { addresses: ['127.0.0.1'], port, dnsName: 'db-0' };
  return new Promise((resolve) =>
    runProbe(probe, { term: null, lineage: LINEAGE }, target, timeoutMs, resolve),
  );
}

function bulk(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

function info(role: string, previous = '0'.repeat(40)): string {
  return bulk(
    ['# Replication', `role:${role}`, `master_replid:${ID}`, `master_replid2:${previous}`, ''].join('\r\n'),
  );
}

describe('a reply of Redis', () => {
  it.each([
    ['a master that was never promoted', info('master'), { id: ID, previous: null }],
    ['a promoted one', info('master', OLD), { id: ID, previous: OLD }],
    ['a server without the line of whom it followed', info('master').replace('replid2', 'replidx'), null],
    ['one without an id', info('master').replace('replid:', 'replidx'), null],
  ])('%s claims with its lineage', async (_, answer, lineage) => {
    const { port } = await server((socket) => socket.write(answer));
    expect(await run(port)).toMatchObject({ outcome: 'success', answered: true, lineage });
  });

  it('byte by byte is believed no sooner than whole', async () => {
    const { port } = await server(async (socket) => {
      for (const byte of info('master', OLD)) {
        socket.write(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    expect(await run(port)).toMatchObject({ outcome: 'success', lineage: { id: ID, previous: OLD } });
  });

  it.each([
    ['a replica', info('slave'), 'answered role:slave, not role:master', undefined],
    [
      'an error',
      '-LOADING Redis is loading the dataset in memory\r\n',
      'answered "-LOADING Redis is loading the dataset in memory"',
      true,
    ],
    [
      'no password given',
      '-NOAUTH Authentication required.\r\n',
      'answered "-NOAUTH Authentication required."',
      true,
    ],
    ['nil', '$-1\r\n', 'the answer lacks the expected text: "$-1"', undefined],
    [
      'another protocol',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      'answered "the answer is not RESP: HTTP/1.1 400 Bad Request"',
      true,
    ],
    ['an endless list', '*999999\r\n', 'answered "the answer is too large: *999999"', true],
  ])('%s fails at once, and says what was answered', async (_, answer, reason, unclear) => {
    const { port } = await server((socket) => socket.write(answer));
    const result = await run(port);
    expect(result).toMatchObject({ outcome: 'failure', answered: true });
    expect(result.reason).toContain(reason);
    expect(result.unclear).toBe(unclear);
  });

  it('half an answer is none, though the wanted text is in it', async () => {
    const { port } = await server((socket) => socket.write(info('master').slice(0, 60)));
    expect(await run(port, INFO, 150)).toMatchObject({ outcome: 'error', answered: false });
  });

  it('half an answer and a FIN is none either', async () => {
    const { port } = await server((socket) => socket.end(info('master').slice(0, 60)));
    expect(await run(port)).toMatchObject({ outcome: 'error', answered: false });
  });
});

describe('auth', () => {
  const auth = { username: 'app', password: 'p w\r\nFLUSHALL\r\n' };

  it('is sent before the question, and no byte of it can be taken for a command', async () => {
    const { port, heard } = await server((socket) => socket.write(`+OK\r\n${info('master')}`));
    expect((await run(port, { ...INFO, auth })).outcome).toBe('success');
    expect(heard()).toBe(`*3\r\n$4\r\nAUTH\r\n$3\r\napp\r\n$15\r\n${auth.password}\r\nINFO replication\r\n`);
  });

  it('goes without a name to the default user', async () => {
    const { port, heard } = await server((socket) => socket.write(`+OK\r\n${info('master')}`));
    await run(port, { ...INFO, auth: { username: null, password: 'é' } });
    expect(heard()).toContain('*2\r\n$4\r\nAUTH\r\n$2\r\n');
  });

  it.each([
    'AUTH p\r\nINFO replication\r\n',
    'AUTH p\nINFO replication\n',
    '*2\r\n$4\r\nAUTH\r\n$1\r\np\r\nINFO replication',
  ])('several commands in one send have as many replies: %j', async (send) => {
    const { port } = await server((socket) => {
      socket.write('+OK\r\n');
      setTimeout(() => socket.write(info('master')), 30);
    });
    expect((await run(port, { ...INFO, send })).outcome).toBe('success');
  });

  it('the answer to AUTH alone is not the whole answer', async () => {
    const { port } = await server((socket) => {
      socket.write('+OK\r\n');
      setTimeout(() => socket.write(info('master')), 30);
    });
    expect((await run(port, { ...INFO, auth })).outcome).toBe('success');
  });

  it('a server that wants none may answer all the same', async () => {
    const { port } = await server((socket) =>
      socket.write(`-ERR AUTH <password> called without any password configured\r\n${info('master')}`),
    );
    expect((await run(port, { ...INFO, auth })).outcome).toBe('success');
  });

  it('a wrong password fails at once, and is not shown', async () => {
    const { port } = await server((socket) =>
      socket.write('-WRONGPASS s3cret is wrong\r\n-NOAUTH Authenticate.\r\n'),
    );
    const result = await run(port, { ...INFO, auth: { username: null, password: 's3cret' } });
    expect(result).toMatchObject({
      outcome: 'failure',
      reason: 'answered "-WRONGPASS [redacted] is wrong; -NOAUTH Authenticate."',
    });
  });
});

it.each([
  ['imok\n', 'success'],
  ['not now\n', 'failure'],
])('a line: %j is a %s at once', async (answer, outcome) => {
  const { port } = await server((socket) => socket.write(answer));
  const probe: TcpExchangeProbe = { ...INFO, send: 'ruok', reply: 'Line', expectContains: 'imok' };
  expect(await run(port, probe)).toMatchObject({ outcome, answered: true });
});
