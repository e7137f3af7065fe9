/** docs/logs.md names every field and every end that lines can have. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { HoldSummary } from '../../src/data/placement/hold-summary.ts';
import { CONNECTION_ENDS } from '../../src/model/connection-end.ts';
import { type LogLine, recordingLogger } from '../helpers/recording-logger.ts';
import { lines as head, scene } from '../helpers/scene.ts';
import { VirtualClock } from '../helpers/virtual-clock.ts';
import { poll } from '../helpers/waiting.ts';

const text = readFileSync('docs/logs.md', 'utf8');
const named = new Set([...text.matchAll(/`([A-Za-z_]+)`/g)].map(([, word]) => word!));

function unnamed(line: LogLine | undefined): string[] {
  const { level, message, kind, ...fields } = line!;
  return Object.keys(fields).filter((field) => !named.has(field));
}

it('the fields of a request and of a connection', async () => {
  const logged: LogLine[] = [];
  const stage = await scene({ access: true, logger: recordingLogger(logged) });
  await (await stage.client()).exchange(head('GET / HTTP/1.1', 'Host: a'));
  const tcp = await scene({ access: true, logger: recordingLogger(logged), protocol: 'TCP' });
  (await tcp.client()).reset();
  await poll(() => logged.length === 2, 'two lines');
  expect(logged.map(({ message }) => message).sort()).toEqual(['connection', 'request']);
  expect(logged.flatMap(unnamed)).toEqual([]);
});

it('the fields of those that wait', () => {
  const logged: LogLine[] = [];
  const clock = new VirtualClock();
  const waiting = () => ({ size: 0, longestMs: 0 });
  const summary = new HoldSummary({ logger: recordingLogger(logged), clock, waiting });
  summary.began('db');
  summary.close();
  expect(unnamed(logged[0])).toEqual([]);
});

it('each end of a connection', () => {
  expect(CONNECTION_ENDS.filter((end) => !new RegExp(`^\\| \`${end}\` \\|`, 'm').test(text))).toEqual([]);
});
