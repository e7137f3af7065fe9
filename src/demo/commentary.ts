/** Says what happens: one line an event, and on a terminal one line that keeps moving beneath them. */
export class Commentary {
  readonly #write: (text: string) => void;
  readonly #terminal: boolean;
  readonly #startMs = performance.now();
  #status = '';

  /** @param terminal colours and a moving line, where the output is one */
  constructor(write: (text: string) => void, terminal: boolean) {
    this.#write = write;
    this.#terminal = terminal;
  }

  say(text: string, colour: Colour = 'plain'): void {
    const at = `${((performance.now() - this.#startMs) / 1000).toFixed(1)}s`.padStart(6);
    this.#line(`${this.#paint(at, 'dim')}  ${this.#paint(text, colour)}`);
  }

  /** Text of several lines, indented, without a time. */
  quote(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#line(`          ${this.#paint(line, 'dim')}`);
  }

  /** Replaces the moving line; nothing in a pipe. */
  status(text: string): void {
    if (!this.#terminal) return;
    const width = Math.max(20, (process.stdout.columns ?? 80) - 1);
    this.#status = text.slice(0, width);
    this.#write(`\r\x1b[K${this.#status}`);
  }

  /** Takes the moving line away. */
  end(): void {
    if (this.#status !== '') this.#write('\r\x1b[K');
    this.#status = '';
  }

  #line(text: string): void {
    if (this.#terminal) this.#write('\r\x1b[K');
    this.#write(`${text}\n`);
    if (this.#status !== '') this.#write(this.#status);
  }

  #paint(text: string, colour: Colour): string {
    return this.#terminal ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text;
  }
}

export type Colour = keyof typeof CODES;

const CODES = { plain: 0, dim: 2, good: 32, bad: 31, event: 36 } as const;
