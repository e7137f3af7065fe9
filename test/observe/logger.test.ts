import { describe, expect, it } from 'vitest';
import type { AccessMode } from '../../src/model/config.ts';
import { AccessLog, type AccessRecord } from '../../src/observe/access-log.ts';
import { createLogger } from '../../src/observe/logger.ts';
import { readableLine } from '../../src/observe/readable-line.ts';

const record: AccessRecord = {
  listener: 'db',
  client: '127.0.0.1:50000',
  method: 'GET',
  host: 'db',
  path: '/a',
  rule: 'reads',
  backend: 'db',
  pod: 'db-0',
  pods: null,
  status: 200,
  failure: null,
  detail: null,
  sent: true,
  attempts: 1,
  heldMs: 0,
  firstByteMs: 1.2,
  durationMs: 1.5,
  bytesReceived: 0,
  bytesSent: 12,
  traceId: null,
  userAgent: null,
};

describe('the logger', () => {
  it('writes JSON lines with ISO time, the level as a word, msg and the fields', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', pretty: false, write: (line) => lines.push(line) });
    logger.warn({ backend: 'db', err: new Error('broken') }, 'look\nup');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]*\n$/);
    const entry = JSON.parse(lines[0]!);
    expect(entry).toMatchObject({
      level: 'warn',
      msg: 'look\nup',
      backend: 'db',
      err: { message: 'broken' },
    });
    expect(entry.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(Object.keys(entry).sort()).toEqual(['backend', 'err', 'level', 'msg', 'time']);
  });

  it('changes its level while it runs, and knows what is none', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', pretty: false, write: (line) => lines.push(line) });
    logger.debug({}, 'no');
    expect(['loud', '', 'INFO', 'silent', 'constructor'].map((l) => logger.setLevel(l))).toEqual(
      Array(5).fill(false),
    );
    expect(logger.setLevel('debug')).toBe(true);
    logger.debug({}, 'yes');
    expect(logger.setLevel('error')).toBe(true);
    logger.warn({}, 'no');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['yes']);
  });

  it('writes readable lines on a terminal, in which no value can forge a line or move the cursor', () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', pretty: true, write: (line) => lines.push(line) });
    logger.info({ pod: 'db-0', reason: 'a b\u001b[2J\u009b' }, 'ready\nERROR forged');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} INFO {2}ready\\u000aERROR forged {2}pod=db-0 reason="a b\\u001b\[2J\\u009b"\n$/,
    );
    expect(readableLine('not json\n')).toBe('not json\n');
  });
});

describe('the access log', () => {
  function at(level: 'info' | 'error', mode: AccessMode) {
    const lines: string[] = [];
    const logger = createLogger({ level, pretty: false, write: (l) => lines.push(l) });
    return { lines, logger, log: new AccessLog(logger.access, mode) };
  }

  it.each(['info', 'error'] as const)(
    'at %s writes one line a request, whatever the level becomes',
    (level) => {
      const { lines, logger, log } = at(level, true);
      log.request(record);
      logger.setLevel('fatal');
      log.request(record);
      expect(lines.map((line) => JSON.parse(line))).toMatchObject(
        Array(2).fill({ ...record, level: 'info', msg: 'request' }),
      );
      logger.info({}, 'no');
      expect(lines).toHaveLength(2);
    },
  );

  it('wants every line, those of errors, or none', () => {
    const { log } = at('info', false);
    const wanted = (mode: AccessMode) => {
      log.mode = mode;
      return [log.wants(false), log.wants(true)];
    };
    expect([wanted(false), wanted('errors'), wanted(true)]).toEqual([
      [false, false],
      [false, true],
      [true, true],
    ]);
  });
});
