import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** How the demo tells a child process which Pod to be; JSON in the environment variable `HEADROUTE_DEMO_POD`. */
export interface PodSpec {
  readonly name: string;
  /** Append-only, one id a line; kept when the Pod starts again. */
  readonly logFile: string;
  /** The term it leads in; null: it follows. */
  readonly term: number | null;
}

export type PodOrder = { readonly promote: number };
export type PodReport = { readonly port: number } | { readonly promoted: number };

/**
 * A small database of one Pod: `POST /write?id=` appends to the log, syncs and acknowledges where it leads, and is
 * answered 421 where it follows; `GET /read`, `/healthz` and `/leader` as the names say. Ends with the process that
 * started it.
 */
export function runPod(spec: PodSpec): void {
  let { term } = spec;
  const log = openSync(spec.logFile, 'a');
  let count = 0;

  const answer = (response: ServerResponse, status: number, body: object): void => {
    const text = JSON.stringify({ pod: spec.name, ...body });
    response.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    });
    response.end(text);
  };

  const write = (id: string, reply: (status: number, body: object) => void): void => {
    if (term === null) reply(421, { error: 'not the leader' });
    else if (!/^[\w-]{1,64}$/.test(id)) reply(400, { error: 'no usable id' });
    else {
      // Written and synced before it is acknowledged: a SIGKILL after the answer cannot undo it.
      writeSync(log, `${id}\n`);
      fsyncSync(log);
      count += 1;
      reply(200, { id, term });
    }
  };

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const reply = (status: number, body: object): void => answer(response, status, body);
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://pod');
    const route = `${request.method} ${pathname}`;
    if (route === 'POST /write' || route === 'PUT /write') write(searchParams.get('id') ?? '', reply);
    else if (route === 'GET /read') reply(200, { writes: count });
    else if (route === 'GET /healthz') reply(200, { ok: true });
    else if (route === 'GET /leader') {
      reply(200, { role: term === null ? 'follower' : 'leader', term: term ?? undefined });
    } else reply(404, { error: 'no such path' });
  };

  // The body is taken in before the write counts, so that a cut-off request changes nothing.
  const server = createServer((request, response) => {
    request.on('end', () => serve(request, response)).on('error', () => {});
    request.resume();
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => {
    report({ port: (server.address() as { port: number }).port });
  });
  process.on('message', (order: PodOrder) => {
    term = order.promote;
    report({ promoted: term });
  });
  // Ctrl-C reaches the whole group; the demo decides when its Pods end.
  process.on('SIGINT', () => {});
  process.on('disconnect', () => {
    closeSync(log);
    process.exit(0);
  });
}

function report(message: PodReport): void {
  process.send?.(message);
}
