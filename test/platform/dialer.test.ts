/** The time that each address of a host has, and which failure is told of several (SPEC 2 `connectTimeout`, SPEC 3 Discovery). */
import { createServer, type Server, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { Dialer, type DialFailure } from '../../src/platform/dialer.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';

interface Dialled {
  readonly clock: VirtualClock;
  readonly result: Promise<Socket | DialFailure>;
  /** How often the user was called. */
  calls(): number;
  cancel(): void;
}

function dialled(addresses: readonly string[], port: number): Dialled {
  const clock = new VirtualClock();
  let calls = 0;
  let dial!: { cancel(): void };
  const result = new Promise<Socket | DialFailure>((resolve) => {
    const end = (value: Socket | DialFailure): void => {
      calls++;
      resolve(value);
    };
    const target = { addresses, port, timeoutMs: 1000, options: { noDelay: true } };
    dial = new Dialer(clock).dial(target, { opened: end, unopened: end });
  });
  onTestFinished(async () => {
    dial.cancel();
    const socket = await Promise.race([result, null]);
    if (socket !== null && 'destroy' in socket) socket.destroy();
  });
  return { clock, result, calls: () => calls, cancel: () => dial.cancel() };
}

/** Where nobody listens. A time that runs out before the event loop turns is a silence. */
const CLOSED = 1;

/** On one address only: its siblings of 127.0.0.0/8 refuse. */
async function listening(host: string): Promise<{ port: number; accepted: () => Promise<unknown> }> {
  const server: Server = createServer();
  const accepted = new Promise((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  onTestFinished(() => void server.close());
  return { port: (server.address() as { port: number }).port, accepted: () => accepted };
}

it('the first of two addresses stays silent: it has half of the time, the second the rest', async () => {
  const d = dialled(['127.0.0.2', '127.0.0.1'], CLOSED);
  d.clock.advance(499);
  expect(d.clock.pending).toBe(1);
  d.clock.advance(1);
  d.clock.advance(499);
  expect(d.calls()).toBe(0);
  d.clock.advance(1);
  expect(await d.result).toEqual({ kind: 'silent', error: null, reason: 'no connection within 1000 ms' });
  expect(d.clock.pending).toBe(0);
});

it('a turn of the event loop outlasts the time: the second address still has its half', async () => {
  const d = dialled(['127.0.0.2', '127.0.0.1'], CLOSED);
  d.clock.skip(5000);
  d.clock.advance(499);
  expect(d.calls()).toBe(0);
  d.clock.advance(1);
  expect(await d.result).toMatchObject({ kind: 'silent' });
});

it.each(['before', 'after'])('a refusal says more than a silence %s it', async (order) => {
  const d = dialled(['127.0.0.1', '127.0.0.2'], CLOSED);
  if (order === 'before') d.clock.advance(500);
  else {
    const after = d.clock.after.bind(d.clock);
    d.clock.after = (delayMs, run) => {
      queueMicrotask(() => d.clock.advance(1000));
      return after(delayMs, run);
    };
  }
  expect(await d.result).toMatchObject({ kind: 'refused', reason: 'ECONNREFUSED' });
});

it('the first refuses: the second is asked at once, and its socket handed over without a timer', async () => {
  const { port, accepted } = await listening('127.0.0.1');
  const d = dialled(['127.0.0.3', '127.0.0.1'], port);
  const socket = (await d.result) as Socket;
  await accepted();
  expect(socket.remoteAddress).toBe('127.0.0.1');
  expect(d.clock.pending).toBe(0);
  expect(socket.listenerCount('error')).toBe(0);
});

it('given up: nobody is called, no timer is left', async () => {
  const d = dialled(['127.0.0.1'], CLOSED);
  d.cancel();
  d.clock.advance(2000);
  expect(d.clock.pending).toBe(0);
  expect(d.calls()).toBe(0);
});
