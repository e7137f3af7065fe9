/** Why there is no TLS connection, the `cause` label of `headroute_upstream_tls_failures_total`. */
export const TLS_CAUSES = [
  /** No CA of ours has signed its certificate, or something else is wrong with the chain. */
  'untrusted',
  'wrong_name',
  'expired',
  'not_yet_valid',
  /** It takes no connection without a certificate of ours, or not with this one. */
  'client_certificate',
  /** What it said is not TLS. */
  'not_tls',
  /** It said something in TLS where plain text was spoken. */
  'tls_expected',
  /** No version or cipher that both know. */
  'incompatible',
  /** It ended the connection without a word. */
  'closed',
  'timeout',
  /** Our own files cannot be used. */
  'own_files',
  'other',
] as const;

export type TlsCause = (typeof TLS_CAUSES)[number];

/** A handshake that failed. The message is for people: what is wrong with the Pod, and what to do. */
export class TlsError extends Error {
  readonly tlsCause: TlsCause;

  constructor(cause: TlsCause, message: string) {
    super(message);
    this.tlsCause = cause;
  }
}

type NodeError = Error & { readonly code?: string };

const REFUSED_CERTIFICATE =
  /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(REQUIRED|UNKNOWN|EXPIRED|REVOKED)|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)$/;
const NOT_TLS =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|UNKNOWN_PROTOCOL|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|RECORD_TOO_SMALL|BAD_RECORD_TYPE|UNEXPECTED_MESSAGE)$/;
const INCOMPATIBLE =
  /(ALERT_PROTOCOL_VERSION|ALERT_HANDSHAKE_FAILURE|ALERT_INSUFFICIENT_SECURITY|ALERT_NO_APPLICATION_PROTOCOL|UNSUPPORTED_PROTOCOL|NO_SHARED_CIPHER|NO_CIPHERS_AVAILABLE|VERSION_TOO_LOW)$/;

/** What an alert of the Pod's says, whenever it comes; null: it is none that says something of certificates. */
export function refusedCertificate(error: NodeError, hasOwn: boolean): TlsError | null {
  if (!REFUSED_CERTIFICATE.test(error.code ?? '')) return null;
  const alert = (error.code ?? '')
    .replace(/^.*ALERT_/, '')
    .toLowerCase()
    .replaceAll('_', ' ');
  return new TlsError(
    'client_certificate',
    hasOwn
      ? `it refuses our certificate (${alert}): is it signed by the CA that the Pod trusts for clients, and valid?`
      : `it wants a certificate of ours (${alert}): write cert and key under tls`,
  );
}

/** What an error of a handshake says of the Pod. @param hasOwn whether we have a certificate to show */
export function handshakeFailure(error: NodeError, hasOwn: boolean): TlsError {
  const refused = refusedCertificate(error, hasOwn);
  if (refused !== null) return refused;
  const code = error.code ?? '';
  const shown =
    code === ''
      ? error.message
      : code
          .replace(/^ERR_SSL_/, '')
          .toLowerCase()
          .replaceAll('_', ' ');
  if (NOT_TLS.test(code))
    return new TlsError('not_tls', 'what it answers is not TLS: does it speak TLS on this port?');
  if (INCOMPATIBLE.test(code))
    return new TlsError(
      'incompatible',
      `no TLS that both sides know (${shown}): look at minVersion, ciphers and whether it wants a certificate of ours`,
    );
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new TlsError(
      'closed',
      'it closed the connection during the TLS handshake: does it speak TLS on this port?',
    );
  return new TlsError('other', `TLS handshake failed: ${shown}`);
}

/** A record of TLS as the first bytes of an answer to plain text: an alert, or a handshake. */
export function looksLikeTls(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3 && bytes[2]! <= 4;
}

/** Of a Pod that spoke TLS where plain text was spoken. */
export const TLS_EXPECTED = 'it speaks TLS on this port, and plain text was sent: write tls';
