/**
 * "Whoever asks why is told" (SPEC 4): what headroute knows of a cause stands, with its age, in `explain` (words and JSON), in the
 * `detail` of the 503, in `/state` and in the log. Each story is one that an operator meets at three in the morning.
 */
import { describe, expect, it } from 'vitest';
import { explainInWords } from '../../src/cli/explain-text.ts';
import type { ShownCause } from '../../src/model/cause.ts';
import type { Explanation } from '../../src/model/explanation.ts';
import { headroute } from './support/command.ts';
import { RolePod, textPod } from './support/role-pod.ts';
import type { LogLine, Sidecar } from './support/sidecar.ts';
import {
  type Document,
  freePort,
  listener,
  type Scope,
  type Stage,
  sidecar,
  stage,
} from './support/stage.ts';

const RULES: Document[] = [
  {
    name: 'writes',
    matches: [{ method: 'POST' }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'Leader', hold: { timeout: '0s' } },
  },
  {
    name: 'held',
    matches: [{ method: 'PUT' }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'Leader', hold: { timeout: '100ms' } },
  },
  {
    name: 'one',
    matches: [{ path: { type: 'PathPrefix', value: '/one' } }],
    backendRefs: [{ name: 'db' }],
    selection: { type: 'Ordinal', ordinal: 1, whenUnavailable: 'Fail' },
  },
  { name: 'reads', backendRefs: [{ name: 'db' }] },
];

const AGE = String.raw`(less than 1 s|(\d+ min )?\d+ s)`;

function leader(part: Document = {}, probe: Document = {}): Document {
  const asked = {
    httpGet: { path: '/leader' },
    period: '100ms',
    timeout: '2s',
    failureThreshold: 1,
    ...probe,
  };
  return { type: 'Probe', probe: asked, ...part };
}

function start(scope: Scope, scene: Stage, backend: Document = {}): Promise<Sidecar> {
  return sidecar(
    scope,
    scene.document({
      backends: [scene.backend({ leader: leader(), ...backend })],
      listeners: [listener({ rules: RULES })],
    }),
  );
}

/** Pods of which each answers as it is told, published. */
async function roles(scope: Scope, count = 3): Promise<{ scene: Stage; pods: RolePod[] }> {
  const scene = await stage(scope, []);
  const names = Array.from({ length: count }, (_, n) => `db-${n}`);
  const pods = await Promise.all(names.map((name) => RolePod.start(scope, name)));
  publish(scene, pods);
  return { scene, pods };
}

function publish(scene: Stage, pods: readonly { readonly name: string; readonly port: number }[]): void {
  const shown = pods.map(({ name, port }) => ({ name, addresses: ['127.0.0.1'], port }));
  scene.dns.setService('db.prod.svc.cluster.local', 'http', 80, shown, 1);
}

interface Told {
  readonly status: number;
  readonly failure: string;
  readonly detail: string;
  /** Of `explain`. */
  readonly json: Explanation;
  readonly words: string;
  readonly state: readonly ShownCause[];
}

/** What a client and an operator are told of one request. */
async function ask(running: Sidecar, method: string, path = '/'): Promise<Told> {
  const response = await fetch(running.url + path, { method });
  const { failure, detail } = (await response.json()) as { failure: string; detail: string };
  const query = new URLSearchParams({ method, url: path });
  const json = (await (await fetch(`http://${running.debug}/explain?${query}`)).json()) as Explanation;
  const { backends } = (await (await fetch(`http://${running.debug}/state`)).json()) as {
    backends: { causes: ShownCause[] }[];
  };
  return {
    status: response.status,
    failure,
    detail,
    json,
    words: explainInWords(json),
    state: backends[0]!.causes,
  };
}

/** Each place names the cause, and since when. */
async function expectTold(
  running: Sidecar,
  method: string,
  path: string,
  failure: string,
  cause: string,
): Promise<Told> {
  const told = await ask(running, method, path);
  const withAge = new RegExp(`${cause}, (for ${AGE}|${AGE} ago)`);
  expect([told.status, told.failure]).toEqual([503, failure]);
  expect(told.detail).toMatch(withAge);
  expect(told.json.outcome.detail).toMatch(withAge);
  expect(told.words.split('\n')[0]).toMatch(withAge);
  expect(told.json.backends[0]!.causes.some(({ words }) => withAge.test(words))).toBe(true);
  expect(told.state.some(({ words, ageMs }) => withAge.test(words) && ageMs >= 0)).toBe(true);
  return told;
}

