// The Pod behind every proxy: nginx, in C, so that it is never what is measured.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, startServer, temporaryFolder, writeTemporary } from './processes.mjs';

export const SIZES = { '250B': 250, '16KiB': 16 * 1024, '1MiB': 1024 * 1024 };

/** Starts nginx as the Pod; its paths: /250B /16KiB /1MiB, /post, /chunked. */
export async function startBackend(nginx) {
  const [port] = await freePorts(1);
  for (const [name, size] of Object.entries(SIZES))
    writeFileSync(join(temporaryFolder, name), 'x'.repeat(size));
  // sub_filter takes the length away, so that the answer is chunked.
  writeFileSync(join(temporaryFolder, 'chunked'), 'y'.repeat(16 * 1024));
  const file = writeTemporary(
    'backend.conf',
    `worker_processes 1; daemon off; pid ${temporaryFolder}/backend.pid; error_log stderr crit;
events { worker_connections 16000; }
http {
  access_log off; sendfile on; tcp_nodelay on; keepalive_requests 100000000; keepalive_timeout 600s;
  client_body_temp_path ${temporaryFolder}/b1; proxy_temp_path ${temporaryFolder}/b2;
  fastcgi_temp_path ${temporaryFolder}/b3; uwsgi_temp_path ${temporaryFolder}/b4; scgi_temp_path ${temporaryFolder}/b5;
  open_file_cache max=100; types { } default_type application/octet-stream;
  client_body_buffer_size 64k;
  server {
    listen 127.0.0.1:${port} reuseport backlog=4096; root ${temporaryFolder};
    location = /250B { return 200 "${'x'.repeat(250)}"; }
    location = /post { return 200 "ok"; }
    location = /chunked { sub_filter_types *; sub_filter 'nothing' ''; sub_filter_once off; }
  }
}
`,
  );
  const child = await startServer(nginx, ['-c', file, '-p', temporaryFolder], port);
  return { child, port };
}
