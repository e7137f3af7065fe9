/** A request as far as a Pod looks at it. */
export interface PodRequest {
  readonly id: string;
  readonly kind: 'write' | 'read' | 'tunnel';
  readonly key: string;
  /** Which run of which sidecar sent it. */
  readonly by: string;
  /** Bytes of padding that the answer shall have, and how its end is told. */
  readonly answerBytes: number;
  readonly answerForm: 'length' | 'chunked' | 'close';
  readonly expectsContinue: boolean;
  readonly bodyBytes: number | 'chunked';
}

export const REQUEST_LINE = /^(GET|POST) \/([wru])\/([\w.-]+)\/([\w.-]+)/;

/** Reads a head that is whole. headroute sends valid ones: this parser may be simple. */
export function parseHead(head: string): PodRequest {
  const match = REQUEST_LINE.exec(head);
  if (match === null) throw new Error(`a Pod got ${JSON.stringify(head.slice(0, 200))}`);
  const field = (name: string): string | null =>
    new RegExp(`^${name}:[ \t]*(.*?)[ \t]*$`, 'im').exec(head)?.[1] ?? null;
  const [, , letter, id, key] = match;
  const chunked = field('transfer-encoding') !== null;
  return {
    id: id!,
    key: key!,
    kind: letter === 'w' ? 'write' : letter === 'r' ? 'read' : 'tunnel',
    by: field('x-by') ?? '',
    answerBytes: Number(field('x-answer-bytes') ?? 0),
    answerForm: (field('x-answer-form') ?? 'length') as PodRequest['answerForm'],
    expectsContinue: field('expect') !== null,
    bodyBytes: chunked ? 'chunked' : Number(field('content-length') ?? 0),
  };
}

/** Takes a request's body off a stream, and checks each byte: it is the request's id, over and over. */
export class BodyReader {
  readonly #pattern: Buffer;
  readonly #period: number;
  #left: number;
  #chunked: boolean;
  #rest = '';
  #taken = 0;
  whole: boolean;
  right = true;

  constructor(request: PodRequest) {
    this.#period = request.id.length;
    this.#pattern = Buffer.alloc(128 * 1024 + this.#period, request.id);
    this.#chunked = request.bodyBytes === 'chunked';
    this.#left = request.bodyBytes === 'chunked' ? 0 : request.bodyBytes;
    this.whole = !this.#chunked && this.#left === 0;
  }

  /** @returns how many of the bytes belong to the body */
  take(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.whole) {
      if (this.#left > 0) {
        const n = Math.min(this.#left, bytes.length - at, 128 * 1024);
        this.#check(bytes.subarray(at, at + n));
        this.#left -= n;
        at += n;
        if (this.#left === 0 && !this.#chunked) this.whole = true;
      } else at = this.#chunkLine(bytes, at);
    }
    return at;
  }

  #check(bytes: Buffer): void {
    const phase = this.#taken % this.#period;
    if (!bytes.equals(this.#pattern.subarray(phase, phase + bytes.length))) this.right = false;
    this.#taken += bytes.length;
  }

  /** Size lines, the line ends after chunks, and the empty line at the end, a byte at a time: they are few. */
  #chunkLine(bytes: Buffer, from: number): number {
    let at = from;
    while (at < bytes.length) {
      this.#rest += String.fromCharCode(bytes[at++]!);
      if (!this.#rest.endsWith('\r\n')) continue;
      const line = this.#rest;
      if (line === '\r\n') {
        this.#rest = '';
        continue;
      }
      if (/^0+\r\n/.test(line)) {
        if (!line.endsWith('\r\n\r\n')) continue;
        this.whole = true;
        return at;
      }
      this.#left = Number.parseInt(line, 16);
      this.#rest = '';
      return at;
    }
    return at;
  }
}
