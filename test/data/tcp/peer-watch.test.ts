import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addressKey, PeerWatch } from '../../../src/platform/peer-watch.ts';
import { VirtualClock } from '../../helpers/virtual-clock.ts';
import { poll } from '../../helpers/waiting.ts';

/** An accepted socket that nobody reads, and its peer. */
async function pair(host: string, bind: string): Promise<{ accepted: Socket; peer: Socket }> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, bind, resolve);
  });
  const accepting = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const peer = connect({ host, port: (server.address() as AddressInfo).port, allowHalfOpen: true });
  peer.on('error', () => {});
  const accepted = await accepting;
  accepted.on('error', () => {});
  onTestFinished(() => {
    accepted.destroy();
    peer.destroy();
    server.close();
  });
  return { accepted, peer };
}

describe('PeerWatch', () => {
  it.each([
    ['127.0.0.1', '0100007F'],
    ['10.1.2.3', '0302010A'],
    ['::1', '00000000000000000000000001000000'],
    ['::ffff:127.0.0.1', '0000000000000000FFFF00000100007F'],
    ['fe80::1%eth0', '000080FE000000000000000001000000'],
    ['2001:db8:1:2:3:4:5:6', 'B80D0120020001000400030006000500'],
  ])('writes %s as the kernel does', (address, expected) => {
    expect(addressKey(address)).toBe(expected);
  });

  it.each([
    ['127.0.0.1', '127.0.0.1', 'end'],
    ['127.0.0.1', '127.0.0.1', 'resetAndDestroy'],
    ['127.0.0.1', '::', 'end'],
    ['::1', '::', 'end'],
    ['::1', '::', 'resetAndDestroy'],
  ] as const)(
    'sees the peer at %s of a server on %s leave by %s, unread bytes or not',
    async (host, bind, how) => {
      const opened = await pair(host, bind).catch(() => null);
      if (opened === null) return;
      const watch = new PeerWatch();
      let gone = 0;
      watch.watch(opened.accepted, () => gone++);
      opened.peer.write('unread');
      await watch.check();
      await watch.check();
      expect(gone).toBe(0);
      opened.peer[how]();
      await poll(() => gone === 1, 'the peer to be gone');
      await watch.check();
      expect(gone).toBe(1);
      expect(opened.accepted.bytesRead).toBe(0);
    },
  );

  it('without a table, or with one that does not know the connection, nobody is gone', async () => {
    const { accepted, peer } = await pair('127.0.0.1', '127.0.0.1');
    for (const table of ['', 'garbage', '  0: 0100007F:0001 0100007F:0002 08 x']) {
      const clock = new VirtualClock();
      const watch = new PeerWatch(clock, () => Promise.resolve(table));
      let gone = false;
      const unwatch = watch.watch(accepted, () => {
        gone = true;
      });
      peer.end();
      await watch.check();
      clock.advance(1000);
      await watch.check();
      expect(gone).toBe(false);
      unwatch();
      clock.advance(1000);
      await watch.check();
      expect(clock.pending).toBe(0);
    }
  });
});
