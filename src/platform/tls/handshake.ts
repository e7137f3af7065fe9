import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../clock.ts';
import { guarded } from '../guard.ts';
import { watchEnd } from './below.ts';
import type { TlsClient } from './client.ts';
import { handshakeFailure, TlsError } from './failure.ts';
import { factsOf, verifyPeer } from './peer-certificate.ts';

/** How a connection is to speak TLS. */
export interface TlsTerms {
  readonly client: TlsClient;
  /** The name verified and, where it is no address, told to the peer (SNI). */
  readonly serverName: string;
  /** What is spoken inside; null: nobody knows. */
  readonly protocol: 'http/1.1' | null;
}

export interface HandshakeUser {
  /** The peer is who it should be, and has taken us. */
  secured(socket: TLSSocket): void;
  failed(error: TlsError): void;
}

/**
 * With TLS 1.3 a client has finished before its certificate is looked at; a refusal comes later. Nearly every server sends a ticket
 * right after it took the client: that is waited for, so that nothing is sent to one that refuses. One that sends none is
 * believed after so long.
 */
const TAKEN_MS = 20;

/**
 * Makes a connected socket one of TLS. Exactly one of the callbacks is called, in a later turn of the event loop, unless it was given
 * up; time is limited by the caller.
 * @param peer address and port with a blank between, by which sessions are kept
 * @returns gives it up, and the connection
 */
export function handshake(
  tcp: Socket,
  { client, serverName, protocol }: TlsTerms,
  peer: string,
  clock: Clock,
  user: HandshakeUser,
): () => void {
  tcp.on('error', () => {});
  const { inForce } = client;
  if (inForce === null) {
    user.failed(new TlsError('own_files', client.problem ?? 'the files of tls cannot be used'));
    return () => tcp.destroy();
  }
  const key = `${serverName} ${peer}`;
  const session = client.session(key, clock.wallMs());
  const socket = connect({
    socket: tcp,
    secureContext: inForce.context,
    servername: isIP(serverName) === 0 ? serverName : '',
    // Verified below, by one rule for all: Node would destroy the socket before anybody can say which names the certificate has.
    rejectUnauthorized: false,
    checkServerIdentity: () => undefined,
    ...(protocol === null ? {} : { ALPNProtocols: [protocol] }),
    ...(session === null ? {} : { session }),
  });
  watchEnd(socket, tcp);
  let timer: Timer | null = null;
  let taken: NodeJS.Immediate | null = null;
  const settle = (): void => {
    timer?.clear();
    if (taken !== null) clearImmediate(taken);
    socket.off('error', onError);
    socket.off('secureConnect', onSecure);
    socket.off('session', onTaken);
  };
  const giveUp = (): void => {
    settle();
    socket.on('error', () => {});
    socket.destroy();
    tcp.destroy();
  };
  const fail = (error: TlsError): void => {
    giveUp();
    client.forgetSession(key);
    user.failed(error);
  };
  const onError = (error: Error): void => fail(handshakeFailure(error, client.options.cert !== null));
  // OpenSSL calls from within a handshake or a read: who ended the connection there would end it without close_notify, who reset it
  // would pull the ground from under it.
  const onTaken = (): void => {
    taken ??= setImmediate(
      guarded(
        'pod',
        () => {
          settle();
          user.secured(socket);
        },
        giveUp,
      ),
    );
  };
  const onSecure = (): void => {
    const refused = verifyPeer(socket, serverName, client.options);
    if (refused !== null) {
      fail(refused);
      return;
    }
    const isResumed = socket.isSessionReused();
    if (!isResumed) client.met(key, peer, factsOf(socket.getPeerCertificate()));
    socket.on('session', (ticket: Buffer) => client.keepSession(key, inForce, ticket));
    if (isResumed || socket.getProtocol() !== 'TLSv1.3' || !client.sendsTickets(key)) {
      onTaken();
      return;
    }
    socket.on('session', onTaken);
    timer = clock.after(TAKEN_MS, () => {
      client.sendsNone(key);
      onTaken();
    });
  };
  socket.on('error', onError);
  socket.on('secureConnect', onSecure);
  return giveUp;
}
