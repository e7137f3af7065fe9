/**
 * SPEC 2, Reload; promise 7: one change for each key of the configuration, under load. It changes no Pod, no leader and no
 * term, cuts no connection and fails no request. Keys whose meaning it is to be noticed are listed with the reason.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startApp } from '../../src/app.ts';
import { parseConfig } from '../../src/control/config/parse.ts';
import { startDnsServer } from '../../src/demo/dns-server.ts';
import { LineWriter } from '../../src/observe/line-writer.ts';
import { freePort } from '../app/support/stage.ts';
import { pause, poll } from '../helpers/waiting.ts';
import { CasePod, type Ports } from './support/case-pod.ts';
import { ask, keepAliveAgent } from './support/client.ts';
import { baseDocument, CHANGES, keysOfSchema, NOTICED, type Place } from './support/every-key.ts';
import { type Json, SERVICE } from './support/sidecar-config.ts';

it('every key of the schema has a change here, or a reason why not', () => {
  const known = new Set([...Object.keys(CHANGES), ...Object.keys(NOTICED)]);
  expect(keysOfSchema().filter((key) => !known.has(key))).toEqual([]);
  expect([...known].filter((key) => !keysOfSchema().includes(key))).toEqual([]);
});

/** What `/leader` and `/healthz` say on either port, in every form that some change asks for. */
function role(pod: CasePod): { headers: Record<string, string>; body: string } {
  const leads = pod.claim !== false;
  return {
    headers: { 'X-Role': pod.claim === false ? 'follower' : 'leader', 'X-Term': '5' },
    body: JSON.stringify({
      role: leads ? 'leader' : 'follower',
      leads,
      id: pod.name,
      leader: 'db-0',
      n: 1,
      term: 5,
      epoch: '5',
    }),
  };
}

function play(pod: CasePod): void {
  pod.onProbe = (path, response) => {
    const { headers, body } = role(pod);
    // Health asks for a role that every Pod has.
    response.writeHead(200, path.startsWith('/healthz') ? { ...headers, 'X-Role': 'any' } : headers);
    response.end(path.startsWith('/healthz') ? body.replace(`"id":"${pod.name}"`, '"id":"a"') : body);
    return true;
  };
  pod.answer = (incoming: IncomingMessage, response: ServerResponse) => {
    const url = incoming.url ?? '/';
    if (url.startsWith('/leader') || url.startsWith('/healthz')) pod.onProbe!(url, response, incoming);
    else if (url.startsWith('/search')) response.end(`{"hits":["${pod.name}"],"more":["${pod.name}"]}`);
    else response.end(pod.name);
  };
}

/** Clients that ask without pause; every failure is noted with the key that was being changed. */
class Traffic {
  readonly failures: string[] = [];
  count = 0;
  key = 'before';
  #stopped = false;
  readonly #loops: Promise<void>[] = [];
  readonly #agents: ReturnType<typeof keepAliveAgent>[] = [];
  readonly #sockets: Socket[] = [];

  http(port: number, method: string, path: (n: number) => string): void {
    const agent = keepAliveAgent(1);
    this.#agents.push(agent);
    const loop = async (): Promise<void> => {
      for (let n = 0; !this.#stopped; n++) {
        const at = path(n);
        const seen = await ask(port, at, { method, agent, ...(method === 'POST' ? { body: at } : {}) });
        this.count++;
        if (seen.status !== 200)
          this.#failed(`${method} ${at}: ${seen.status} ${seen.failure} ${seen.error ?? ''} ${seen.body}`);
        await pause(3);
      }
    };
    this.#loops.push(loop());
  }

