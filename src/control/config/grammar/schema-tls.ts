import { isIP } from 'node:net';
import * as z from 'zod';
import type { TlsConfig } from '../../../model/config.ts';
import { isDnsName } from './dns-name.ts';
import { wrongKind } from './messages.ts';
import { object, refuse, textThat } from './scalars.ts';

const file = textThat('the path of a file', (path) =>
  path.startsWith('/') ? null : 'is not a whole path: it must start with /',
);

const minVersion = z.enum(['1.2', '1.3'], {
  error: ({ input }) =>
    `${wrongKind(input, '"1.2" or "1.3"')}${typeof input === 'number' ? ': put it in quotes' : ''}`,
});

/** `tls` of a backend, or of a probe that has its own. The files are read elsewhere (checks/tls-files.ts). */
export const tls = object({
  ca: file.optional().describe("PEM file of the CAs that sign the Pods' certificates; default: Node's roots"),
  cert: file.optional().describe('PEM file of our own certificate, with those between it and the CA'),
  key: file.optional().describe('PEM file of its key, not encrypted'),
  serverName: textThat('a DNS name', (name) =>
    isDnsName(name) || isIP(name) !== 0 ? null : 'is neither a DNS name nor an address',
  )
    .optional()
    .describe(
      "Name that is told to the Pod (SNI) and verified; default: the Pod's DNS name, never its address",
    ),
  minVersion: minVersion.prefault('1.2').describe('Least version of TLS'),
  verify: z
    .enum(['Full', 'Chain', 'None'])
    .prefault('Full')
    .describe('What is verified: chain and name, the chain alone, or nothing'),
}).transform((given, context): TlsConfig => {
  const { ca = null, cert = null, key = null, serverName = null } = given;
  if (cert === null && key !== null) refuse(context, 'needs cert beside it', ['key']);
  if (cert !== null && key === null) refuse(context, 'needs key beside it', ['cert']);
  return { ca, cert, key, serverName, minVersion: given.minVersion, verify: given.verify };
});

/** `tls` of a probe: its own, or none where its backend has one. */
export const probeTls = z
  .union([z.literal(false), tls], { error: ({ input }) => wrongKind(input, 'a mapping or false') })
  .optional()
  .describe('TLS of this probe; false: none. Default: that of the backend on the data port, none on others');

/** What a probe says of it in model/config.ts. */
export function probeTlsOf(given: TlsConfig | false | undefined): { tls?: TlsConfig | null } {
  return given === undefined ? {} : { tls: given === false ? null : given };
}
