import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** A text that cannot be what it should be; the message goes on after the file's name. */
export class PemError extends Error {}

interface Block {
  readonly label: string;
  readonly text: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

/**
 * The certificates of a PEM file, in its order.
 * @param most more of them are a mistake
 * @throws PemError
 */
export function certificatesOf(bytes: Buffer, most: number): X509Certificate[] {
  const blocks = blocksOf(bytes, 'openssl x509 -inform der -in FILE -out FILE.pem').filter(
    ({ label }) => label !== 'EC PARAMETERS',
  );
  const other = blocks.find(({ label }) => !/^(TRUSTED |X509 )?CERTIFICATE$/.test(label));
  if (other !== undefined)
    throw new PemError(`has a ${other.label} in line ${other.line}, where certificates belong`);
  if (blocks.length === 0) throw new PemError('has no certificate in it (-----BEGIN CERTIFICATE-----)');
  if (blocks.length > most)
    throw new PemError(
      `has ${blocks.length} certificates; here belong our own and those between it and the CA, at most ${most}`,
    );
  return blocks.map(({ text, line }) => {
    try {
      return new X509Certificate(text);
    } catch {
      throw new PemError(`has a certificate that cannot be read, in line ${line}`);
    }
  });
}

/** The key of a PEM file. @throws PemError */
export function keyOf(bytes: Buffer): KeyObject {
  const blocks = blocksOf(bytes, 'openssl pkey -inform der -in FILE -out FILE.pem');
  const keys = blocks.filter(({ label }) => label.endsWith('PRIVATE KEY'));
  const [key] = keys;
  if (key === undefined)
    throw new PemError(
      blocks.length === 0
        ? 'has no key in it (-----BEGIN PRIVATE KEY-----)'
        : `has a ${blocks[0]!.label} and no key: are cert and key exchanged?`,
    );
  if (keys.length > 1) throw new PemError(`has ${keys.length} keys, the second in line ${keys[1]!.line}`);
  if (key.label.startsWith('ENCRYPTED') || /^Proc-Type:.*ENCRYPTED/m.test(key.text))
    throw new PemError(
      'is encrypted, and nobody is there to give its passphrase: decrypt it (openssl pkey -in FILE -out FILE.pem)',
    );
  try {
    return createPrivateKey(key.text);
  } catch {
    throw new PemError(`has a key that cannot be read, in line ${key.line}`);
  }
}

/** Blocks between BEGIN and END. Before the first any text may stand (`openssl x509 -text`), between them comments alone. */
function blocksOf(bytes: Buffer, conversion: string): Block[] {
  if (bytes.length === 0) throw new PemError('is empty');
  // A SEQUENCE with a length of two or three bytes.
  if (bytes[0] === 0x30 && (bytes[1] === 0x82 || bytes[1] === 0x81 || bytes[1] === 0x83))
    throw new PemError(`is DER, and PEM is needed: ${conversion}`);
  if (bytes.includes(0)) throw new PemError('is no PEM: it is not even text');
  const blocks: Block[] = [];
  let open: { label: string; lines: string[]; line: number } | null = null;
  for (const [index, raw] of bytes.toString('latin1').split('\n').entries()) {
    const text = raw.trim();
    const line = index + 1;
    const [, edge, label] = /^-----(BEGIN|END) ([A-Z0-9 ]+)-----$/.exec(text) ?? [];
    if (edge === 'BEGIN') {
      if (open !== null)
        throw new PemError(`breaks off: ${open.label} of line ${open.line} has no END before line ${line}`);
      open = { label: label!, lines: [text], line };
    } else if (edge === 'END') {
      if (open === null || open.label !== label)
        throw new PemError(`has an END ${label} in line ${line} that nothing began`);
      open.lines.push(text);
      blocks.push({ label: open.label, text: `${open.lines.join('\n')}\n`, line: open.line });
      open = null;
    } else if (open !== null) open.lines.push(text);
    else if (blocks.length > 0 && text !== '' && !text.startsWith('#'))
      throw new PemError(
        `has something in line ${line} that belongs to no certificate and no key: take it out, or write # before it`,
      );
  }
  if (open !== null) throw new PemError(`breaks off: ${open.label} of line ${open.line} has no END`);
  return blocks;
}
