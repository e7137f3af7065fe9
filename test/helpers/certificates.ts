import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

/** A certificate with its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  readonly der: Buffer;
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** Common name; of a CA, what those that it signs call it. */
  readonly name: string;
  /** DNS names, and addresses of IPv4. */
  readonly names?: readonly string[];
  readonly isCa?: boolean;
  /** Wall clock, ms. Default: an hour ago to a day from now. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** Default: its own key. */
  readonly signer?: Identity;
  /** Of RFC 5280; default: both. */
  readonly usage?: 'client' | 'server';
}

let serial = 1;

/** Issues an X.509 certificate (RFC 5280) with a key of P-256: Node can read such, and not make them. */
export function issue(options: CertificateOptions): Identity {
  const { name, names = [], isCa = false, signer, usage } = options;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const fromMs = options.fromMs ?? Date.now() - 3_600_000;
  const untilMs = options.untilMs ?? Date.now() + 86_400_000;
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const usages = (usage === undefined ? (['server', 'client'] as const) : [usage]).map((one) =>
    oid(one === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'),
  );
  const extensions = [
    extension('2.5.29.19', true, sequence(...(isCa ? [tagged(0x01, Buffer.of(0xff))] : []))),
    ...(isCa ? [] : [extension('2.5.29.37', false, sequence(...usages))]),
    ...(names.length === 0 ? [] : [extension('2.5.29.17', false, sequence(...names.map(alternative)))]),
  ];
  const body = sequence(
    tagged(0xa0, integer(2)),
    integer(++serial),
    ECDSA,
    distinguished(signer?.name ?? name),
    sequence(time(fromMs), time(untilMs)),
    distinguished(name),
    publicKey,
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, signer?.privateKey ?? privateKey);
  const der = sequence(body, ECDSA, tagged(0x03, Buffer.concat([Buffer.of(0), signature])));
  const cert = pem('CERTIFICATE', der);
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert, key, der, name, privateKey };
}

export function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

function tagged(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const bytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...bytes), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(value: number): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return tagged(0x02, bytes[0]! < 0x80 ? bytes : Buffer.concat([Buffer.of(0), bytes]));
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const digits = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    bytes.push(...digits);
  }
  return tagged(0x06, Buffer.from(bytes));
}

const ECDSA = sequence(oid('1.2.840.10045.4.3.2'));

function distinguished(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(name)))));
}

function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replace(/[-:T]/g, '').slice(0, 14);
  return tagged(0x18, Buffer.from(`${text}Z`));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tagged(0x01, Buffer.of(0xff))] : [];
  return sequence(oid(id), ...flag, tagged(0x04, value));
}

function alternative(name: string): Buffer {
  return /^[\d.]+$/.test(name)
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name));
}
