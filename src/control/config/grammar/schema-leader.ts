import * as z from 'zod';
import type {
  Credentials,
  LeaderConfig,
  LeaderProbeSource,
  LearnRule,
  SentinelLeaderSource,
  TermSource,
  ValueSource,
} from '../../../model/config.ts';
import { PRESET_NAMES } from '../../leadership/presets.ts';
import {
  duration,
  headerName,
  headerValue,
  jsonPointer,
  object,
  oneOrMany,
  ordinal,
  refuse,
  service,
  textThat,
  whole,
} from './scalars.ts';
import { httpKeys, probeOf, tcpKeys } from './schema-probe.ts';
import { staticPods } from './schema-static.ts';
import { probeTls, probeTlsOf } from './schema-tls.ts';
import { servicePort } from './service-port.ts';

const term = object({
  json: jsonPointer.optional().describe('JSON pointer to it'),
  header: headerName.optional().describe('Header that carries it'),
})
  .transform(({ json, header }, context): TermSource => {
    if ((json === undefined) === (header === undefined)) refuse(context, 'needs either json or header');
    return json !== undefined ? { json } : { header: header ?? '' };
  })
  .describe(
    'Where a claim shows its term: an integer of up to 20 digits that only grows, a string or a number',
  );

const place = object({
  json: jsonPointer.optional().describe('JSON pointer to it'),
  header: headerName.optional().describe('Header that carries it'),
  line: textThat('the beginning of a line, as master_replid', (name) =>
    name === '' || /[\r\n:]/.test(name) ? 'must be the text of a line up to its colon' : null,
  )
    .optional()
    .describe('Beginning of the line of a text answer that carries it behind a colon'),
}).transform((given, context): ValueSource => {
  const { json, header, line } = given;
  if ([json, header, line].filter((value) => value !== undefined).length !== 1)
    refuse(context, 'needs one of json, header and line');
  if (json !== undefined) return { json };
  return header !== undefined ? { header } : { line: line ?? '' };
});

const lineage = object({
  id: place.describe('Where it shows the id of the history of its data'),
  previous: place.describe('Where it shows the id of the one that it followed before it was promoted'),
}).describe(
  'Where a claim shows whom it has succeeded, so that of two claimants the successor leads; ids must never come again',
);

const credentials = object({
  username: z.string().min(1, 'is empty').optional().describe('User of AUTH; default: the default user'),
  password: z.string().min(1, 'is empty').describe('Password of AUTH'),
}).transform(({ username, password }): Credentials => ({ username: username ?? null, password }));

const auth = credentials.describe(
  'Sent before the probe to servers that want it (preset redis, and any tcp probe with reply: RESP)',
);

const sentinel = object({
  service: service
    .optional()
    .describe('DNS name of the headless Service of the Sentinels. Required, as is port, without static'),
  port: servicePort
    .optional()
    .describe("The Sentinels' port in that Service, by name (SRV) or number, as 26379"),
  static: staticPods.optional().describe('These very Sentinels, instead of service and port'),
  master: textThat('the name of a master', (master) =>
    /^[A-Za-z0-9._-]+$/.test(master)
      ? null
      : 'is not the name of a master: letters, digits, ".", "_" and "-", as in "sentinel monitor NAME …"',
  ).describe('Name under which they monitor the master'),
  auth: credentials.optional().describe('Sent to the Sentinels first, where they want it'),
})
  .transform((given, context) => {
    for (const key of ['service', 'port'] as const)
      if (given.static === undefined && given[key] === undefined) refuse(context, 'is missing', [key]);
      else if (given.static !== undefined && given[key] !== undefined)
        refuse(context, 'does not go with static, which names the Sentinels itself: remove one of the two', [
          key,
        ]);
    return {
      service: given.service ?? '',
      port: given.port ?? 0,
      static: given.static ?? null,
      master: given.master,
      auth: given.auth ?? null,
    };
  })
  .describe(
    'Sentinels that are listened to, so that nothing is sent to a master from shortly before another is promoted',
  );

