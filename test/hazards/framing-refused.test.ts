/**
 * Request framing that two readers could understand differently is refused with 400 before a byte goes upstream.
 *
 * Story: every request-smuggling report (CL.TE, TE.CL, TE.TE, chunk spill, bare LF) is a proxy that guessed. Measured on
 * Node 20: http-proxy, http-proxy-3 and httpxy forward an empty Transfer-Encoding beside Content-Length (F05); HAProxy 2.6
 * forwards NUL (F13) and answers folded lines (F10).
 * Sources: RFC 9112 sections 2.2, 5.1, 5.2, 6.1–6.3, 7.1; RFC 9110 sections 5.5 and 8.6; Http11Probe SMUG-* and MAL-*;
 * http-garden TROPHIES; RFC erratum 7633. Case ids are those of cases/http-cases.json.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectProblem, expectRefused, expectUnharmed, openScene, type Scene } from '../helpers/scene.ts';
import { value } from '../helpers/wire.ts';
import { CHUNKS, HEADS } from './hostile-requests.ts';

let stage: Scene & { close(): Promise<void> };
beforeAll(async () => {
  stage = await openScene();
});
afterAll(() => stage.close());

for (const [id, cases] of Object.entries(HEADS))
  describe(id, () => {
    it.each(Object.entries(cases))('%s: 400, closed, nothing forwarded', async (_, bytes) => {
      // The pipelined request after it must be neither answered nor forwarded.
      await expectRefused(stage, `${bytes}GET /after HTTP/1.1\r\nHost: a\r\n\r\n`);
    });
  });

/**
 * A bad chunk comes after a good head, so the head may be at the Pod already: then `sent` says so, the message at the Pod
 * is never completed and its connection is never used again.
 */
for (const [id, cases] of Object.entries(CHUNKS))
  describe(id, () => {
    for (const [name, body] of Object.entries(cases))
      for (const way of ['at once', 'after the head has gone up'] as const)
        it(`${name}, ${way}: 400 body_invalid, never a whole request at the Pod`, async () => {
          const { pod } = stage;
          const before = { requests: pod.requests.length, bytes: pod.total };
          const client = await stage.client();
          const head =
            'POST /bad-chunk HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';
          if (way === 'at once') client.send(head + body);
          else {
            client.send(head);
            await pod.until((p) => p.total > before.bytes, 'the head');
            client.send(body);
          }
          client.send('GET /after HTTP/1.1\r\nHost: a\r\n\r\n');
          const answer = await client.response('POST');
          const arrived = pod.total > before.bytes;
          const sent = value(answer, 'x-headroute-sent') === 'true';
          expect(sent || !arrived, 'sent: false although bytes arrived').toBe(true);
          expectProblem(answer, 'body_invalid', sent);
          expect(await client.closed()).toBe('fin');
          expect(client.rest.length).toBe(0);
          if (arrived) await pod.until((p) => p.last.over, 'the upstream connection to be destroyed');
          expect(pod.requests.length, 'whole requests at the Pod').toBe(before.requests);
          const next = await stage.client();
          await expectUnharmed(next, '/after-bad-chunk');
          next.destroy();
        });
  });
