import { generateKeyPairSync } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { type TlsFiles as Paths, readTlsFiles } from '../../../src/platform/tls/material.ts';
import { issue } from '../../helpers/certificates.ts';
import { TlsFiles } from '../../helpers/tls-files.ts';

const files = new TlsFiles();
afterAll(() => files.remove());

const DAY_MS = 86_400_000;
const ca = issue({ name: 'CA', isCa: true });
const between = issue({ name: 'between', isCa: true, signer: ca });
const own = issue({ name: 'headroute', signer: between });
const other = issue({ name: 'other', signer: ca });
const expired = issue({
  name: 'old',
  signer: ca,
  fromMs: Date.now() - 2 * DAY_MS,
  untilMs: Date.now() - DAY_MS,
});
const future = issue({
  name: 'new',
  signer: ca,
  fromMs: Date.now() + DAY_MS,
  untilMs: Date.now() + 2 * DAY_MS,
});
const oldCa = issue({
  name: 'old CA',
  isCa: true,
  fromMs: Date.now() - 2 * DAY_MS,
  untilMs: Date.now() - DAY_MS,
});

function problems(paths: Partial<Paths>): string[] {
  const read = readTlsFiles({ ca: null, cert: null, key: null, ...paths }, Date.now());
  return 'problems' in read ? read.problems.map(({ file, message }) => `${file} ${message}`) : [];
}

const caFile = (content: string | Buffer): string[] => problems({ ca: files.write('ca', content) });
const certFile = (content: string | Buffer, key = own.key): string[] =>
  problems({ cert: files.write('cert', content), key: files.write('key', key) });
const keyFile = (content: string | Buffer): string[] =>
  certFile(own.cert + between.cert, content.toString('latin1'));

it('what goes together is taken', () => {
  expect(caFile(ca.cert)).toEqual([]);
  expect(certFile(own.cert + between.cert)).toEqual([]);
  expect(caFile(`Certificate:\n  Data: 3\n${ca.cert}\n# and another\r\n${between.cert}`)).toEqual([]);
});

it('a bundle may hold one that has expired beside others, and as many as a system has roots', () => {
  expect(caFile(oldCa.cert + ca.cert)).toEqual([]);
  expect(caFile(ca.cert.repeat(200))).toEqual([]);
});

it('one that signs itself is believed although it is no CA', () => {
  expect(caFile(issue({ name: 'alone' }).cert)).toEqual([]);
});

it.each<[what: string, found: () => string[], problem: RegExp]>([
  ['the key of another', () => keyFile(other.key), /^key does not belong to the certificate in .+\/cert$/],
  [
    'garbage between certificates',
    () => caFile(`${ca.cert}garbage\n${between.cert}`),
    /^ca has something in line \d+ that belongs to no certificate/,
  ],
  [
    'a certificate that breaks off',
    () => caFile(ca.cert.slice(0, -40) + between.cert),
    /^ca breaks off|^ca has/,
  ],
  [
    'a certificate without its end',
    () => caFile(ca.cert.split('-----END')[0]!),
    /^ca breaks off: CERTIFICATE of line 1 has no END$/,
  ],
  [
    'base64 that is no certificate',
    () => caFile('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'),
    /^ca has a certificate that cannot be read, in line 1$/,
  ],
  ['DER', () => caFile(ca.der), /^ca is DER, and PEM is needed: openssl x509/],
  [
    'a key in DER',
    () => problems({ key: files.write('key', own.privateKey.export({ type: 'pkcs8', format: 'der' })) }),
    /^key is DER, and PEM is needed: openssl pkey/,
  ],
  [
    'an encrypted key',
    () =>
      keyFile(
        own.privateKey
          .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
          .toString(),
      ),
    /^key is encrypted/,
  ],
  [
    'an encrypted key of the old kind',
    () =>
      keyFile(
        generateKeyPairSync('rsa', { modulusLength: 1024 })
          .privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' })
          .toString(),
      ),
    /^key is encrypted/,
  ],
  ['a CA that is none', () => caFile(own.cert), /^ca has a certificate that is no CA: CN=headroute$/],
  [
    '100 that are no CAs',
    () => caFile(own.cert.repeat(100)),
    /^ca has 100 certificates that are no CA: CN=headroute$/,
  ],
  [
    '100 certificates in a chain',
    () => certFile(own.cert.repeat(100)),
    /^cert has 100 certificates; here belong our own and those/,
  ],
  [
    'a chain in another order',
    () => certFile(between.cert + own.cert, between.key),
    /^cert has CN=between first, which the next one in it \(CN=headroute\) has not signed/,
  ],
  ['expired', () => certFile(expired.cert, expired.key), /^cert has expired on 20.+Z$/],
  ['a CA that has expired', () => caFile(oldCa.cert), /^ca has expired on 20.+Z$/],
  ['not yet valid', () => certFile(future.cert, future.key), /^cert is not valid before 20/],
  [
    'a key for a certificate',
    () => certFile(own.key),
    /^cert has a PRIVATE KEY in line 1, where certificates belong$/,
  ],
  [
    'a certificate for a key',
    () => keyFile(own.cert),
    /^key has a CERTIFICATE and no key: are cert and key exchanged\?$/,
  ],
  ['an empty file', () => caFile(''), /^ca is empty$/],
  ['no text', () => caFile(Buffer.from([1, 0, 2])), /^ca is no PEM: it is not even text$/],
  ['a text without a certificate', () => caFile('hello\n'), /^ca has no certificate in it/],
  ['a directory', () => problems({ ca: files.directory }), /^ca is a directory/],
  ['a file that is not there', () => problems({ ca: files.path('none') }), /^ca is not there$/],
])('%s: one message', (_, found, problem) => {
  expect(found()).toEqual([expect.stringMatching(problem)]);
});