function expectLogged({ level, ...line }: LogLine, cause: string): void {
  expect(level).toBe('warn');
  expect(JSON.stringify(line).replaceAll('\\"', '"')).toMatch(new RegExp(cause));
}

describe('DNS', { timeout: 60_000 }, () => {
  it.for([
    [
      'a port that the Service has not',
      { port: 'htpp' },
      'NXDOMAIN for _htpp._tcp.db.prod.svc.cluster.local: the Service has Pods, but no port named htpp ',
    ],
    [
      'a Service name that is short',
      { service: 'db' },
      'NXDOMAIN for _http._tcp.db: no ready Pod, no such Service, or no port of that name; search domains are not used: is it db.<namespace>.svc.cluster.local',
    ],
  ] as const)(
    '%s: it is told what was asked for, and what may be wrong with it',
    async ([, part, words], scope) => {
      const scene = await stage(scope, ['db-0']);
      const running = await start(scope, scene, part);
      const nxdomain = words.replaceAll('.', '\\.');
      const cause = `DNS: ${nxdomain}`;
      const logged = await running.log('DNS look-up failed');
      expectLogged(logged, `"kind":"nxdomain","error":"${nxdomain}`);
      expectLogged(await running.log('no Pod is ready'), cause);
      const whole = `${cause}[^;]*`;
      await expectTold(running, 'GET', '/', 'no_endpoint', whole);
      await expectTold(running, 'POST', '/', 'no_leader', whole);
      await expectTold(running, 'PUT', '/', 'hold_timeout', whole);
      await expectTold(running, 'GET', '/one', 'ordinal_unavailable', whole);
      const offline = await headroute(['explain', '--config', running.file, 'GET', '/']);
      expect(offline.stdout.split('\n')[0]).toMatch(new RegExp(`503 no_endpoint: .*${whole}, for ${AGE}`));
    },
  );

  it('a name server that says nothing, then one that fails: the change is told, too', async (scope) => {
    const scene = await stage(scope, ['db-0']);
    scene.dns.onQuery = () => ({ do: 'drop' });
    const { host, port } = scene.dns.address;
    const discovery = {
      nameservers: [`${host}:${port}`],
      refresh: { min: '100ms', max: '200ms' },
      queryTimeout: '400ms',
    };
    const running = await start(scope, scene, { discovery });
    const silent = `SRV _http\\._tcp\\.db\\.prod\\.svc\\.cluster\\.local: no answer in 400 ms \\(127\\.0\\.0\\.1:${port}\\)`;
    expectLogged(await running.log('DNS look-up failed'), `"kind":"timeout","error":"${silent}"`);
    expectLogged(await running.log('no Pod is ready'), `DNS: ${silent}`);
    await expectTold(running, 'GET', '/', 'no_endpoint', `DNS: ${silent}`);
    scene.dns.onQuery = () => ({ do: 'rcode', rcode: 'SERVFAIL' });
    const change = await running.log('DNS look-ups fail in another way');
    expectLogged(
      change,
      '"kind":"servfail","error":"SRV [^"]*: SERVFAIL \\(127\\.0\\.0\\.1:\\d+\\)","before":"timeout"',
    );
    await expectTold(running, 'GET', '/', 'no_endpoint', 'DNS: SRV [^;]*: SERVFAIL \\(127[^;]*\\)');
    scene.dns.onQuery = null;
    expect((await running.log('DNS look-ups succeed again')).level).toBe('info');
    expect(await running.log('a Pod is ready again')).toMatchObject({
      level: 'info',
      backend: 'db',
      ready: 1,
    });
  });

  it('nobody listens at the name server: offline, too', async (scope) => {
    const scene = await stage(scope, ['db-0']);
    const port = await freePort();
    const discovery = { nameservers: [`127.0.0.1:${port}`], refresh: { min: '100ms', max: '200ms' } };
    const running = await start(scope, scene, { discovery });
    const refused = `SRV [^;]*: connection refused \\(127\\.0\\.0\\.1:${port}\\)`;
    expectLogged(await running.log('DNS look-up failed'), refused);
    await expectTold(running, 'GET', '/', 'no_endpoint', `DNS: ${refused}`);
    const offline = await headroute(['explain', '--json', '--config', running.file, 'GET', '/']);
    const { outcome, backends } = JSON.parse(offline.stdout) as Explanation;
    expect(outcome.detail).toMatch(new RegExp(`DNS: ${refused}, for ${AGE}`));
    expect(backends[0]!.causes[0]).toMatchObject({ area: 'dns', kind: 'error' });
  });

  it('the name of the leader that does not exist (leader.type DNS)', async (scope) => {
    const scene = await stage(scope, ['db-0']);
    const running = await start(scope, scene, {
      leader: { type: 'DNS', dns: { service: 'db-leadr.prod.svc.cluster.local' } },
    });
    await running.pods(1);
    const cause = 'DNS, for the leader: NXDOMAIN for db-leadr\\.prod\\.svc\\.cluster\\.local';
    await running.until(
      async () => (await ask(running, 'POST')).detail.includes('NXDOMAIN'),
      'the look-up of the leader',
    );
    await expectTold(running, 'POST', '/', 'no_leader', cause);
    expectLogged(await running.log('leadership changed: no leader is known'), 'no Pod claims to lead');
    expectLogged(await running.log('DNS look-up failed'), 'NXDOMAIN for db-leadr');
  });
});

