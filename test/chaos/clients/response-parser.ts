/** An answer as far as it came. */
export interface Answer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
  /** By its framing: what came is all of it. */
  readonly whole: boolean;
}

type Framing = { readonly is: 'length'; readonly bytes: number } | { readonly is: 'chunked' | 'close' };

/** Reads answers from a client's connection, one after another; strict where headroute could get it wrong. */
export class ResponseParser {
  #bytes: Buffer = Buffer.alloc(0);
  #head = '';
  #status = 0;
  #framing: Framing | null = null;
  /** Seen since `takeContinues`. */
  continues = 0;

  feed(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
  }

  /** The next whole answer, or null: it is not all here. */
  next(): Answer | null {
    while (this.#framing === null) if (!this.#readHead()) return null;
    const framing = this.#framing;
    switch (framing.is) {
      case 'close':
        return null;
      case 'length':
        return this.#bytes.length < framing.bytes ? null : this.#take(framing.bytes, framing.bytes);
      case 'chunked':
        return this.#chunked();
    }
  }

  /** The connection has ended. @param clean by a FIN @returns what there was of an answer, or null: nothing */
  end(clean: boolean): Answer | null {
    if (this.#framing === null) return null;
    const whole = clean && this.#framing.is === 'close';
    return { status: this.#status, head: this.#head, body: this.#bytes, whole };
  }

  #readHead(): boolean {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end === -1) return false;
    const head = this.#bytes.toString('latin1', 0, end + 2);
    this.#bytes = this.#bytes.subarray(end + 4);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? Number.NaN);
    if (Number.isNaN(status)) throw new Error(`no answer: ${JSON.stringify(head.slice(0, 80))}`);
    if (status === 100) {
      this.continues++;
      return true;
    }
    this.#head = head;
    this.#status = status;
    const length = /^content-length: *(\d+)\r$/im.exec(head);
    if (status === 101) this.#framing = { is: 'length', bytes: 0 };
    else if (/^transfer-encoding: *chunked\r$/im.test(head)) this.#framing = { is: 'chunked' };
    else if (length !== null) this.#framing = { is: 'length', bytes: Number(length[1]) };
    else this.#framing = { is: 'close' };
    return true;
  }

  #take(bodyBytes: number, used: number, body = this.#bytes.subarray(0, bodyBytes)): Answer {
    const answer = { status: this.#status, head: this.#head, body, whole: true };
    this.#bytes = this.#bytes.subarray(used);
    this.#framing = null;
    return answer;
  }

  #chunked(): Answer | null {
    const parts: Buffer[] = [];
    let at = 0;
    for (;;) {
      const lineEnd = this.#bytes.indexOf('\r\n', at);
      if (lineEnd === -1) return null;
      const size = Number.parseInt(this.#bytes.toString('latin1', at, lineEnd), 16);
      const start = lineEnd + 2;
      if (this.#bytes.length < start + size + 2) return null;
      if (size === 0) {
        const body = Buffer.concat(parts);
        return this.#take(body.length, start + 2, body);
      }
      parts.push(this.#bytes.subarray(start, start + size));
      at = start + size + 2;
    }
  }
}

/** A field's value, or null. */
export function fieldOf(head: string, name: string): string | null {
  return new RegExp(`^${name}: *(.*?) *\r$`, 'im').exec(head)?.[1] ?? null;
}
