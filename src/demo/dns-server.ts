import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket as TcpSocket } from 'node:net';
import packet from 'dns-packet';
import type { HostPort } from '../model/config.ts';
import { type RecordData, writeReply } from './dns-wire.ts';
import { DnsZone, type ServicePod } from './dns-zone.ts';

/** A query as it arrived. */
export interface DnsQuery {
  readonly id: number;
  /** As asked, case kept, without the final dot. */
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  readonly source: HostPort;
  /** The payload size of the OPT record, or null where the query has none. */
  readonly ednsSize: number | null;
  readonly atMs: number;
}

/** What to do with one query instead of answering it from the zone. */
export type DnsBehaviour =
  | { readonly do: 'answer' }
  | { readonly do: 'drop' }
  /** Answers from the zone, later. */
  | { readonly do: 'delay'; readonly ms: number }
  | { readonly do: 'rcode'; readonly rcode: 'FORMERR' | 'SERVFAIL' | 'NXDOMAIN' | 'NOTIMP' | 'REFUSED' }
  /** Sets the TC bit and keeps only the first `keep` answers (default none). */
  | { readonly do: 'truncate'; readonly keep?: number }
  /** Sends these messages instead of the right one (over TCP each in a frame of its own). */
  | { readonly do: 'mangle'; readonly reply: (right: Buffer) => Buffer | readonly Buffer[] }
  /** TCP: writes these bytes as they are, then ends the connection. UDP: as `drop`. */
  | { readonly do: 'raw'; readonly bytes: Buffer }
  /** TCP: closes the connection. UDP: as `drop`. */
  | { readonly do: 'close' };

export interface DnsServer {
  readonly address: HostPort;
  /** Every query so far, the last 10,000. */
  readonly queries: readonly DnsQuery[];
  /** Decides per query; undefined (or nothing set) answers from the zone. */
  onQuery: ((query: DnsQuery) => DnsBehaviour | undefined) | null;
  /**
   * Publishes a headless Service: A and AAAA of it and of each Pod, SRV `_portName._tcp` with glue, PTR. Replaces what
   * was published for that port. TTL 5 s by default, as CoreDNS.
   */
  setService(
    service: string,
    portName: string | null,
    port: number,
    pods: readonly ServicePod[],
    ttlSeconds?: number,
  ): void;
  /** Replaces the records of a name and type; `[]`: the name exists without them; null: forgotten. */
  setRecords(name: string, type: string, records: readonly RecordData[] | null, ttlSeconds?: number): void;
  /** Stops the listeners and cuts open connections. */
  close(): Promise<void>;
}

export interface DnsServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: a free one, the same for UDP and TCP. */
  readonly port?: number;
  /** false: nothing listens on TCP, connections are refused (case D09). */
  readonly tcp?: boolean;
}

const RCODES = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
const KEPT_QUERIES = 10_000;
const NEGATIVE_TTL_SECONDS = 5;

/** Starts a small authoritative DNS server, UDP and TCP on one port: for the demo and for tests. */
export async function startDnsServer(options: DnsServerOptions = {}): Promise<DnsServer> {
  const host = options.host ?? '127.0.0.1';
  for (let attempt = 0; ; attempt++) {
    try {
      return await listen(host, options.port ?? 0, options.tcp ?? true);
    } catch (error) {
      // The free TCP port may be taken for UDP: pick another.
      if ((options.port ?? 0) !== 0 || attempt === 20) throw error;
    }
  }
}

