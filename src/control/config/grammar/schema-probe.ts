import * as z from 'zod';
import type {
  Expect,
  HttpProbe,
  JsonConstant,
  JsonExpectation,
  Probe,
  TcpExchangeProbe,
} from '../../../model/config.ts';
import {
  headerName,
  headerValue,
  jsonPointer,
  method,
  object,
  oneOrMany,
  port,
  refuse,
  status,
  textThat,
} from './scalars.ts';

const probePort = port.optional().describe('Port to probe; default: the data port of the Pod');

/** What an HTTP request line can carry (RFC 9112 section 3.2.1), since it is written out as it stands. */
const probePath = textThat('a path such as /healthz', (value) => {
  if (!value.startsWith('/')) return 'must start with /';
  return /^[!-~]*$/.test(value) && !value.includes('#')
    ? null
    : 'can hold neither blanks, control characters, # nor non-ASCII characters: percent-encode them';
});

/** Written by headroute for each probe; a second one would break its framing. */
const OWN_HEADERS = ['content-length', 'transfer-encoding', 'connection'];

const headers = z
  .array(
    object({ name: headerName.describe('Name of the header'), value: headerValue.describe('Its value') }),
  )
  .transform((list, context) => {
    for (const [index, { name }] of list.entries())
      if (OWN_HEADERS.includes(name.toLowerCase()))
        refuse(context, `headroute sets ${name} itself`, [index, 'name']);
    return list;
  })
  .optional()
  .describe('Headers of the request; a Host here replaces the DNS name of the Pod');

const httpGet = object({
  path: probePath.prefault('/').describe('Path, with a query if need be'),
  port: probePort,
  headers,
}).describe('Send a GET request, as the kubelet does');

const http = object({
  method: method.prefault('GET').describe('Method of the request'),
  path: probePath.prefault('/').describe('Path, with a query if need be'),
  port: probePort,
  headers,
  body: z.string().optional().describe('Body of the request'),
}).describe('Send an HTTP request of any method');

const tcp = object({
  port: probePort,
  send: z.string().prefault('').describe('Text to send; "\\r\\n" in double quotes is a line end'),
  reply: z
    .enum(['Line', 'RESP'])
    .optional()
    .describe('What makes an answer whole, so that a wrong one fails at once: a line, or a reply of Redis'),
  expect: object({
    contains: z
      .string()
      .min(1, 'is empty: every answer would do')
      .describe('Text that the answer must contain'),
  })
    .optional()
    .describe('Condition on the answer; required'),
}).describe('Open a connection, send a text and wait for another');

const constant = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const jsonExpectation = object({
  pointer: jsonPointer.describe('Where to look in the JSON answer (RFC 6901)'),
  equals: z
    .union([constant, z.array(constant).min(1, 'is empty: no value would do')])
    .optional()
    .describe('The value that must stand there, or a list of values of which one must'),
  equalsPointer: jsonPointer.optional().describe('Another place that must hold the same value'),
}).transform((given, context): JsonExpectation => {
  const { pointer, equals, equalsPointer } = given;
  if (equals !== undefined && equalsPointer !== undefined)
    refuse(context, 'takes equals or equalsPointer, not both');
  else if (equalsPointer !== undefined) return { pointer, equalsPointer };
  else if (equals === undefined) refuse(context, 'needs equals or equalsPointer');
  else if ([equals].flat().some(isTooLarge))
    refuse(context, 'is too large to be compared digit by digit', ['equals']);
  else return { pointer, equals };
  return z.NEVER;
});

function isTooLarge(value: JsonConstant): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

const expect = object({
  status: oneOrMany(status, 'a status').optional().describe('Statuses that count as success'),
  json: oneOrMany(jsonExpectation, 'a condition').optional().describe('Conditions on a JSON answer'),
  header: object({
    name: headerName.describe('Name of the header'),
    value: headerValue.describe('Value that it must have'),
  })
    .optional()
    .describe('A header that the answer must carry'),
})
  .transform(
    ({ status, json, header }): Expect => ({
      status: status ?? null,
      json: json ?? [],
      header: header ?? null,
    }),
  )
  .describe('Conditions on the HTTP answer; all that are given must hold. Default: status 200 to 399');

/** The keys that say how to ask; spread into the mapping that holds them. */
export const httpKeys = { httpGet: httpGet.optional(), http: http.optional(), expect: expect.optional() };
export const tcpKeys = { tcp: tcp.optional() };
export const tcpSocketKeys = {
  tcpSocket: object({ port: probePort }).optional().describe('Succeed when a connection opens'),
};

interface Given {
  readonly httpGet?: z.output<typeof httpGet> | undefined;
  readonly http?: z.output<typeof http> | undefined;
  readonly tcp?: z.output<typeof tcp> | undefined;
  readonly tcpSocket?: { port?: number | undefined } | undefined;
  readonly expect?: Expect | undefined;
}

const ANY: Expect = { status: null, json: [], header: null };

/** The one probe that is given; null where there is none or, which is refused, more than one. */
export function probeOf(given: Given, context: z.core.$RefinementCtx): Probe | null {
  const kinds = (['httpGet', 'http', 'tcpSocket', 'tcp'] as const).filter(
    (kind) => given[kind] !== undefined,
  );
  if (kinds.length > 1) {
    refuse(context, `takes one of ${kinds.join(' and ')}, not ${kinds.length}`);
    return null;
  }
  if (given.expect !== undefined && (given.tcp !== undefined || given.tcpSocket !== undefined))
    refuse(
      context,
      given.tcp === undefined
        ? 'needs httpGet or http: a tcpSocket has no answer'
        : 'is for HTTP: put the expect of a tcp probe under tcp',
      ['expect'],
    );
  if (given.tcp !== undefined && given.tcp.expect === undefined) {
    refuse(context, 'is missing: write expect: { contains: TEXT }', ['tcp', 'expect']);
    return null;
  }
  return httpProbe(given) ?? tcpExchange(given) ?? socketProbe(given);
}

function httpProbe({ httpGet, http, expect }: Given): HttpProbe | null {
  const request =
    http ?? (httpGet === undefined ? undefined : { ...httpGet, method: 'GET', body: undefined });
  if (request === undefined) return null;
  const { method, path, port, headers, body } = request;
  return {
    type: 'http',
    method,
    path,
    port: port ?? null,
    headers: headers ?? [],
    body: body ?? null,
    expect: expect ?? ANY,
  };
}

function tcpExchange({ tcp }: Given): TcpExchangeProbe | null {
  if (tcp?.expect === undefined) return null;
  const { port = null, send, reply = null } = tcp;
  return { type: 'tcp', port, send, reply, auth: null, expectContains: tcp.expect.contains };
}

function socketProbe({ tcpSocket }: Given): Probe | null {
  return tcpSocket === undefined ? null : { type: 'tcpSocket', port: tcpSocket.port ?? null };
}
