import { createHash, type X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { certificatesOf, keyOf, PemError } from './pem.ts';

/** Larger than this is no file of certificates: all roots of a system have some 220 KB. */
const MAX_BYTES = 4 * 1024 * 1024;
/** Of our own and those between it and the CA. */
const MOST_IN_CHAIN = 10;
const MOST_IN_BUNDLE = 2000;

/** The paths of `TlsOptions`. */
export interface TlsFiles {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export type TlsFile = keyof TlsFiles;

/** What is wrong with a file, in words that go on after its name. */
export interface FileProblem {
  readonly file: TlsFile;
  readonly message: string;
  /** It is not there: perhaps on another machine. */
  readonly isMissing: boolean;
}

/** What was read. */
export interface Material {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** Of our own certificate; null: there is none. Wall clock, ms. */
  readonly notAfterMs: number | null;
  /** What tells one content from another. */
  readonly hash: string;
}

/** Reads the files and looks whether they can be used together. Never throws. @param nowMs wall clock */
export function readTlsFiles(
  files: TlsFiles,
  nowMs: number,
): { readonly material: Material } | { readonly problems: readonly FileProblem[] } {
  const problems: FileProblem[] = [];
  const read = <T>(file: TlsFile, parse: (bytes: Buffer) => T): { bytes: Buffer; value: T } | null => {
    const path = files[file];
    if (path === null) return null;
    try {
      const bytes = bytesOf(path);
      return { bytes, value: parse(bytes) };
    } catch (error) {
      problems.push({ file, message: wordsOf(error), isMissing: codeOf(error) === 'ENOENT' });
      return null;
    }
  };
  const ca = read('ca', (bytes) => authorities(certificatesOf(bytes, MOST_IN_BUNDLE), nowMs));
  const cert = read('cert', (bytes) => ownChain(certificatesOf(bytes, MOST_IN_CHAIN), nowMs));
  const key = read('key', keyOf);
  if (cert !== null && key !== null && !cert.value.checkPrivateKey(key.value))
    problems.push({
      file: 'key',
      message: `does not belong to the certificate in ${files.cert}`,
      isMissing: false,
    });
  if (problems.length > 0) return { problems };
  const hash = createHash('sha256');
  for (const part of [ca, cert, key]) hash.update(part?.bytes ?? '').update('\0');
  return {
    material: {
      ca: ca?.bytes.toString('latin1') ?? null,
      cert: cert?.bytes.toString('latin1') ?? null,
      key: key?.bytes.toString('latin1') ?? null,
      notAfterMs: cert === null ? null : Date.parse(cert.value.validTo),
      hash: hash.digest('hex'),
    },
  };
}

function bytesOf(path: string): Buffer {
  const stat = statSync(path);
  if (stat.isDirectory()) throw new PemError('is a directory: name the file in it');
  if (!stat.isFile()) throw new PemError('is not a regular file');
  if (stat.size > MAX_BYTES) throw new PemError(`is larger than ${MAX_BYTES / 1024 / 1024} MiB`);
  return readFileSync(path);
}

/** Those that others trust: CAs, or certificates that vouch for themselves. One that has expired beside others harms nobody. */
function authorities(certificates: readonly X509Certificate[], nowMs: number): readonly X509Certificate[] {
  const none = certificates.filter((one) => !one.ca && !one.checkIssued(one));
  if (none.length > 0)
    throw new PemError(
      `has ${none.length === 1 ? 'a certificate that is' : `${none.length} certificates that are`} no CA: ${subjectOf(none[0]!)}`,
    );
  const last = Math.max(...certificates.map(({ validTo }) => Date.parse(validTo)));
  if (last <= nowMs) throw new PemError(`has expired on ${new Date(last).toISOString()}`);
  return certificates;
}

function ownChain([own, ...others]: readonly X509Certificate[], nowMs: number): X509Certificate {
  const certificate = own!;
  const notAfterMs = Date.parse(certificate.validTo);
  if (notAfterMs <= nowMs) throw new PemError(`has expired on ${new Date(notAfterMs).toISOString()}`);
  const notBeforeMs = Date.parse(certificate.validFrom);
  if (notBeforeMs > nowMs)
    throw new PemError(`is not valid before ${new Date(notBeforeMs).toISOString()}: are the clocks right?`);
  const [next] = others;
  if (next !== undefined && !certificate.checkIssued(next))
    throw new PemError(
      `has ${subjectOf(certificate)} first, which the next one in it (${subjectOf(next)}) has not signed: our own belongs first, then who signed it`,
    );
  return certificate;
}

function subjectOf({ subject }: X509Certificate): string {
  return (subject ?? 'one without a name')
    .replaceAll('\n', ', ')
    .replace(/[^\x20-\x7e]/g, '?')
    .slice(0, 100);
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function wordsOf(error: unknown): string {
  if (error instanceof PemError) return error.message;
  switch (codeOf(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'is not there';
    case 'EACCES':
    case 'EPERM':
      return `may not be read by this user (uid ${process.getuid?.() ?? 'unknown'}): check its mode and its owner (fsGroup, defaultMode)`;
    default:
      return `cannot be read: ${(error as Error).message}`;
  }
}
