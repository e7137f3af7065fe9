/**
 * A node whose kernel has no IPv6: addresses without a host are those of IPv4.
 *
 * Story: a server that binds `::` for "everywhere" does not start where AF_INET6 is refused
 * (kiwigrid/k8s-sidecar#605, linkerd/linkerd2#12938). Case id B22 of field-cases.md.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { freePort, listener, sidecar, stage } from './support/stage.ts';

/** What a kernel started with `ipv6.disable=1` says to socket(AF_INET6) and all that needs one. */
const REFUSES_IPV6 = `
  const { TCP } = process.binding('tcp_wrap');
  const EAFNOSUPPORT = -97;
  for (const name of ['bind6', 'connect6']) TCP.prototype[name] = () => EAFNOSUPPORT;
`;

it('B22 serves every address `:PORT` on 0.0.0.0, the admin port and a reload included', async (test) => {
  const scene = await stage(test);
  const folder = mkdtempSync(join(tmpdir(), 'headroute-no-ipv6-'));
  test.onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const preload = join(folder, 'refuse-ipv6.cjs');
  writeFileSync(preload, REFUSES_IPV6);
  const everywhere = (part: Record<string, unknown> = {}): Record<string, unknown> =>
    scene.document({ listeners: [listener({ address: ':0' })], admin: { address: ':0' }, ...part });
  const running = await sidecar(test, everywhere(), {
    env: { NODE_OPTIONS: `--no-deprecation --require ${preload}` },
  });
  await running.pods(2);
  expect(await (await fetch(`http://127.0.0.1:${running.port()}/`)).text()).toMatch(/^db-[01]$/);
  expect((await fetch(`http://127.0.0.1:${/\d+$/.exec(running.admin)}/livez`)).status).toBe(200);
  const port = await freePort();
  const more = [listener({ address: ':0' }), listener({ name: 'more', address: `:${port}` })];
  running.write(everywhere({ listeners: more }));
  await running.log('the changed configuration is in force');
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
});
