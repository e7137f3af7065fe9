import { EtcdCluster } from '../../../test/system/support/etcd.ts';
import { KvClient } from '../../../test/system/support/kv-client.ts';
import { failure, HttpConnection } from '../clients/http.ts';
import { ETCD_LEADER } from '../leaders.ts';
import { startHaproxy } from '../proxies/haproxy.ts';
import { startHeadroute } from '../proxies/headroute.ts';
import { added, NONE_DOUBLED, NONE_LOST } from '../report/goals.ts';
import { kept } from '../running.ts';
import { FOUR_WORKERS, type Scenario, type Stage } from '../scenario.ts';
import { type WriteClient, WriteFailed } from '../writes.ts';

const HOSTS = ['127.0.0.54', '127.0.0.55', '127.0.0.56'];

/** uint64s are decimal strings in etcd's JSON. */
interface Status {
  readonly header: { readonly member_id: string };
  readonly leader?: string;
}

async function start(): Promise<Stage> {
  const cluster = await kept(EtcdCluster.start(HOSTS));
  const { members, clientPort } = cluster;
  const service = {
    service: 'etcd.prod.svc.cluster.local',
    portName: 'client',
    port: clientPort,
    nodes: members,
  };
  const headroute = await startHeadroute('HTTP', service, ETCD_LEADER);
  const haproxy = await startHaproxy({
    mode: 'http',
    nodes: members.map(({ name }) => cluster.address(name)),
    check: [
      'option httpchk',
      'http-check send meth POST uri /v3/maintenance/status hdr content-type application/json body {}',
      // It leads where the leader's id is its own. Named, as HAProxy has its checks capture nothing else.
      `http-check expect rstring '"member_id":"(?<id>[0-9]+)".*"leader":"\\k<id>"'`,
    ],
  });
  const status = members.map(({ name }) => ({ name, connection: new HttpConnection(cluster.address(name)) }));
  await kept({
    async stop() {
      for (const { connection } of status) connection.close();
    },
  });
  const ask = async (connection: HttpConnection): Promise<Status> =>
    JSON.parse((await connection.ask('POST', '/v3/maintenance/status', '{}', 1000)).body) as Status;
  const ids = new Map<string, string>();
  for (const { name, connection } of status) ids.set((await ask(connection)).header.member_id, name);
  return {
    proxies: new Map([
      ['headroute', headroute.address],
      ['haproxy', haproxy],
    ]),
    nodes: status.map(({ name, connection }) => ({
      name,
      async canWrite() {
        const { header, leader } = await ask(connection);
        return leader === header.member_id;
      },
    })),
    connect: (address) => client(address, ids),
    async settled() {
      await Promise.all(members.map(({ name }) => cluster.healthy(name)));
      return cluster.leader();
    },
    strike: (leader) => cluster.kill(leader),
    async restore(leader) {
      cluster.run(leader);
      await cluster.healthy(leader);
    },
    async readBack(prefix) {
      const reader = new KvClient(cluster.address(await cluster.leader()));
      const found = await reader.readAll(prefix);
      reader.close();
      // The version of a key counts its writes.
      return new Map([...found].map(([key, { version }]) => [key, version]));
    },
  };
}

function client(address: string, ids: ReadonlyMap<string, string>): WriteClient {
  const connection = new HttpConnection(address);
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    async write(id) {
      const body = JSON.stringify({ key: base64(id), value: base64('1') });
      const answer = await connection.ask('POST', '/v3/kv/put', body);
      // What etcd itself answers with 503 may have been proposed already.
      if (answer.status === 503 && answer.headers['x-headroute-failure'] === undefined && isJson(answer.body))
        throw new WriteFailed('unknown', `503 of etcd: ${answer.body.slice(0, 80)}`);
      if (answer.status !== 200) throw failure(answer);
      const { header } = JSON.parse(answer.body) as Status;
      return ids.get(header.member_id)!;
    },
    close: () => connection.close(),
  };
}

const isJson = (body: string): boolean => body.trimStart().startsWith('{');

export const ETCD_KILL: Scenario = {
  name: 'etcd-kill',
  title: 'etcd, leader killed (`kill -9`)',
  goals: [added(80, 150), NONE_DOUBLED],
  rounds: 10,
  restoreAfterMs: 0,
  watchMs: 2000,
  ...FOUR_WORKERS,
  start,
};

/** More writers without a pause: each kill meets several writes that are on their way. */
export const ETCD_LOAD: Scenario = {
  name: 'etcd-load',
  title: 'etcd under load: 16 clients with 3 ms between writes, leader killed',
  goals: [NONE_LOST, NONE_DOUBLED],
  rounds: 50,
  restoreAfterMs: 0,
  watchMs: 500,
  workers: 16,
  pauseMs: 3,
  start,
};