describe('Pods', { timeout: 60_000 }, () => {
  it('that are not ready: what they said, and none of what they must not repeat', async (scope) => {
    const { scene, pods } = await roles(scope);
    for (const pod of pods) pod.health = { status: 503, body: 'key s3cr3t-k3y is expired' };
    const running = await start(scope, scene, {
      health: {
        httpGet: { path: '/healthz', headers: [{ name: 'X-Key', value: 's3cr3t-k3y' }] },
        period: '100ms',
        timeout: '5s',
        failureThreshold: 1,
      },
    });
    const said = 'GET /healthz answered 503: "key \\[redacted\\] is expired"';
    expectLogged(await running.log('no Pod is ready'), `all 3 Pods are unready: ${said}`);
    await expectTold(running, 'GET', '/', 'no_endpoint', `all 3 Pods are unready: ${said}`);
    const one = await ask(running, 'GET', '/one');
    const alone = new RegExp(`^db-1 is unready: ${said}, for ${AGE}$`);
    expect([one.failure, one.detail]).toEqual(['ordinal_unavailable', expect.stringMatching(alone)]);
    expect(one.json.outcome.detail).toMatch(alone);
    expect(one.words).toMatch(new RegExp(`not db-1: is unready: ${said}, for ${AGE}`));
    const offline = await headroute(['explain', '--config', running.file, 'GET', '/']);
    expect(offline.stdout).toMatch(new RegExp(`all 3 Pods are unready: ${said}, for ${AGE}`));
    pods[1]!.health = { status: 500, body: 'disk full' };
    expect(await running.log('probes of a Pod fail in another way')).toMatchObject({
      level: 'info',
      backend: 'db',
      pod: 'db-1',
      probe: 'health',
      before: 'http_503',
      kind: 'http_500',
      reason: 'GET /healthz answered 500: "disk full"',
    });
    expect(running.stderr).not.toContain('s3cr3t');
    expect(await (await fetch(`http://${running.debug}/state`)).text()).not.toContain('s3cr3t');
  });

  it('of a database that wants a password', async (scope) => {
    const scene = await stage(scope, []);
    const noAuth = '-NOAUTH Authentication required.\r\n';
    publish(scene, await Promise.all(['db-0', 'db-1', 'db-2'].map((name) => textPod(scope, name, noAuth))));
    const tcp = { send: 'ROLE\r\n', expect: { contains: 'master' } };
    const running = await start(scope, scene, {
      health: { tcpSocket: {}, period: '100ms' },
      leader: { type: 'Probe', probe: { tcp, period: '100ms', timeout: '300ms', failureThreshold: 1 } },
    });
    const cause = 'leader probe of all 3 Pods: [^;]*"-NOAUTH Authentication required\\."';
    expectLogged(await running.log('leadership changed: no leader is known'), cause);
    await running.pods(3);
    await expectTold(running, 'POST', '/', 'no_leader', cause);
    const offline = await headroute(['explain', '--config', running.file, 'POST', '/']);
    expect(offline.stdout).toMatch(new RegExp(`no Pod claims to lead[^;]*; ${cause}, for ${AGE}`));
  });
});

