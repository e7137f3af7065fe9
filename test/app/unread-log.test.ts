/**
 * Nobody reads the log (cases B6: containerd/containerd#9342, nodejs/node#12970): the built program serves on, and ends as SPEC 1
 * says. What could not be written is counted.
 */
import { expect, it } from 'vitest';
import { RawClient } from '../helpers/raw-client.ts';
import { poll } from '../helpers/waiting.ts';
import { sampleValue } from '../observe/exposition.ts';
import { type Scope, stage } from './support/stage.ts';
import { type Unread, UnreadSidecar } from './support/unread.ts';

const KINDS: readonly Unread[] = [
  'a FIFO never read',
  'a full pipe',
  'a closed pipe',
  'a socket never read',
  'a stalled terminal',
];
/** Lines of some 4 KB: more than a pipe (64 KiB) and a socket (some 300 KB) hold. */
const REQUESTS = 200;
const REQUEST = `GET /${'r'.repeat(4000)} HTTP/1.1\r\nHost: db\r\n\r\n`;
/** Nine of them start side by side. */
const LIMIT = { timeout: 60_000 };
const STOPPED = { status: 0, signal: null };

/** A sidecar that has served so much that its log waits for a reader. */
async function served(scope: Scope, kind: Unread) {
  const scene = await stage(scope);
  const running = await UnreadSidecar.start(scope, kind, (part) => scene.document(part));
  const client = await RawClient.connect(Number(new URL(running.url).port));
  const statuses = new Set<number>();
  for (let n = 0; n < REQUESTS; n++) statuses.add((await client.exchange(REQUEST)).status);
  expect(statuses).toEqual(new Set([200]));
  return { scene, running, client };
}

it.concurrent.for(KINDS)(
  'B6: stderr is %s: all is served; SIGTERM ends it with 0',
  LIMIT,
  async (kind, test) => {
    const { running } = await served(test, kind);
    running.signal('SIGTERM');
    expect(await running.exited(2500)).toEqual(STOPPED);
  },
);

it.concurrent.for(['a FIFO never read', 'a stalled terminal'] as const)(
  'B6: stderr is %s: a second signal ends it at once with 1',
  LIMIT,
  async (kind, test) => {
    const { scene, running, client } = await served(test, kind);
    const held: string[] = [];
    for (const pod of scene.pods) pod.onRequest = (_, { target }) => void held.push(target);
    client.send('GET /held HTTP/1.1\r\nHost: db\r\n\r\n');
    await poll(() => held.length > 0, 'the request at a Pod');
    running.signal('SIGTERM');
    await poll(async () => (await fetch(`${running.admin}/readyz`)).status === 503, 'the stop to begin');
    running.signal('SIGTERM');
    expect(await running.exited(1000)).toEqual({ status: 1, signal: null });
  },
);

it.concurrent('B6: stderr is a FIFO never read: POST /quit ends it with 0', LIMIT, async (test) => {
  const { running } = await served(test, 'a FIFO never read');
  expect((await fetch(`${running.debug}/quit`, { method: 'POST' })).status).toBe(202);
  expect(await running.exited(2500)).toEqual(STOPPED);
});

it.concurrent('what went to a closed pipe is counted as dropped', LIMIT, async (test) => {
  const { running } = await served(test, 'a closed pipe');
  const scrape = await (await fetch(`${running.admin}/metrics`)).text();
  expect(sampleValue(scrape, 'headroute_log_lines_dropped_total', {})).toBeGreaterThan(REQUESTS);
});
