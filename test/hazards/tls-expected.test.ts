import { expect, it } from 'vitest';
import { OVER_TLS } from '../helpers/pod-wire.ts';
import { expectProblem, lines, scene } from '../helpers/scene.ts';

it.skipIf(OVER_TLS)('a Pod that answers plain text in TLS: upstream_protocol, which says so', async () => {
  // An alert of OpenSSL's: fatal, unexpected message.
  const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 10]);
  const s = await scene({ scripts: [{ onRequest: (connection) => connection.end(alert) }] });
  const answer = await (await s.client()).exchange(lines('GET / HTTP/1.1', 'Host: a'));
  expectProblem(answer, 'upstream_protocol', true);
  expect(JSON.parse(answer.body.toString()).detail).toBe(
    'db-0 answered with TLS, and plain text was sent: write tls under the backend',
  );
  expect(s.plane.metric('headroute_upstream_tls_failures_total', 'tls_expected')).toBe(1);
});
