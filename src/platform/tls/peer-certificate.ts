import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import { TlsError } from './failure.ts';
import type { TlsOptions } from './options.ts';

/** Names of a certificate that a message shows at the most. */
const MOST_NAMES = 5;

/** What is kept of a Pod's certificate. */
export interface PeerFacts {
  /** DNS names and addresses it is for. */
  readonly names: readonly string[];
  /** Wall clock, ms. */
  readonly notAfterMs: number;
}

export function factsOf(certificate: PeerCertificate): PeerFacts {
  return { names: namesOf(certificate), notAfterMs: Date.parse(certificate.valid_to) };
}

/**
 * The rules by which a Pod is believed: its chain leads to a CA of ours, and its certificate is for the name. A resumed session
 * was verified when it began (`TlsClient.session`).
 * @returns why it is not, or null
 */
export function verifyPeer(
  socket: TLSSocket,
  serverName: string,
  { verify, ca }: TlsOptions,
): TlsError | null {
  if (verify === 'None') return null;
  const certificate = socket.getPeerCertificate();
  if (!socket.authorized)
    return untrusted(String(socket.authorizationError ?? 'no certificate'), certificate, ca);
  if (verify === 'Chain' || socket.isSessionReused()) return null;
  return checkServerIdentity(serverName, certificate) === undefined
    ? null
    : wrongName(serverName, certificate);
}

function untrusted(
  code: string,
  { issuer, valid_from, valid_to }: PeerCertificate,
  ca: string | null,
): TlsError {
  if (code === 'CERT_HAS_EXPIRED')
    return new TlsError(
      'expired',
      `a certificate that it shows has expired; its own is valid until ${iso(valid_to)}`,
    );
  if (code === 'CERT_NOT_YET_VALID')
    return new TlsError(
      'not_yet_valid',
      `a certificate that it shows is not valid yet; its own is from ${iso(valid_from)} on: are the clocks right?`,
    );
  const by = issuer?.CN ?? issuer?.O;
  const of = by === undefined ? '' : `, issued by ${printable(String(by))},`;
  const trusted = ca === null ? "Node's roots (write ca under tls)" : ca;
  const why = code.toLowerCase().replaceAll('_', ' ');
  return new TlsError('untrusted', `its certificate${of} is not trusted by ${trusted}: ${why}`);
}

function wrongName(serverName: string, certificate: PeerCertificate): TlsError {
  const names = namesOf(certificate);
  if (names.length === 0)
    return new TlsError('wrong_name', `its certificate has no names: issue it for ${serverName}`);
  const shown = names
    .slice(0, MOST_NAMES)
    .map((name) => printable(name))
    .join(', ');
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : '';
  const host = serverName.split('.', 1)[0]!;
  const common = names.find(
    (name) =>
      !name.includes('*') &&
      name !== 'localhost' &&
      name.includes('.') &&
      !name.startsWith(`${host}.`) &&
      !/^[\d.]+$/.test(name),
  );
  const remedy =
    common === undefined
      ? `issue it for ${serverName}`
      : `if all Pods have that one write serverName: ${printable(common)} under tls, else issue it for ${serverName}`;
  return new TlsError(
    'wrong_name',
    `its certificate is for ${shown}${more}, not for ${serverName}: ${remedy}`,
  );
}

function namesOf({ subject, subjectaltname }: PeerCertificate): string[] {
  if (subjectaltname === undefined) return subject?.CN === undefined ? [] : [String(subject.CN)];
  return subjectaltname
    .split(', ')
    .filter((entry) => /^(DNS|IP Address):/.test(entry))
    .map((entry) => entry.slice(entry.indexOf(':') + 1));
}

function iso(date: string): string {
  const ms = Date.parse(date);
  return Number.isNaN(ms) ? 'an unknown day' : new Date(ms).toISOString();
}

/** Of another's certificate: nothing that steers a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