async function listen(host: string, port: number, tcp: boolean): Promise<DnsServer> {
  const zone = new DnsZone();
  const queries: DnsQuery[] = [];
  const connections = new Set<TcpSocket>();
  const timers = new Set<NodeJS.Timeout>();
  const listener: Server = createServer();
  listener.listen(port, host);
  await once(listener, 'listening');
  const bound = (listener.address() as { port: number }).port;
  const udp: UdpSocket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    udp.bind(bound, host);
    await once(udp, 'listening');
  } catch (error) {
    listener.close();
    throw error;
  }
  if (!tcp) listener.close();
  udp.on('error', () => {});

  const server: DnsServer = {
    address: { host, port: bound },
    queries,
    onQuery: null,
    setService: (service, portName, servicePort, pods, ttlSeconds = 5) =>
      zone.setService(service, portName, servicePort, pods, ttlSeconds),
    setRecords: (name, type, records, ttlSeconds = 5) => zone.setRecords(name, type, records, ttlSeconds),
    async close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((done) => udp.close(() => done())),
        listener.listening ? new Promise<void>((done) => listener.close(() => done())) : null,
      ]);
    },
  };

  const later = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };

  const handle = (bytes: Buffer, transport: 'udp' | 'tcp', source: HostPort, out: Output): void => {
    const query = readQuery(bytes, transport, source);
    if (query === null) return;
    queries.push(query);
    if (queries.length > KEPT_QUERIES) queries.shift();
    const limit = transport === 'tcp' ? 65_535 : Math.max(512, Math.min(query.ednsSize ?? 512, 4096));
    const behaviour = server.onQuery?.(query) ?? { do: 'answer' };
    const right = (): Buffer => respond(zone, query, bytes, limit, behaviour);
    switch (behaviour.do) {
      case 'drop':
        return;
      case 'close':
        out.end(null);
        return;
      case 'raw':
        out.end(behaviour.bytes);
        return;
      case 'delay':
        later(behaviour.ms, () => out.send(right()));
        return;
      case 'mangle': {
        const replies = behaviour.reply(right());
        for (const reply of Array.isArray(replies) ? replies : [replies as Buffer]) out.send(reply);
        return;
      }
      default:
        out.send(right());
    }
  };

  udp.on('message', (bytes, from) => {
    handle(
      bytes,
      'udp',
      { host: from.address, port: from.port },
      {
        send: (reply) => udp.send(reply, from.port, from.address, () => {}),
        end: () => {},
      },
    );
  });
  listener.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    socket.on('error', () => {});
    const source = { host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    const out: Output = {
      send(reply) {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        if (socket.writable) socket.write(Buffer.concat([length, reply]));
      },
      end: (bytes) => (bytes === null ? socket.destroy() : socket.end(bytes)),
    };
    let buffered: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 2 && buffered.length >= 2 + buffered.readUInt16BE(0)) {
        const end = 2 + buffered.readUInt16BE(0);
        handle(buffered.subarray(2, end), 'tcp', source, out);
        buffered = buffered.subarray(end);
      }
    });
  });
  return server;
}

interface Output {
  send(reply: Buffer): void;
  end(bytes: Buffer | null): void;
}

function readQuery(bytes: Buffer, transport: 'udp' | 'tcp', source: HostPort): DnsQuery | null {
  try {
    const query = packet.decode(bytes);
    const question = query.questions?.[0];
    if (query.flag_qr || question === undefined) return null;
    const opt = query.additionals?.find((record) => record.type === 'OPT');
    return {
      id: query.id ?? 0,
      name: question.name,
      type: question.type,
      transport,
      source,
      ednsSize: opt?.type === 'OPT' ? opt.udpPayloadSize : null,
      atMs: performance.now(),
    };
  } catch {
    return null;
  }
}

function respond(
  zone: DnsZone,
  query: DnsQuery,
  bytes: Buffer,
  limit: number,
  behaviour: DnsBehaviour,
): Buffer {
  const found = zone.answer(query.name, query.type);
  const failed = behaviour.do === 'rcode' ? behaviour.rcode : null;
  const keep = behaviour.do === 'truncate' ? (behaviour.keep ?? 0) : found.answers.length;
  const answers = failed === null ? found.answers.slice(0, keep) : [];
  const negative =
    failed === 'NXDOMAIN' || (failed === null && behaviour.do !== 'truncate' && answers.length === 0);
  const reply = writeReply(
    {
      id: query.id,
      question: questionBytes(bytes),
      rcode: RCODES[failed ?? found.rcode],
      recursionDesired: (bytes.readUInt16BE(2) & 0x0100) !== 0,
      answers,
      negativeZone: negative
        ? { zone: query.name.split('.').slice(-2).join('.'), ttlSeconds: NEGATIVE_TTL_SECONDS }
        : null,
      additionals: failed === null && behaviour.do !== 'truncate' ? found.additionals : [],
      edns: query.ednsSize !== null,
    },
    limit,
  );
  if (behaviour.do === 'truncate') reply.writeUInt16BE(reply.readUInt16BE(2) | 0x0200, 2);
  return reply;
}

/** The question section of a query: a name without pointers, a type, a class. */
function questionBytes(query: Buffer): Buffer {
  let at = 12;
  while (query[at] !== 0 && at < query.length) at += 1 + query[at]!;
  return query.subarray(12, at + 5);
}