const probe = object({
  ...httpKeys,
  ...tcpKeys,
  term: term.optional(),
  lineage: lineage.optional(),
  tls: probeTls,
  period: duration(10).prefault('1s').describe('Time between two probes of a Pod'),
  timeout: duration().prefault('500ms').describe('How long an answer may take'),
  failureThreshold: whole(1, 1000).prefault(2).describe("Unanswered probes before a leader's claim lapses"),
  successThreshold: whole(1, 1000).prefault(1).describe('Claims in a row before a Pod is believed to lead'),
  searchPeriod: duration(10)
    .prefault('100ms')
    .describe(
      'Time between two probes of a Pod while no single leader is known; becomes period within 30s of search, unless requests wait',
    ),
})
  .transform((given, context): LeaderProbeSource => {
    const asked = probeOf(given, context);
    if (asked === null && given.httpGet === undefined && given.http === undefined && given.tcp === undefined)
      refuse(context, 'needs httpGet, http or tcp');
    if (given.term !== undefined && asked?.type === 'tcp')
      refuse(context, 'needs httpGet or http: a tcp probe shows no term', ['term']);
    if (given.lineage !== undefined && asked?.type === 'tcp') {
      for (const key of ['id', 'previous'] as const)
        if (!('line' in given.lineage[key]))
          refuse(context, 'needs line: the answer to a tcp probe is a text', ['lineage', key]);
      if (asked.reply !== 'RESP')
        refuse(context, 'needs reply: RESP, else half an answer may pass for a whole one', ['lineage']);
    }
    if (asked === null || asked.type === 'tcpSocket') return z.NEVER;
    return {
      type: 'Probe',
      probe: { ...asked, ...probeTlsOf(given.tls) },
      term: given.term ?? null,
      lineage: given.lineage ?? null,
      periodMs: given.period,
      timeoutMs: given.timeout,
      failureThreshold: given.failureThreshold,
      successThreshold: given.successThreshold,
      searchPeriodMs: given.searchPeriod,
    };
  })
  .describe('How a Pod is asked whether it leads');

/**
 * A success or an interim answer can never mean "not executed": were it listed, a write that was carried out would be
 * sent again.
 */
const learnStatus = z
  .int()
  .min(300, { error: ({ input }) => notLearnt(input) })
  .max(599, { error: ({ input }) => notLearnt(input) });

function notLearnt(input: unknown): string {
  return `must be a status from 300 to 599, is ${input}: other answers do not mean that nothing was executed`;
}

const learn = z
  .array(
    object({
      status: oneOrMany(learnStatus, 'a status').describe('Statuses of such an answer'),
      location: z
        .boolean()
        .prefault(false)
        .describe('Whether it must carry a Location, which names the likely leader (only ever a hint)'),
      header: object({
        name: headerName.describe('Name of the header'),
        value: headerValue.optional().describe('Value that it must have; default: any'),
      })
        .optional()
        .describe('A header that it must carry'),
    }).transform(
      ({ status, location, header }): LearnRule => ({
        status,
        location,
        header: header === undefined ? null : { name: header.name, value: header.value ?? null },
      }),
    ),
  )
  .prefault([])
  .describe(
    'Answers that mean "I do not lead and have executed nothing"; a request may be sent again after one',
  );

/** The `leader` of a backend, after its preset was filled in. */
export const leader = object({
  preset: z.enum(PRESET_NAMES).optional().describe('Fills in probe and learn; what is given beside it wins'),
  type: z
    .enum(['Probe', 'DNS', 'Ordinal', 'Sentinel'])
    .optional()
    .describe('Source of the knowledge who leads'),
  probe: probe.optional(),
  auth: auth.optional(),
  sentinel: sentinel.optional(),
  dns: object({ service: service.describe('DNS name that resolves to the leader alone') })
    .optional()
    .describe('The leader is the Pod that another Service resolves to'),
  ordinal: ordinal.optional().describe('The leader is always the Pod of this ordinal'),
  onConflict: z
    .enum(['Refuse', 'HighestTerm'])
    .prefault('Refuse')
    .describe('What to do when two Pods claim to lead'),
  learn,
})
  .transform((given, context): LeaderConfig => {
    const source = sourceOf(given, context);
    if (given.onConflict === 'HighestTerm' && (given.probe?.term ?? null) === null)
      refuse(context, 'HighestTerm needs probe.term: without it no claim shows a term', ['onConflict']);
    if (source === undefined) return z.NEVER;
    return { source, onConflict: given.onConflict, learn: given.learn };
  })
  .describe('How to know which Pod leads; needed by every rule that selects the leader');

