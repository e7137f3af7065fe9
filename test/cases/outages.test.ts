import { connect } from 'node:net';
import { expect } from 'vitest';
import { pause, poll } from '../helpers/waiting.ts';
import { doubled, failures, Load, lost } from './support/load.ts';
import { scenario, timed } from './support/scenario.ts';
import { LEADER_RULE, rule } from './support/sidecar-config.ts';

// What clients see of outages that are not a switch of the leader, over real DNS and Pods.

timed(
  'Pods that are killed under load fail no read',
  { leader: null, rules: [rule({ type: 'Balance' })] },
  async (scene) => {
    await scene.untilReady('db-0', 'db-1', 'db-2');
    const load = new Load(scene.port, 6, 'GET');
    for (const pod of [scene.db2, scene.db0]) {
      await poll(() => pod.requests.length > 10, 'load', 6000);
      await pod.crash();
      await scene.untilPod(pod.name, ({ state }) => state === 'unready', 'unready');
      await pod.restart();
      await scene.untilReady(pod.name);
    }
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
  },
);

timed(
  'A DNS server that fails or is silent changes nothing, a switch of the leader included',
  { pods: 2 },
  async (scene) => {
    scene.db0.claim = {};
    await scene.untilLeader('db-0');
    const load = new Load(scene.port, 4);
    let asked = 0;
    scene.dns.onQuery = () => {
      asked++;
      if (asked % 3 === 0) return { do: 'drop' };
      return { do: 'rcode', rcode: asked % 3 === 1 ? 'SERVFAIL' : 'REFUSED' };
    };
    await poll(() => asked > 6, 'several look-ups fail', 8000);
    scene.db0.claim = false;
    scene.db1.claim = {};
    await scene.untilLeader('db-1');
    await poll(() => scene.db1.requests.length > 10, 'writes go on');
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
    expect(doubled(scene.pods)).toEqual([]);
    expect((await scene.backend()).pods.map(({ state }) => state)).toEqual(['ready', 'ready']);
    expect(await scene.metric('headroute_dns_lookups_total', 'result="servfail"')).toBeGreaterThan(0);
  },
);

timed(
  'A leader that leaves DNS while it still claims gets nothing new; what it has it finishes',
  { pods: 2 },
  async (scene) => {
    const { db0, db1 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    const load = new Load(scene.port, 4);
    await poll(() => load.acknowledged > 10, 'load');
    scene.publish(['db-1']);
    await scene.until(({ leadership }) => leadership.state === 'none', 'none');
    // What db-0 had is answered; all four clients wait.
    await scene.heldCount(4);
    const count = db0.byteCount;
    await pause(200);
    expect(db0.byteCount).toBe(count);
    db1.claim = {};
    await scene.untilLeader('db-1');
    await poll(() => db1.requests.length > 10, 'writes go on');
    await load.stop();
    expect(failures(load.writes)).toEqual([]);
    expect(doubled(scene.pods)).toEqual([]);
    expect(lost(load.writes, scene.pods)).toEqual([]);
  },
);

timed(
  'A leader that returns under its name with another address leads there; the old address gets no write',
  { pods: 2 },
  async (scene) => {
    const { db0 } = scene;
    db0.claim = {};
    await scene.untilLeader('db-0');
    expect((await scene.write('/before')).status).toBe(200);
    const fresh = await scene.replace('db-0');
    fresh.claim = {};
    const count = db0.byteCount;
    scene.publish(['db-0', 'db-1']);
    await scene.until(
      ({ leadership, pods }) =>
        leadership.leader === 'db-0' &&
        pods.some(({ addresses, state }) => addresses[0] === fresh.ip && state === 'ready'),
      'leads at its new address',
    );
    for (let n = 0; n < 5; n++) expect((await scene.write(`/w/${n}`)).status).toBe(200);
    expect(fresh.got('/w/')).toHaveLength(5);
    expect(db0.byteCount).toBe(count);
  },
);

// gravitee-io/issues#11595
scenario(
  'R5 clients that leave while they are held are never sent, the others in order',
  { pods: 1, rules: [LEADER_RULE] },
  async (scene) => {
    await scene.untilReady('db-0');
    const clients = [];
    for (let n = 1; n <= 20; n++) {
      const client = connect(scene.port, '127.0.0.1');
      client.on('error', () => {}).resume();
      client.write(`POST /${String(n).padStart(2, '0')} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok`);
      clients.push(client);
      await scene.heldCount(n);
    }
    // By FIN, by RST, in turn.
    for (const [i, client] of clients.slice(0, 10).entries())
      i % 2 === 0 ? client.end() : client.resetAndDestroy();
    await scene.heldCount(10);
    expect(await scene.metric('headroute_request_failures_total', 'failure="client_gone"')).toBe(10);
    scene.db0.claim = {};
    await poll(() => scene.db0.got().length === 10, 'the others land');
    await pause(50);
    expect(scene.db0.requests.map(({ url }) => url)).toEqual(
      Array.from({ length: 10 }, (_, n) => `/${n + 11}`),
    );
    for (const client of clients) client.destroy();
  },
);
