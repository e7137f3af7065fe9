// Many Pods of one headless Service: one nginx on as many loopback addresses, and a DNS server that lists and names them.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import packet from 'dns-packet';
import { startHaproxy } from './haproxy.mjs';
import { freePorts, startServer, temporaryFolder, writeTemporary } from './processes.mjs';

const SERVICE = 'pod.bench.svc.cluster.local';

/** 127.1.0.1 and on: all of 127.0.0.0/8 is this machine. */
export const addressOf = (pod) => `127.1.${Math.floor(pod / 250)}.${(pod % 250) + 1}`;

/** nginx as `count` Pods on one port; every path answers 250 bytes. @returns the port */
export async function startPods(nginx, count) {
  const [port] = await freePorts(1);
  const listens = Array.from({ length: count }, (_, pod) => `listen ${addressOf(pod)}:${port} backlog=512;`);
  const at = `${temporaryFolder}/many`;
  const file = writeTemporary(
    'many-pods.conf',
    `worker_processes 1; daemon off; pid ${at}.pid; error_log stderr crit;
events { worker_connections 12000; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path ${at}1; proxy_temp_path ${at}2; fastcgi_temp_path ${at}3; uwsgi_temp_path ${at}4; scgi_temp_path ${at}5;
  server { listen 127.0.0.1:${port}; ${listens.join(' ')} location / { return 200 "${'x'.repeat(250)}"; } }
}
`,
  );
  await startServer(nginx, ['-c', file, '-p', temporaryFolder], port);
  return port;
}

/**
 * Answers A of the service with its Pods, and PTR of each; over UDP truncated where it is too long.
 * @param pods how many there are, or a function that says the numbers of their addresses at present
 * @param ordinalOf the ordinal in the name of the Pod at an address
 * @returns the port
 */
export async function startNames(pods, ordinalOf = (address) => address) {
  const present = typeof pods === 'number' ? () => Array.from({ length: pods }, (_, pod) => pod) : pods;
  const answersTo = ({ name, type }) => {
    if (type === 'A' && name.toLowerCase() === SERVICE)
      return present().map((pod) => ({ name, type, ttl: 5, data: addressOf(pod) }));
    if (type !== 'PTR') return [];
    const [d, c] = name.split('.').map(Number);
    return [{ name, type, ttl: 5, data: `pod-${ordinalOf(c * 250 + d - 1)}.${SERVICE}` }];
  };
  const reply = (bytes, limit) => {
    const query = packet.decode(bytes);
    const base = { type: 'response', id: query.id, questions: query.questions };
    const whole = packet.encode({
      ...base,
      flags: packet.AUTHORITATIVE_ANSWER,
      answers: answersTo(query.questions[0]),
    });
    return whole.length <= limit ? whole : packet.encode({ ...base, flags: packet.TRUNCATED_RESPONSE });
  };
  const udp = createSocket('udp4');
  udp.on('message', (bytes, from) => udp.send(reply(bytes, 1232), from.port, from.address));
  const tcp = createServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        const answer = reply(received.subarray(2, end), 65_535);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([length, answer]));
        received = received.subarray(end);
      }
    });
  });
  // The same number twice: what is free for TCP may be taken for UDP.
  for (let tries = 10; ; tries--) {
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address();
    udp.bind(port, '127.0.0.1');
    const isFree = await once(udp, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) return port;
    if (tries === 0) throw new Error('no port free for both TCP and UDP');
    tcp.close();
    await once(tcp, 'close');
  }
}

/** headroute with so many rules in front of these Pods, each probed by HTTP every 2 s. Rule n takes /r<n>/. */
export async function startManyRules({
  pods,
  rules,
  port: pod,
  names,
  nodeFlags = [],
  limits = {},
  discovery = {},
}) {
  const [port, admin, debug] = await freePorts(3);
  const list = Array.from({ length: rules }, (_, n) => ({
    name: `rule-${n}`,
    matches: [{ path: { type: 'PathPrefix', value: `/r${n}` } }],
    backendRefs: [{ name: 'pod' }],
  }));
  const config = {
    apiVersion: 'headroute.dev/v1alpha1',
    kind: 'ProxyConfig',
    backends: [
      {
        name: 'pod',
        service: SERVICE,
        port: pod,
        discovery: { nameservers: [`127.0.0.1:${names}`], ...discovery },
        health: { httpGet: { path: '/healthz' }, period: '2s' },
        connection: { idleTimeout: '5m' },
      },
    ],
    listeners: [{ name: 'main', address: `127.0.0.1:${port}`, protocol: 'HTTP', limits, rules: list }],
    admin: { address: `127.0.0.1:${admin}` },
    debug: { address: `127.0.0.1:${debug}` },
    log: { level: 'warn' },
  };
  // JSON is YAML.
  const file = writeTemporary(`scale-${port}.yaml`, JSON.stringify(config));
  const program = new URL('../../dist/headroute.js', import.meta.url).pathname;
  const child = await startServer(process.execPath, [...nodeFlags, program, 'run', '--config', file], admin);
  const deadline = performance.now() + 60_000;
  for (;;) {
    const text = await fetch(`http://127.0.0.1:${admin}/metrics`).then(
      (response) => response.text(),
      () => '',
    );
    if (text.includes(`headroute_pods{backend="pod",state="ready"} ${pods}\n`)) break;
    if (performance.now() > deadline) throw new Error(`${pods} Pods did not become ready within 60 s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { child, port, admin };
}

/** HAProxy in front of these Pods, without probes: how much of the growth is the machine's, not the proxy's. */
export function startManyServers({ pods, port: pod }) {
  const server = (n) => `  server p${n} ${addressOf(n)}:${pod} pool-max-conn 64`;
  const servers = Array.from({ length: pods }, (_, n) => server(n));
  return startHaproxy('many', ['  balance random(2)', ...servers].join('\n'));
}