describe('the leader', { timeout: 60_000 }, () => {
  it('all follow: what each of them says; one that says it otherwise is told apart', async (scope) => {
    const { scene, pods } = await roles(scope);
    const running = await start(scope, scene);
    const cause = 'leader probe of all 3 Pods: GET /leader answered 503: "follower"';
    expectLogged(await running.log('leadership changed: no leader is known'), cause);
    await running.pods(3);
    await expectTold(running, 'POST', '/', 'no_leader', cause);
    await expectTold(running, 'POST', '/', 'no_leader', 'no Pod claims to lead');
    pods[2]!.leader = { status: 404, body: 'no such path' };
    await running.until(
      async () => (await ask(running, 'POST')).detail.includes('404'),
      'the other answer of db-2',
    );
    const both = await ask(running, 'POST');
    expect(both.detail).toMatch(/leader probe of db-0 and db-1: GET \/leader answered 503: "follower", /);
    expect(both.detail).toMatch(/leader probe of db-2: GET \/leader answered 404: "no such path", /);
    expect(await running.log('probes of a Pod fail in another way')).toMatchObject({
      pod: 'db-2',
      probe: 'leader',
      before: 'http_503',
      kind: 'http_404',
    });
  });

  it('froze: who led, until when, and by what it was lost', async (scope) => {
    const { scene, pods } = await roles(scope);
    pods[1]!.leader = { status: 200 };
    const running = await start(scope, scene, { leader: leader({}, { timeout: '700ms' }) });
    await running.pods(3);
    const led = await running.log('leadership changed: a leader is known');
    expect(led).toMatchObject({ level: 'info', leader: 'db-1' });
    pods[1]!.isFrozen = true;
    expectLogged(
      await running.log('leadership changed: no leader is known any more'),
      'db-1 led until its claim lapsed',
    );
    const silent = 'db-1 led until its claim lapsed \\(no answer to GET /leader within 700ms\\)';
    await running.until(
      async () => (await ask(running, 'POST')).detail.includes('within 700ms'),
      'the probe that ends in silence',
    );
    const told = await expectTold(running, 'POST', '/', 'no_leader', silent);
    expect(told.detail).toMatch(/leader probe of db-0 and db-2: GET \/leader answered 503: "follower", for /);
    pods[1]!.isFrozen = false;
    expect(await running.log('leadership changed: a leader is known', 2)).toMatchObject({
      level: 'info',
      leader: 'db-1',
    });
    const again = await (await fetch(`http://${running.debug}/explain?method=POST&url=/`)).json();
    expect(again).toMatchObject({ outcome: { type: 'pod', pod: 'db-1', detail: 'it leads' } });
  });

  it('said that it leads no more', async (scope) => {
    const { scene, pods } = await roles(scope, 2);
    pods[0]!.leader = { status: 200 };
    const running = await start(scope, scene);
    await running.log('leadership changed: a leader is known');
    pods[0]!.leader = { status: 503, body: 'demoted by operator' };
    const denied =
      'db-0 led until it said that it does not \\(GET /leader answered 503: "demoted by operator"\\)';
    expectLogged(await running.log('no leader is known any more'), denied);
    await expectTold(running, 'POST', '/', 'no_leader', denied);
  });

  it('two of them: with the term of each', async (scope) => {
    const { scene, pods } = await roles(scope);
    for (const [n, pod] of pods.slice(0, 2).entries())
      pod.leader = { status: 200, headers: { 'X-Term': `${n + 7}` } };
    const running = await start(scope, scene, { leader: leader({}, { term: { header: 'X-Term' } }) });
    const cause = 'db-0 \\(term 7\\) and db-1 \\(term 8\\) claim to lead';
    expectLogged(await running.log('leadership changed: two Pods claim to lead'), cause);
    await expectTold(running, 'POST', '/', 'leader_conflict', cause);
    const offline = await headroute(['explain', '--config', running.file, 'POST', '/']);
    expect(offline.stdout).toMatch(new RegExp(`503 leader_conflict: ${cause}, for ${AGE}\\.`));
  });

  it('two of them: with the lineage of each', async (scope) => {
    const { scene, pods } = await roles(scope, 2);
    const ids = [
      { id: 'aaaaaaaaaa01', previous: 'cccccccccc03' },
      // One that was never promoted would not unseat whichever is seen first.
      { id: 'bbbbbbbbbb02', previous: 'dddddddddd04' },
    ];
    for (const [n, pod] of pods.entries()) pod.leader = { status: 200, body: JSON.stringify(ids[n]) };
    const lineage = { id: { json: '/id' }, previous: { json: '/previous' } };
    const running = await start(scope, scene, { leader: leader({}, { lineage }) });
    const cause =
      'db-0 \\(id aaaaaaaa…, promoted from cccccccc…\\) and db-1 \\(id bbbbbbbb…, promoted from dddddddd…\\) claim to lead';
    expectLogged(await running.log('leadership changed: two Pods claim to lead'), cause);
    await expectTold(running, 'POST', '/', 'leader_conflict', `${cause}, and none has succeeded all others`);
  });
});
