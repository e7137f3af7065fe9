import * as z from 'zod';
import type { HostPort } from '../../../model/config.ts';
import { isLoopback } from './address.ts';
import { wrongKind, wrongSwitch } from './messages.ts';
import { address, addressOrNone, duration, name, object, refuse, size, whole } from './scalars.ts';
import { backend } from './schema-backend.ts';
import { rule } from './schema-rule.ts';
import { didYouMean } from './suggest.ts';

/**
 * The grammar of the configuration file (SPEC 2), level by level. Each schema reads what the YAML says and gives what
 * model/config.ts names; `jsonSchema` prints the same schemas for editors. Mappings that hold named things (document,
 * backend, listener, rule) are plain objects, so that read-fields.ts can read each key by itself.
 */

const limits = object({
  headBytes: size(1024).prefault('64Ki').describe('Longest request head'),
  headers: whole(1, 100_000).prefault(100).describe('Most header lines of a request'),
  connections: whole(1, 10_000_000).prefault(10_000).describe('Most connections at a time'),
  fanOutBytes: size(65_536)
    .prefault('64Mi')
    .describe('Most bytes that all fan-outs hold together: requests, answers, what clients have not taken'),
})
  .prefault({})
  .describe('What a client may use');

const timeouts = object({
  head: duration().prefault('10s').describe('Time for a whole request head'),
  idle: duration().prefault('75s').describe('Time between two requests of a connection'),
  body: duration().prefault('30s').describe('Time between two reads of a request body'),
})
  .transform(({ head, idle, body }) => ({ headMs: head, idleMs: idle, bodyMs: body }))
  .prefault({})
  .describe('How long a client may take');

export const listener = object({
  name: name.describe('Label of metrics'),
  address: address.describe('Where to listen: HOST:PORT; without a host on every local address'),
  protocol: z.enum(['HTTP', 'TCP']).prefault('HTTP').describe('What clients speak'),
  limits,
  debugHeaders: z.boolean().prefault(false).describe('Answers carry X-Headroute-Rule, -Pod and -Attempts'),
  timeouts,
  rules: z.array(rule).min(1).describe('Rules; the most specific that matches is taken'),
});

/** null: nobody listens. */
const debugAddress = addressOrNone.transform((given, context): HostPort | null => {
  if (given !== null && !isLoopback(given.host))
    refuse(
      context,
      'must be a loopback address, as 127.0.0.1:9181 is: whoever reaches it can stop the sidecar',
    );
  return given;
});

const access = z.literal([true, false, 'errors'], {
  error: ({ input }) => {
    const base = wrongKind(input, 'true, false or errors');
    const hint = typeof input === 'string' ? didYouMean(input, ['errors']) : '';
    return wrongSwitch(input, `${base}${hint}`);
  },
});

export const document = object({
  apiVersion: z.literal('headroute.dev/v1alpha1').describe('Version of this grammar'),
  kind: z.literal('ProxyConfig').describe('Kind of the document'),
  backends: z.array(backend).min(1).describe('Headless Services to route to'),
  listeners: z.array(listener).min(1).describe('Addresses that the application connects to'),
  self: object({
    podName: z.string().prefault('').describe('Name of the own Pod, used by key: { self: true }'),
  })
    .prefault({})
    .describe('The Pod that the sidecar is part of'),
  admin: object({
    address: address.prefault(':9180').describe('Where to listen for probes and scrapes'),
  })
    .prefault({})
    .describe('livez, readyz and metrics'),
  debug: object({
    address: debugAddress.prefault('127.0.0.1:9181').describe('Where to listen; loopback only; "": nowhere'),
  })
    .prefault({})
    .describe('State, explain and control'),
  log: object({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
      .prefault('info')
      .describe('Least level that is logged'),
    access: access
      .prefault(false)
      .describe(
        'A line for every request, TCP connection and upgrade, whatever the level is; errors: for those that failed',
      ),
  })
    .prefault({})
    .describe('Logs, on stderr'),
  metrics: object({
    podLabel: z
      .boolean()
      .prefault(true)
      .describe('Series by Pod; false: no pod label, for many sidecars beside many Pods'),
  })
    .prefault({})
    .describe('What a scrape shows'),
  shutdown: object({
    timeout: duration()
      .prefault('25s')
      .describe(
        'How long what is in flight may take after SIGTERM; keep it under terminationGracePeriodSeconds',
      ),
  })
    .prefault({})
    .describe('The end of the process'),
});
