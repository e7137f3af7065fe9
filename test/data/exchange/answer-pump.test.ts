import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AnswerPump } from '../../../src/data/exchange/answer-pump.ts';
import { RawSide } from '../../../src/data/forward/raw-side.ts';
import { RequestHead } from '../../../src/data/http1/request-head.ts';
import { BLOCK_BYTES, Blocks } from '../../../src/data/merge/blocks.ts';
import { SlicePart } from '../../../src/data/merge/body-parts.ts';
import { ComposedBody } from '../../../src/data/merge/composed-body.ts';
import { H1Answer } from '../../../src/data/respond/h1-answer.ts';
import { WorkSlices } from '../../../src/platform/work-slices.ts';
import { RawClient } from '../../helpers/raw-client.ts';
import { poll } from '../../helpers/waiting.ts';
import { Unbounded } from '../merge/support.ts';

const ANSWERS = 12;
const ANSWER_BYTES = 2_000_000;

function requestHead(text: string): RequestHead {
  const head = new RequestHead();
  head.begin();
  head.parse(Buffer.from(text), 0, text.length, { headBytes: 1024, headers: 10 });
  return head;
}

/** A pump of 24 MB to a client that does not read yet. */
async function pumping() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = await RawClient.connect((server.address() as { port: number }).port);
  client.socket.pause();
  const [socket] = await accepted;
  socket.on('error', () => {});
  onTestFinished(() => {
    client.destroy();
    socket.destroy();
    server.close();
  });
  const source = new Unbounded();
  const parts = Array.from({ length: ANSWERS }, (_, n) => {
    const blocks = new Blocks(source, ANSWER_BYTES);
    blocks.append(Buffer.alloc(ANSWER_BYTES, 0x61 + n));
    return new SlicePart(blocks, 0, ANSWER_BYTES, true);
  });
  const seen = { handedOn: 0, written: 0, givenBack: [] as boolean[] };
  const crashes: unknown[] = [];
  const owner = {
    handedOn(bytes: number) {
      seen.handedOn += bytes;
    },
    written: () => void seen.written++,
    giveBack: (_out: Buffer, isUnused: boolean) => void seen.givenBack.push(isUnused),
    mistakeMet: (error: unknown) => void crashes.push(error),
  };
  const out = Buffer.alloc(BLOCK_BYTES);
  const answer = new H1Answer({
    socket,
    closing: false,
    requestComplete: true,
    wrote: () => {},
    finished: () => {},
    cut: () => {},
    detach: () => new RawSide(socket, null, null),
  });
  const body = new ComposedBody(parts);
  answer.expect(requestHead('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  answer.compose({ status: 200, headers: [] }, body.length);
  const pump = new AnswerPump(answer, new WorkSlices(), owner, out, body);
  pump.start();
  await poll(
    () => seen.handedOn > BLOCK_BYTES && socket.writableLength > 0,
    () => 'the kernel to take no more',
  );
  return { client, socket, source, seen, pump, crashes };
}

describe('an answer for a client that does not read', () => {
  it('goes on by one piece at a time, and all of it once the client reads; what was sent is freed', async () => {
    const { client, socket, source, seen } = await pumping();
    expect(socket.writableLength).toBeLessThanOrEqual(BLOCK_BYTES);
    expect(seen).toMatchObject({ written: 0, givenBack: [] });
    expect(source.bytes).toBeGreaterThan(0);
    client.socket.resume();
    await poll(
      () => seen.givenBack.length > 0,
      () => 'the end',
      20_000,
    );
    const head = `HTTP/1.1 200 OK\r\nContent-Length: ${ANSWERS * ANSWER_BYTES}\r\n\r\n`;
    const length = head.length + ANSWERS * ANSWER_BYTES;
    expect(seen).toEqual({ handedOn: length, written: 1, givenBack: [true] });
    expect(source.bytes).toBe(0);
    await poll(
      () => client.rest.length === length,
      () => 'all to arrive',
      20_000,
    );
    const expected = Array.from({ length: ANSWERS }, (_, n) => Buffer.alloc(ANSWER_BYTES, 0x61 + n));
    expect(client.rest.equals(Buffer.concat([Buffer.from(head), ...expected]))).toBe(true);
  });

  it('ends when it is cancelled', async () => {
    const { client, socket, seen, pump } = await pumping();
    pump.cancel();
    const { handedOn } = seen;
    client.socket.resume();
    await poll(
      () => socket.writableLength === 0,
      () => 'what was handed on to be sent',
    );
    expect(seen).toEqual({ handedOn, written: 0, givenBack: [false] });
  });

  it('costs its connection, not the process, where a mistake is met once the kernel has taken a piece', async () => {
    const { client, source, crashes } = await pumping();
    const mistake = new Error('mistake');
    source.giveBack = () => {
      throw mistake;
    };
    client.socket.resume();
    await poll(
      () => crashes.length > 0,
      () => 'the mistake to be told',
    );
    expect(crashes).toEqual([mistake]);
  });
});