  /** A connection that stays open and asks again and again. */
  async open(
    what: string,
    socket: Socket,
    question: string,
    answered: (text: string) => boolean,
  ): Promise<void> {
    this.#sockets.push(socket);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', (error) => this.#failed(`${what}: ${error.message}`));
    socket.on('close', () => this.#failed(`${what}: closed`));
    const loop = async (): Promise<void> => {
      while (!this.#stopped && !socket.destroyed) {
        received = '';
        socket.write(question);
        await poll(
          () => answered(received) || socket.destroyed || this.#stopped,
          `an answer to ${what}`,
          8000,
        );
        this.count++;
        await pause(10);
      }
    };
    this.#loops.push(loop());
  }

  #failed(what: string): void {
    if (!this.#stopped) this.failures.push(`${this.key} — ${what}`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    for (const agent of this.#agents) agent.destroy();
    for (const socket of this.#sockets) socket.destroy();
  }
}

async function pods(): Promise<{ all: CasePod[]; ports: Ports }> {
  const net = `127.${1 + Math.floor(Math.random() * 250)}.${1 + Math.floor(Math.random() * 250)}`;
  const all = [0, 1, 2].map((n) => new CasePod(`db-${n}`, `${net}.${n + 1}`));
  let ports: Ports = { data: 0, role: 0, speaker: 0 };
  for (const pod of all) {
    play(pod);
    ports = await pod.start(ports);
  }
  all[0]!.claim = { term: '5' };
  return { all, ports };
}

function upgraded(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ port, path: '/up', headers: { Connection: 'Upgrade', Upgrade: 'echo' } });
    outgoing.on('upgrade', (_response, socket) => resolve(socket));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

it('a change of any key under load changes no Pod, no leader, no term, cuts nothing and fails no request', {
  timeout: 240_000,
}, async ({ onTestFinished }) => {
  const folder = mkdtempSync(join(tmpdir(), 'headroute-keys-'));
  const dns = await startDnsServer();
  const { all, ports } = await pods();
  const listen = [await freePort(), await freePort()] as const;
  const place: Place = { ports, nameserver: `${dns.address.host}:${dns.address.port}`, listen };
  dns.setService(
    SERVICE,
    'http',
    ports.data,
    all.map(({ name, ip }) => ({ name, addresses: [ip] })),
    0,
  );
  dns.setRecords(`leader.${SERVICE}`, 'A', [all[0]!.ip]);
  // A look-up takes a while, as in a cluster: what is asked anew is not known at once.
  dns.onQuery = () => ({ do: 'delay', ms: 30 });
  const configFile = join(folder, 'headroute.yaml');
  const write = (document: Json): string => {
    const text = JSON.stringify(document, null, 1);
    const parsed = parseConfig(text, configFile, {});
    if (!parsed.ok) throw new Error(`${traffic.key}: ${JSON.stringify(parsed.problems)}`);
    writeFileSync(configFile, text);
    return parsed.hash;
  };
  const traffic = new Traffic();
  write(baseDocument(place));
  const app = await startApp({ configFile, env: {}, pretty: false, log: new LineWriter(2), onQuit() {} });
  onTestFinished(async () => {
    await traffic.stop();
    await Promise.all(all.map((pod) => pod.close()));
    await app.stop();
    await dns.close();
    rmSync(folder, { recursive: true, force: true });
  });
  type Backend = {
    leadership: { leader: string; term: string | null };
    pods: { name: string; state: string }[];
  };
  const state = async () =>
    JSON.parse((await ask(app.debug!.port, '/state')).body) as { configHash: string; backends: Backend[] };
  const sum = async (name: string): Promise<number> => {
    const { body } = await ask(app.admin.port, '/metrics');
    const lines = body.split('\n').filter((line) => line.startsWith(name));
    return lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0);
  };
  const shown = ({ leadership, pods }: Backend): string =>
    `${leadership.leader}; ${pods.map(({ name, state }) => `${name} ${state}`).join(', ')}`;
  const CALM = 'db-0; db-0 ready, db-1 ready, db-2 ready';
  await poll(async () => shown((await state()).backends[0]!) === CALM, 'three Pods and a leader', 10_000);

  const [http, tcp] = listen;
  traffic.http(http, 'GET', (n) => `/r/${n}`);
  traffic.http(http, 'POST', (n) => `/w/${n}`);
  traffic.http(http, 'GET', (n) => `/t/${n % 9}/x`);
  traffic.http(http, 'GET', () => '/search');
  const raw = connect({ port: tcp, host: '127.0.0.1' });
  void traffic.open('the TCP connection', raw, 'GET /tcp HTTP/1.1\r\nHost: a\r\n\r\n', (text) =>
    text.endsWith('db-0'),
  );
  void traffic.open('the upgrade', await upgraded(http), 'hello', (text) => text === 'hello');

  const noticed: string[] = [];
  for (const [key, change] of [...Object.entries(CHANGES), ['back', () => {}] as const]) {
    traffic.key = key;
    const before = [
      await sum('headroute_leaderless_seconds_total'),
      await sum('headroute_leader_changes_total'),
    ];
    const document = baseDocument(place);
    change(document, place);
    const hash = write(document);
    await poll(async () => (await state()).configHash === hash, `${key} in force`, 10_000);
    // Two periods of every probe, and a round of look-ups.
    await pause(250);
    const { backends } = await state();
    for (const backend of backends) if (shown(backend) !== CALM) noticed.push(`${key} — ${shown(backend)}`);
    // A renamed backend counts from 0.
    if (key === 'backends[].name' || key === 'back') continue;
    const after = [
      await sum('headroute_leaderless_seconds_total'),
      await sum('headroute_leader_changes_total'),
    ];
    // What begins is without a leader for the moment in which it is settled.
    if (after[0]! > before[0]! + 0.02 || after[1]! > before[1]!)
      noticed.push(`${key} — leaderless or led by another`);
  }
  expect([...noticed, ...traffic.failures].slice(0, 20)).toEqual([]);
  expect(traffic.count).toBeGreaterThan(1000);
});
