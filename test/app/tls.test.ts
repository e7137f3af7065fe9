/** The built program with Pods that speak TLS and want a certificate: certificates are replaced under load, and what is wrong is said. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { expect, it } from 'vitest';
import { issue } from '../helpers/certificates.ts';
import { Secret } from '../helpers/tls-files.ts';
import { poll } from '../helpers/waiting.ts';
import { type Document, type Scope, SERVICE, type Stage, sidecar, stage } from './support/stage.ts';

const ca = issue({ name: 'CA', isCa: true });

/** A Pod of the Service. @returns its port, and the names of the certificates that its clients have shown */
async function securePod(
  scope: Scope,
  names: readonly string[],
): Promise<{ port: number; seen: Set<string> }> {
  const pod = issue({ name: 'pod', names, signer: ca });
  const seen = new Set<string>();
  const open = new Set<Duplex>();
  const server: Server = createServer(
    { cert: pod.cert, key: pod.key, ca: ca.cert, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      if (request.url === '/data')
        seen.add(String((request.socket as TLSSocket).getPeerCertificate().subject?.CN));
      request.resume().on('end', () => response.end('ok'));
    },
  );
  server.on('connection', (socket) => open.add(socket).size);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, seen };
}

function secretOf(scope: Scope): {
  secret: Secret;
  put(name: string, part?: Record<string, string>): void;
  tls: Document;
} {
  const secret = new Secret();
  scope.onTestFinished(() => secret.files.remove());
  const { files } = secret;
  return {
    secret,
    put(name, part = {}) {
      const { cert, key } = issue({ name, signer: ca });
      secret.swap({ 'ca.crt': ca.cert, 'tls.crt': cert, 'tls.key': key, ...part });
    },
    tls: { ca: files.path('ca.crt'), cert: files.path('tls.crt'), key: files.path('tls.key') },
  };
}

function publish(scene: Stage, ports: readonly number[]): void {
  scene.dns.setService(
    SERVICE,
    'http',
    80,
    ports.map((port, n) => ({ name: `db-${n}`, addresses: ['127.0.0.1'], port })),
    1,
  );
}

it('certificates are replaced under load: no request fails, and each Pod sees each of them', async (test) => {
  const scene = await stage(test, []);
  const pods = await Promise.all([0, 1].map((n) => securePod(test, [`db-${n}.${SERVICE}`])));
  publish(
    scene,
    pods.map(({ port }) => port),
  );
  const { put, tls } = secretOf(test);
  put('first');
  const running = await sidecar(test, scene.document({ backends: [scene.backend({ tls })] }));
  await running.pods(2);
  const failed: string[] = [];
  let isOver = false;
  const load = Array.from({ length: 8 }, async (_, n) => {
    while (!isOver) {
      const init = n % 2 === 0 ? {} : { method: 'POST', body: 'x' };
      const response = await fetch(`${running.url}/data`, init);
      if ((await response.text()) !== 'ok') failed.push(`${response.status}`);
    }
  });
  const everywhere = (name: string) => () => pods.every(({ seen }) => seen.has(name)) || failed.length > 0;
  await poll(everywhere('first'), 'the first at both Pods', 10_000);
  for (const [n, name] of ['second', 'third'].entries()) {
    put(name);
    await running.log('the changed certificates are in force', n + 1);
    await poll(everywhere(name), `the ${name} at both Pods`, 10_000);
  }
  isOver = true;
  await Promise.all(load);
  expect(failed).toEqual([]);
  for (const { seen } of pods) expect([...seen].sort()).toEqual(['first', 'second', 'third']);

  // Half of a pair: what is in force stays, and everybody can see it.
  put('fourth', { 'tls.key': issue({ name: 'x' }).key });
  await running.log('the certificates on disk cannot be used; those in force stay');
  expect((await fetch(`${running.url}/data`)).status).toBe(200);
  expect(await running.metric('headroute_tls_reloads_total', { result: 'failure' })).toBe(1);
  expect(await running.metric('headroute_tls_reloads_total', { result: 'success' })).toBe(2);
  const expiry = await running.metric('headroute_tls_certificate_expiry_timestamp_seconds', {
    backend: 'db',
  });
  expect(Math.abs(expiry * 1000 - Date.now() - 86_400_000)).toBeLessThan(600_000);
  const [backend] = (await running.state()).backends as unknown as { tls: object[] }[];
  expect(backend!.tls).toMatchObject([
    {
      at: 'tls',
      verify: 'Full',
      problem: expect.stringContaining('does not belong to the certificate'),
      pods: [{ pod: 'db-0', names: [`db-0.${SERVICE}`] }, { pod: 'db-1' }],
    },
  ]);
});

it('a Pod with another name is unready, and the reason says what to write', async (test) => {
  const scene = await stage(test, []);
  const { port } = await securePod(test, [SERVICE]);
  publish(scene, [port]);
  const { put, tls } = secretOf(test);
  put('ours');
  const document = (part: Document): Document =>
    scene.document({ backends: [scene.backend({ tls: { ...tls, ...part } })] });
  const running = await sidecar(test, document({}));
  const reason = await running.until(async () => {
    const [pod] = (await running.state()).backends[0]!.pods;
    return pod?.reason.includes('certificate') && pod.reason;
  }, 'the reason');
  expect(reason).toContain(`its certificate is for ${SERVICE}, not for db-0.${SERVICE}`);
  expect(reason).toContain(`serverName: ${SERVICE}`);
  expect(
    await running.metric('headroute_upstream_tls_failures_total', { backend: 'db', cause: 'wrong_name' }),
  ).toBeGreaterThan(0);
  running.write(document({ serverName: SERVICE }));
  await running.pods(1);
  expect((await fetch(`${running.url}/data`)).status).toBe(200);
});

it('a probe of another port has its own, or none', async (test) => {
  const scene = await stage(test, ['db-0']);
  const plain = scene.pods[0]!;
  const { port } = await securePod(test, [`db-0.${SERVICE}`]);
  const { put, tls } = secretOf(test);
  put('ours');
  const health = { httpGet: { path: '/healthz', port }, tls, period: '100ms', timeout: '5s' };
  const running = await sidecar(test, scene.document({ backends: [scene.backend({ health })] }));
  await running.pods(1);
  expect(await (await fetch(running.url)).text()).toBe('db-0');
  publish(scene, [port]);
  const other = { httpGet: { path: '/healthz', port: plain.port }, period: '100ms', timeout: '5s' };
  running.write(scene.document({ backends: [scene.backend({ tls, health: other })] }));
  await running.until(async () => (await (await fetch(running.url)).text()) === 'ok', 'the data over TLS');
});

it('a file that cannot be used keeps it from starting, with the line', async (test) => {
  const scene = await stage(test, []);
  const { tls } = secretOf(test);
  const running = sidecar(test, scene.document({ backends: [scene.backend({ tls })] }));
  await expect(running).rejects.toThrow(
    /headroute\.yaml:\d+:\d+: backends\[0\]\.tls\.ca: \\".+ca\.crt\\" is not there/,
  );
});
