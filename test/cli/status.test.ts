/** `headroute status` (SPEC 1): problems first, useful at 80 columns and with 1,000 Pods, and it survives the sidecar. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseCommand, UsageError } from '../../src/cli/arguments.ts';
import { NO_INK } from '../../src/cli/ink.ts';
import { type StatusDeps, status } from '../../src/cli/status.ts';
import { statusLines } from '../../src/cli/status-text.ts';
import type { State } from '../../src/model/state.ts';
import { findProblems } from '../../src/state/problems.ts';
import { ago, backend, cause, pod, state } from '../helpers/state.ts';
import { poll } from '../helpers/waiting.ts';

let server: Server;
let shown: unknown;
let out = '';
let err = '';

beforeEach(async () => {
  out = '';
  err = '';
  shown = judged();
  server = await serve(0);
});
afterEach(() => close());

async function serve(port: number): Promise<Server> {
  const made = createServer((_request, response) => response.end(JSON.stringify(shown)));
  await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve));
  return made;
}

function close(): Promise<unknown> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

const url = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

/** With the problems that the sidecar would find. */
function judged(part: Partial<State> = {}): State {
  const whole = state(part);
  return { ...whole, problems: findProblems(whole) };
}

function deps(part: Partial<StatusDeps> = {}): StatusDeps {
  return {
    env: {},
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    terminal: () => null,
    ...part,
  };
}

const LEADERLESS = {
  leadership: { state: 'none', reason: 'no Pod claims to lead', since: ago(12_000) },
  held: { now: 4, longestMs: 4200 },
} as const;

describe('headroute status', () => {
  it('says that all is well, with 0', async () => {
    expect(await status({ debug: url(), watch: false }, deps())).toBe(0);
    expect(out).toMatch(/^headroute 1\.2\.3: all is well {2}\(configuration 0123456789abcdef, up 1 h\)\n/);
    expect(out).toContain('db  1 of 1 Pod ready');
    expect(out).not.toContain('\x1b');
  });

  it('says what is wrong before all else and ends with 3; warnings alone are 0', async () => {
    const unready = pod({ name: 'db-1', state: 'unready', reason: 'connection refused', since: ago(40_000) });
    const causes = [cause('health', 'db-1 is unready: connection refused', 40_000, ['db-1'])];
    shown = judged({ backends: [backend({ ...LEADERLESS, pods: [pod(), unready], causes })] });
    expect(await status({ debug: url(), watch: false }, deps())).toBe(3);
    expect(out.split('\n').slice(0, 4)).toEqual([
      expect.stringMatching(/^headroute 1\.2\.3: 1 error, 2 warnings/),
      'ERROR    db: no leader: no Pod claims to lead, for 12 s',
      'WARNING  db: 4 requests wait for a Pod',
      'WARNING  db: db-1 is unready: connection refused, for 40 s',
    ]);
    expect(out).toContain('1 of 2 Pods ready, no leader for 12 s, 4 waiting, the longest 4.2 s');
    shown = judged({ backends: [backend({ pods: [pod(), unready], causes })] });
    expect(await status({ debug: url(), watch: false }, deps())).toBe(0);
  });

  it('ends with 1 where nobody answers, or somebody else', async () => {
    shown = { hello: 1 };
    expect(await status({ debug: url(), watch: false }, deps())).toBe(1);
    expect(err).toContain('is no debug server of headroute');
    const gone = url();
    await close();
    expect(await status({ debug: gone, watch: false }, deps())).toBe(1);
    expect(err).toMatch(/no sidecar answers at http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
    expect(out).toBe('');
    server = await serve(0);
  });

  it('has colours on a terminal only, and none for who set NO_COLOR or has a dumb one', async () => {
    const terminal = (): { columns: number; rows: number } => ({ columns: 80, rows: 24 });
    const coloured = async (env: Record<string, string>): Promise<boolean> => {
      out = '';
      await status({ debug: url(), watch: false }, deps({ terminal, env }));
      return out.includes('\x1b[');
    };
    expect(await coloured({})).toBe(true);
    expect(await coloured({ NO_COLOR: '' })).toBe(true);
    expect(await coloured({ NO_COLOR: '1' })).toBe(false);
    expect(await coloured({ TERM: 'dumb' })).toBe(false);
  });
});

describe('the text', () => {
  const at80 = (part: Partial<State>): string[] =>
    statusLines(judged(part), { ink: NO_INK, width: 80, ages: true });

  it('of 1,000 Pods is a screenful that has those that matter, no line over 80 columns', () => {
    const pods = Array.from({ length: 1000 }, (_, i) =>
      pod({
        name: `db-with-quite-a-long-name-${i}`,
        ...(i % 300 === 7
          ? {
              state: 'unready' as const,
              reason: 'GET /healthz answered 503 and much more than fits on a line',
            }
          : {}),
        ...(i === 42 ? { leads: true, claimsLeadership: true, term: '12' } : {}),
      }),
    );
    const leadership = {
      state: 'known',
      leader: 'db-with-quite-a-long-name-42',
      term: '12',
      since: ago(1),
    } as const;
    const lines = at80({ backends: [backend({ pods, leadership })] });
    expect(lines.length).toBeLessThan(24);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.join('\n')).toContain('… and 995 more: 995 ready');
    expect(lines.join('\n')).toMatch(/db-with-quite-a-long-name-42 +ready .* leader, term 12/);
  });

  it('names a few of many failures, DNS, and a conflict', () => {
    const failures = [
      { failure: 'no_leader', total: 9, lastTenMinutes: 7, rules: [{ rule: 'writes', total: 9 }] },
    ];
    const text = at80({
      failures,
      backends: [
        backend({
          leadership: {
            state: 'conflict',
            claimants: ['db-0', 'db-1'],
            reason: 'both claim',
            since: ago(61_000),
          },
          discovery: { lastError: 'SERVFAIL', lastAnswer: ago(70_000) },
        }),
      ],
    }).join('\n');
    expect(text).toMatch(/ERROR {4}db: leader conflict: both claim, for 1 min 1 s\n/);
    expect(text).toContain('DNS fails (SERVFAIL), answered 1 min 10 s ago');
    expect(text).toMatch(/ 7 {2}no_leader +writes/);
  });

  it('lets no Pod steer the terminal', () => {
    const pods = [pod(), pod({ name: 'x\x1b[2J', state: 'unready', reason: 'a\r\nb\x1b[31m' })];
    expect(at80({ backends: [backend({ pods })] }).join('')).not.toMatch(/[\x00-\x1f]/);
  });
});