interface Given extends Sources {
  readonly preset?: string | undefined;
  readonly probe?: LeaderProbeSource | undefined;
  readonly auth?: Credentials | undefined;
  readonly sentinel?: z.output<typeof sentinel> | undefined;
  readonly dns?: { readonly service: string } | undefined;
  readonly ordinal?: number | undefined;
}

function sourceOf(given: Given, context: z.core.$RefinementCtx): LeaderConfig['source'] | undefined {
  const type = typeOf(given, context);
  switch (type) {
    case 'Probe':
      return authorized(given.probe, given.auth, context);
    case 'Sentinel':
      return sentinelOf(given, context);
    case 'DNS':
      return given.dns && { type, service: given.dns.service };
    case 'Ordinal':
      return given.ordinal === undefined ? undefined : { type, ordinal: given.ordinal };
    case undefined:
      return undefined;
  }
}

function sentinelOf(given: Given, context: z.core.$RefinementCtx): SentinelLeaderSource | undefined {
  if (given.preset !== 'redis')
    refuse(context, 'does not go with type Sentinel: write preset: redis, or leave it out', ['preset']);
  const probe = authorized(given.probe, given.auth, context);
  if (probe === undefined || given.sentinel === undefined) return undefined;
  return { type: 'Sentinel', ...given.sentinel, probe };
}

/** The source with the credentials that its probe sends. */
function authorized(
  source: LeaderProbeSource | undefined,
  auth: Credentials | undefined,
  context: z.core.$RefinementCtx,
): LeaderProbeSource | undefined {
  if (source === undefined || auth === undefined) return source;
  const { probe: asked } = source;
  if (asked.type === 'tcp' && asked.reply === 'RESP') return { ...source, probe: { ...asked, auth } };
  refuse(context, 'is only for preset redis, or a tcp probe with reply: RESP', ['auth']);
  return source;
}

const KEYS = { Probe: 'probe', DNS: 'dns', Ordinal: 'ordinal', Sentinel: 'sentinel' } as const;

type SourceType = keyof typeof KEYS;
type Sources = { readonly type?: SourceType | undefined } & {
  readonly [K in (typeof KEYS)[SourceType]]?: unknown;
};

/** The type, from the only source given where it is left out. Sentinels come with a probe of the Pods beside them. */
function typeOf(given: Sources, context: z.core.$RefinementCtx): SourceType | undefined {
  const present = (Object.keys(KEYS) as SourceType[]).filter(
    (type) => given[KEYS[type]] !== undefined && !(type === 'Probe' && given.type === 'Sentinel'),
  );
  if (present.length === 0) {
    const wanted =
      given.type === undefined
        ? 'needs probe, dns, ordinal, sentinel or preset'
        : `needs ${KEYS[given.type]}${given.type === 'Probe' ? ' or preset' : ''}`;
    refuse(context, wanted);
    return undefined;
  }
  const type = given.type ?? present[0]!;
  const others = present.filter((other) => other !== type);
  if (given.type === undefined && others.length > 0)
    refuse(context, `takes one of ${present.map((other) => KEYS[other]).join(' and ')}`);
  else if (!present.includes(type)) refuse(context, `type ${type} needs ${KEYS[type]}`);
  else for (const other of others) refuse(context, `does not go with type ${type}`, [KEYS[other]]);
  return type;
}
