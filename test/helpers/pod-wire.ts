import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';
import type { TlsConfig } from '../../src/model/config.ts';
import { issue } from './certificates.ts';
import { TlsFiles, tlsOptions } from './tls-files.ts';

/**
 * How taps and hand-made snapshots speak to each other: plain, or over TLS where the tests run with `HEADROUTE_WIRE=tls`. The same
 * stories hold over both.
 */
export const OVER_TLS = process.env.HEADROUTE_WIRE === 'tls';

/** What every Pod of these tests may be called. */
const NAMES = ['*.db.prod.svc.cluster.local', 'db.prod.svc.cluster.local'];

interface Wire {
  readonly config: TlsConfig;
  readonly context: ReturnType<typeof createSecureContext>;
}

let wire: Wire | null = null;

function secure(): Wire {
  if (wire !== null) return wire;
  const ca = issue({ name: 'CA of the taps', isCa: true });
  const pod = issue({ name: 'tap', names: NAMES, signer: ca });
  const files = new TlsFiles();
  process.once('exit', () => files.remove());
  const context = createSecureContext({ cert: pod.cert, key: pod.key });
  wire = { config: tlsOptions({ ca: files.write('ca.crt', ca.cert) }), context };
  return wire;
}

/** `tls` of a backend of these tests. */
export function wireTls(): TlsConfig | null {
  return OVER_TLS ? secure().config : null;
}

const below = new WeakMap<Socket, Socket>();

/** @param taken is given the socket that the Pod speaks over, once it may */
export function onWire(tcp: Socket, taken: (socket: Socket) => void): void {
  if (!OVER_TLS) {
    taken(tcp);
    return;
  }
  tcp.on('error', () => {});
  const socket = new TLSSocket(tcp, {
    isServer: true,
    secureContext: secure().context,
    ALPNProtocols: ['http/1.1'],
  });
  below.set(socket, tcp);
  socket.on('error', () => {});
  // Not within the handshake: Node would end it without close_notify.
  socket.once('secure', () => setImmediate(() => taken(socket)));
}

/** A RST, whatever is spoken over it. */
export function resetWire(socket: Socket): void {
  const tcp = below.get(socket);
  if (tcp === undefined) socket.resetAndDestroy();
  else {
    tcp.resetAndDestroy();
    socket.destroy();
  }
}
