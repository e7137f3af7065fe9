import type { Socket } from 'node:net';
import { answerOf } from './answer.ts';
import type { Member } from './member.ts';
import { BodyReader, type PodRequest, parseHead, REQUEST_LINE } from './request-parser.ts';

const HEAD_END = '\r\n\r\n';
let requests = 0;

/** One connection of a Pod's data port: HTTP, or lines of writes (`W id key by`), on TCP or after an upgrade. */
export class DataConnection {
  readonly #c: number;
  readonly #socket: Socket;
  readonly #member: Member;
  #speaks: 'unknown' | 'http' | 'lines' = 'unknown';
  #text = '';
  #request: PodRequest | null = null;
  #body: BodyReader | null = null;
  /** A request is being served: what comes meanwhile waits. */
  #busy = false;
  #waiting: Buffer[] = [];
  #withheld: (string | Buffer)[] = [];
  #idle: NodeJS.Timeout | null = null;
  /** This request's turn to be reset. */
  #unlucky = false;
  /** Of the body that is cut so many bytes are read first. */
  #readBeforeReset = 0;
  /** It has answered before the body was whole: what still comes is nobody's. */
  #over = false;

  constructor(c: number, socket: Socket, member: Member) {
    this.#c = c;
    this.#socket = socket;
    this.#member = member;
    socket.on('error', () => {});
    socket.on('data', (bytes) => this.#take(bytes));
    const review = (): void => {
      if (member.faults.deaf) socket.pause();
      else socket.resume();
      if (!member.faults.mute) for (const bytes of this.#withheld.splice(0)) socket.write(bytes);
    };
    socket.on('close', member.whenFaultsChange(review));
    review();
  }

  #take(bytes: Buffer): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const { log } = this.#member;
    const lag = log.lag();
    const { on } = this.#member.claim();
    if (this.#speaks === 'unknown') this.#speaks = bytes[0] === 0x57 ? 'lines' : 'http';
    const id =
      this.#request?.id ?? REQUEST_LINE.exec(this.#text + bytes.toString('latin1', 0, 200))?.[3] ?? '';
    log.write({ e: 'bytes', c: this.#c, id, n: bytes.length, lag, on });
    if (this.#speaks === 'lines') this.#lines(bytes);
    else if (this.#over) return;
    else if (this.#busy) this.#waiting.push(bytes);
    else this.#http(bytes);
  }

  #http(bytes: Buffer): void {
    let rest = bytes;
    if (this.#request === null) {
      const before = this.#text.length;
      this.#text += rest.toString('latin1');
      const end = this.#text.indexOf(HEAD_END);
      if (end === -1) return;
      rest = rest.subarray(end + 4 - before);
      this.#begin(parseHead(this.#text.slice(0, end + 2)));
      this.#text = '';
    }
    const request = this.#request as PodRequest | null;
    const body = this.#body;
    if (request === null || body === null) return;
    const taken = body.take(rest);
    this.#readBeforeReset -= taken;
    const cut = this.#unlucky && this.#member.faults.resetAt === 'request';
    if (cut && (body.whole || this.#readBeforeReset < 0)) {
      this.#reset(request);
      return;
    }
    if (!body.whole) return;
    this.#busy = true;
    this.#member.log.write({ e: 'whole', c: this.#c, id: request.id, right: body.right });
    if (taken < rest.length) this.#waiting.push(rest.subarray(taken));
    void this.#serve(request);
  }

  #begin(request: PodRequest): void {
    const { log, faults } = this.#member;
    const { on, term } = this.#member.claim();
    log.write({ e: 'head', c: this.#c, id: request.id, by: request.by, on, term, lag: log.lag() });
    this.#request = request;
    this.#body = new BodyReader(request);
    if (this.#member.store.lease.term === null && request.expectsContinue) {
      this.#refuse(request);
      return;
    }
    if (request.expectsContinue) this.#write('HTTP/1.1 100 Continue\r\n\r\n');
    this.#unlucky = faults.resetEvery > 0 && requests++ % faults.resetEvery === 0;
    if (!this.#unlucky) return;
    if (faults.resetAt === 'request') this.#readBeforeReset = partOf(request.id, 2 * 64 * 1024);
    if (faults.resetAt === 'continue' && request.expectsContinue) setTimeout(() => this.#reset(request), 5);
  }

  async #serve(request: PodRequest): Promise<void> {
    const { store, log, faults } = this.#member;
    const { term } = store.lease;
    if (term === null) return this.#refuse(request);
    if (request.kind === 'tunnel') {
      this.#speaks = 'lines';
      this.#write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chaos\r\n\r\n');
      for (const bytes of this.#waiting.splice(0)) this.#lines(bytes);
      return;
    }
    const done =
      request.kind === 'write'
        ? await store.commit(term, request.id, request.key)
        : await store.read(term, request.key);
    if (!done.ok) return this.#refuse(request);
    if (request.kind === 'write') log.write({ e: 'executed', c: this.#c, id: request.id });
    if (this.#unlucky && faults.resetAt === 'executed') return this.#reset(request);
    const answer = answerOf(request, done.value, this.#member.name);
    if (this.#unlucky && faults.resetAt === 'answer') {
      this.#write(answer.subarray(0, 1 + partOf(request.id, answer.length - 1)));
      setTimeout(() => this.#reset(request), 5);
      return;
    }
    this.#write(answer);
    log.write({ e: 'answered', c: this.#c, id: request.id });
    if (request.answerForm === 'close' || faults.closeAfterAnswer) this.#socket.end();
    else this.#next();
  }

  /** It does not lead: nothing was executed. */
  #refuse(request: PodRequest): void {
    this.#member.log.write({ e: 'refused', c: this.#c, id: request.id });
    this.#write('HTTP/1.1 421 Misdirected Request\r\nContent-Length: 0\r\n\r\n');
    if (this.#body?.whole) this.#next();
    else {
      this.#over = true;
      this.#socket.end();
    }
  }

  #next(): void {
    this.#request = this.#body = null;
    this.#busy = false;
    for (const bytes of this.#waiting.splice(0)) this.#http(bytes);
    const { closeIdleMs } = this.#member.faults;
    if (closeIdleMs > 0) this.#idle = setTimeout(() => this.#socket.end(), closeIdleMs);
  }

  #lines(bytes: Buffer): void {
    const lines = (this.#text + bytes.toString('latin1')).split('\n');
    this.#text = lines.pop()!;
    for (const line of lines) void this.#line(line);
  }

  async #line(line: string): Promise<void> {
    const [, id, key, by] = line.split(' ') as [string, string, string, string];
    const { store, log } = this.#member;
    const { on, term } = this.#member.claim();
    log.write({ e: 'head', c: this.#c, id, by, on, term, lag: log.lag() });
    log.write({ e: 'whole', c: this.#c, id, right: true });
    const { term: held } = store.lease;
    const done = held === null ? null : await store.commit(held, id, key);
    if (done?.ok) log.write({ e: 'executed', c: this.#c, id });
    else log.write({ e: 'refused', c: this.#c, id });
    this.#write(`${done?.ok ? 'OK' : 'NO'} ${id}\n`);
  }

  #write(bytes: string | Buffer): void {
    if (this.#member.faults.mute) this.#withheld.push(bytes);
    else if (this.#socket.writable) this.#socket.write(bytes);
  }

  #reset(request: PodRequest): void {
    this.#member.log.write({ e: 'reset', c: this.#c, id: request.id });
    this.#socket.resetAndDestroy();
  }
}

/** A number below `bytes` that an id decides. */
function partOf(id: string, bytes: number): number {
  let hash = 0;
  for (const char of id) hash = (Math.imul(hash, 31) + char.charCodeAt(0)) >>> 0;
  // Ids are numbers in a row: each should be far from the next.
  return (Math.imul(hash, 0x9e3779b1) >>> 0) % bytes;
}
