/**
 * U08 TCP listeners: a server that speaks first, half-close both ways, back-pressure, a cut on demotion.
 *
 * Story: a proxy that waits for the client's first byte hangs MySQL, SMTP and SSH; one that turns a half-close into a close
 * loses the answer.
 * Sources: linkerd transparency.rs inbound_tcp_server_first; zalando/postgres-operator#2035; SPEC 3 Holding.
 */
import { describe, expect, it } from 'vitest';
import { leaderSelection } from '../helpers/data-plane.ts';
import type { PodScript } from '../helpers/raw-pod.ts';
import { type Scene, type SceneOptions, scene } from '../helpers/scene.ts';
import { pause } from '../helpers/waiting.ts';

const banner: PodScript = {
  onConnect: (c) => {
    c.raw = true;
    c.write(`220 ${c.pod.port}\r\n`);
    c.socket.on('data', (data) => c.write(data));
    c.socket.on('end', () => c.end('bye'));
  },
};

function tcpScene(options: SceneOptions = {}): Promise<Scene> {
  return scene({ protocol: 'TCP', scripts: [banner], ...options });
}

describe('U08 TCP', () => {
  it('the server speaks first: relayed without a client byte', async () => {
    const { pod, client: dial } = await tcpScene();
    const client = await dial();
    await client.until((rest) => rest.toString() === `220 ${pod.port}\r\n`, 'the banner');
    client.send('\x00\xffecho\r\n');
    await client.until((rest) => rest.toString('latin1').endsWith('\x00\xffecho\r\n'), 'the echo');
  });

  it('half-close: what the server says after the client’s FIN arrives', async () => {
    const { client: dial } = await tcpScene();
    const client = await dial();
    client.send('x');
    client.end();
    await client.until((rest) => rest.toString().endsWith('xbye'), 'the last words');
    expect(await client.closed()).toBe('fin');
  });

  it('no Pod, or all refuse: closed', async () => {
    const { pod, plane, client: dial } = await tcpScene();
    pod.refuse();
    await (await dial()).closed();
    plane.setPods([]);
    await (await dial()).closed();
  });

  it('L10 the leader changes: cut; a new connection goes to the new leader', async () => {
    const {
      pods,
      plane,
      client: dial,
    } = await tcpScene({
      scripts: [banner, banner],
      leader: 'db-0',
      rules: [{ selection: leaderSelection() }],
    });
    const client = await dial();
    await client.until((rest) => rest.toString() === `220 ${pods[0]!.port}\r\n`, 'the banner');
    plane.setLeader('db-1');
    await client.closed(1000);
    const next = await dial();
    await next.until((rest) => rest.toString() === `220 ${pods[1]!.port}\r\n`, 'the other banner');
  });

  it('no leader: held, nothing read; then served, or closed when the hold ends', async () => {
    const {
      pod,
      plane,
      client: dial,
    } = await tcpScene({
      leader: { state: 'none' },
      rules: [{ selection: leaderSelection({ hold: { timeoutMs: 300 } }) }],
    });
    const client = await dial();
    client.send('early');
    await pause(50);
    expect(pod.total).toBe(0);
    plane.setLeader('db-0');
    await client.until((rest) => rest.toString().endsWith('early'), 'the early bytes back');
    plane.setLeader({ state: 'none' });
    await client.closed();
    const began = performance.now();
    const late = await dial();
    await late.closed();
    expect(performance.now() - began).toBeGreaterThan(200);
  });
});
