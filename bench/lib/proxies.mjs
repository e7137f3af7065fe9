// The proxies side by side: each is given a port and the Pod's port, and started as its own documentation says.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { startHaproxy } from './haproxy.mjs';
import { startHeadroute } from './headroute.mjs';
import { freePorts, startServer, temporaryFolder, versionOf, which, writeTemporary } from './processes.mjs';

const root = new URL('../../', import.meta.url).pathname;
const resolvable = (name) => {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return null;
  }
};

/** Same header work as headroute: the four forwarded fields appended. */
const SAME_WORK = `  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(Host)]
  http-request add-header Via "1.1 bench"
`;

function haproxy(name, fields) {
  return {
    name,
    missing: () => (which('haproxy') ? null : 'apt-get install haproxy'),
    version: () => versionOf(which('haproxy'), '-v'),
    start: (pod) => startHaproxy(name, `${fields}  server p 127.0.0.1:${pod} pool-max-conn 6000`),
  };
}

const nginx = {
  name: 'nginx',
  missing: () => (which('nginx') ? null : 'apt-get install nginx-light'),
  version: () => versionOf(which('nginx'), '-v'),
  async start(pod) {
    const [port] = await freePorts(1);
    const at = `${temporaryFolder}/nginx-proxy`;
    const file = writeTemporary(
      'nginx-proxy.conf',
      `worker_processes 1; daemon off; pid ${at}.pid; error_log stderr crit;
events { worker_connections 16000; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 100000000;
  client_body_temp_path ${at}1; proxy_temp_path ${at}2; fastcgi_temp_path ${at}3; uwsgi_temp_path ${at}4; scgi_temp_path ${at}5;
  client_body_buffer_size 64k; proxy_max_temp_file_size 0;
  upstream pod { server 127.0.0.1:${pod}; keepalive 512; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://pod; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto http;
      proxy_set_header X-Forwarded-Host $http_host; proxy_set_header Via "1.1 bench"; proxy_set_header Host $http_host;
    }
  }
}
`,
    );
    return { child: await startServer(which('nginx'), ['-c', file, '-p', temporaryFolder], port), port };
  },
};

function nodeProxy(name, script, dependency, note) {
  return {
    name,
    missing: () => (resolvable(dependency) ? null : note),
    version: () => `${dependency} on Node ${process.version}`,
    async start(pod) {
      const [port] = await freePorts(1);
      const args = [`${root}bench/${script}`, String(port), String(pod)];
      return { child: await startServer(process.execPath, args, port), port };
    },
  };
}

const caddy = {
  name: 'caddy',
  missing: () => (which('caddy') ? null : 'apt-get install caddy'),
  version: () => versionOf(which('caddy'), 'version'),
  async start(pod) {
    const [port] = await freePorts(1);
    const file = writeTemporary(
      'Caddyfile',
      `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${pod} {
    transport http {
      keepalive_idle_conns_per_host 6000
    }
  }
}
`,
    );
    const args = ['run', '--adapter', 'caddyfile', '--config', file];
    const env = { ...process.env, HOME: temporaryFolder, GOMAXPROCS: '1' };
    return { child: await startServer(which('caddy'), args, port, { env }), port };
  },
};

const headroute = {
  name: 'headroute',
  missing: () => (existsSync(`${root}dist/headroute.js`) ? null : 'npm run build'),
  version: () => versionOf(process.execPath, `${root}dist/headroute.js`, '--version'),
  start: (pod) => startHeadroute(pod),
};

/** In the order of the table; the first is what ratios are taken against. */
export const PROXIES = [
  haproxy('haproxy-same-work', SAME_WORK),
  haproxy('haproxy-plain', ''),
  nginx,
  headroute,
  nodeProxy('http-proxy', 'http-proxy.mjs', 'http-proxy', 'npm ci'),
  caddy,
  nodeProxy('http-proxy-3', 'http-proxy-3.mjs', 'http-proxy-3', 'npm install --no-save http-proxy-3@1'),
];