describe('--watch', () => {
  it('tells each change once where it is no terminal, says when the sidecar is gone, and goes on when it is back', async () => {
    const ended = new AbortController();
    const port = (server.address() as AddressInfo).port;
    const over = status({ debug: url(), watch: true }, deps({ signal: ended.signal }));
    const heads = (): string[] => out.match(/^(headroute [^(]*|no sidecar [^:]*)/gm) ?? [];
    const said = (count: number, what: string) => poll(() => heads().length >= count, what);
    await said(1, 'the first');
    // Older, and nothing else.
    shown = { ...judged(), started: ago(7_200_000) };
    await new Promise((resolve) => server.once('request', resolve));
    await new Promise((resolve) => server.once('request', resolve));
    shown = judged({ backends: [backend(LEADERLESS)] });
    await said(2, 'the loss');
    await close();
    await said(3, 'gone');
    server = await serve(port);
    await said(4, 'back');
    ended.abort();
    expect(await over).toBe(0);
    expect(heads().map((head) => head.trim())).toEqual([
      'headroute 1.2.3: all is well',
      'headroute 1.2.3: 1 error, 1 warning',
      'no sidecar answers at http',
      'headroute 1.2.3: 1 error, 1 warning',
    ]);
  });

  it('draws a terminal anew, cut to its rows', async () => {
    const ended = new AbortController();
    const pods = Array.from({ length: 18 }, (_, i) => pod({ name: `db-${i}` }));
    shown = judged({ backends: [backend({ pods })] });
    const terminal = (): { columns: number; rows: number } => ({ columns: 80, rows: 10 });
    const over = status({ debug: url(), watch: true }, deps({ terminal, signal: ended.signal }));
    await poll(() => out.includes('\x1b[J'), 'drawn');
    ended.abort();
    await over;
    const screen = out.slice(0, out.indexOf('\x1b[J')).split('\n');
    expect(screen[0]).toMatch(/^\x1b\[H/);
    expect(screen.length - 1).toBeLessThan(10);
    expect(screen.at(-2)).toMatch(/^… \d+ more lines/);
  });
});

it('the command takes --debug and --watch, and nothing else', () => {
  expect(parseCommand(['status'], {})).toEqual({
    name: 'status',
    debug: 'http://127.0.0.1:9181',
    watch: false,
  });
  expect(parseCommand(['status', '--watch', '--debug', '127.0.0.1:1'], {})).toMatchObject({
    debug: '127.0.0.1:1',
    watch: true,
  });
  for (const argv of [
    ['status', 'x'],
    ['status', '--json'],
    ['explain', '--watch', 'GET', '/'],
  ])
    expect(() => parseCommand(argv, {})).toThrow(UsageError);
});
