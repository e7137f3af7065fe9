import * as z from 'zod';
import type { BackendConfig, DiscoveryConfig, HealthConfig } from '../../../model/config.ts';
import { isDnsName } from './dns-name.ts';
import { duration, name, nameserver, object, ordinal, refuse, service, textThat, whole } from './scalars.ts';
import { leader } from './schema-leader.ts';
import { httpKeys, probeOf, tcpKeys, tcpSocketKeys } from './schema-probe.ts';
import { staticPods } from './schema-static.ts';
import { probeTls, probeTlsOf, tls } from './schema-tls.ts';
import { servicePort } from './service-port.ts';

const discovery = object({
  nameservers: z
    .array(nameserver)
    .min(1)
    .optional()
    .describe('Name servers to ask; default: those of /etc/resolv.conf. The port is 53 unless given'),
  refresh: object({
    min: duration(10).prefault('1s').describe('Least time between two rounds of look-ups'),
    max: duration(10).prefault('30s').describe('Most time between two rounds of look-ups'),
  })
    .transform(({ min, max }, context) => {
      if (min > max) refuse(context, 'min is longer than max');
      return { min, max };
    })
    .prefault({})
    .describe("Look-ups follow the records' TTL within these bounds"),
  absence: whole(1, 1000)
    .prefault(2)
    .describe('Answers in a row that a Pod must be missing from before it is drained'),
  emptyHold: duration(0).prefault('30s').describe('How long NXDOMAIN or an empty answer is not believed'),
  queryTimeout: duration(10).prefault('2s').describe('How long a look-up may take, all tries together'),
  statefulSet: object({
    name: textThat('the name of a StatefulSet', (value) =>
      isDnsName(value) && !value.includes('.')
        ? null
        : 'is not the name of a StatefulSet (letters, digits and -)',
    ).describe('Name of the StatefulSet, without ordinal'),
    replicas: whole(1, 10_000).describe('Number of its Pods'),
    start: ordinal.prefault(0).describe('First ordinal (spec.ordinals.start)'),
  })
    .optional()
    .describe('Resolve the Pods of a StatefulSet by their names instead of the Service as a whole'),
  static: staticPods
    .optional()
    .describe('These very Pods, on a laptop or under Compose; instead of service and port'),
})
  .transform(
    (given): DiscoveryConfig => ({
      nameservers: given.nameservers ?? null,
      refreshMinMs: given.refresh.min,
      refreshMaxMs: given.refresh.max,
      absence: given.absence,
      emptyHoldMs: given.emptyHold,
      queryTimeoutMs: given.queryTimeout,
      statefulSet: given.statefulSet ?? null,
      static: given.static ?? null,
    }),
  )
  .prefault({})
  .describe('How the Pods are found: over DNS, or by a fixed list');

const health = object({
  ...httpKeys,
  ...tcpKeys,
  ...tcpSocketKeys,
  tls: probeTls,
  period: duration(10).prefault('2s').describe('Time between two probes of a Pod'),
  timeout: duration().prefault('1s').describe('How long a probe may take'),
  failureThreshold: whole(1, 1000).prefault(3).describe('Failures in a row that make a ready Pod unready'),
  successThreshold: whole(1, 1000).prefault(1).describe('Successes in a row that make an unready Pod ready'),
})
  .transform((given, context): HealthConfig => {
    const probe = probeOf(given, context) ?? { type: 'tcpSocket' as const, port: null };
    if (given.expect !== undefined && probe.type === 'tcpSocket' && given.tcpSocket === undefined)
      refuse(context, 'needs httpGet or http beside it', ['expect']);
    return {
      probe: { ...probe, ...probeTlsOf(given.tls) },
      periodMs: given.period,
      timeoutMs: given.timeout,
      failureThreshold: given.failureThreshold,
      successThreshold: given.successThreshold,
    };
  })
  .prefault({})
  .describe('How a Pod is checked; default: a connection to its data port');

const connection = object({
  connectTimeout: duration().prefault('1s').describe('How long connecting to a Pod may take'),
  idleTimeout: duration().prefault('60s').describe('How long an unused connection to a Pod is kept'),
  maxPerPod: whole(1, 1_000_000).prefault(1024).describe('Most connections to one Pod'),
  onUnready: z
    .enum(['Keep', 'Close'])
    .prefault('Keep')
    .describe('What happens to open upgrades and TCP connections when their Pod turns unready'),
})
  .transform((given): BackendConfig['connection'] => ({
    connectTimeoutMs: given.connectTimeout,
    idleTimeoutMs: given.idleTimeout,
    maxPerPod: given.maxPerPod,
    onUnready: given.onUnready,
  }))
  .prefault({})
  .describe('Connections to the Pods');

const ejection = object({
  consecutiveFailures: whole(1, 1_000_000).prefault(5).describe('Failed requests in a row that eject a Pod'),
  baseTime: duration(10).prefault('10s').describe('How long a first ejection lasts'),
  maxPercent: whole(0, 100).prefault(50).describe('Most Pods of the backend that may be ejected at a time'),
})
  .transform(
    (given): NonNullable<BackendConfig['ejection']> => ({
      consecutiveFailures: given.consecutiveFailures,
      baseTimeMs: given.baseTime,
      maxPercent: given.maxPercent,
    }),
  )
  .optional()
  .describe('Leave out for a while a Pod whose requests fail; without this key nothing is ejected');

export const backend = object({
  name: name.describe('Name that backendRefs use, and the label of metrics'),
  service: service
    .optional()
    .describe(
      'DNS name of the headless Service; always queried as absolute. Required, as is port, without discovery.static',
    ),
  port: servicePort
    .optional()
    .describe("A Service port's name (resolved by SRV records) or a number (A and AAAA records)"),
  discovery,
  health,
  leader: leader.optional(),
  tls: tls.optional().describe('TLS to the Pods, for data and for probes of the data port'),
  connection,
  ejection,
}).meta({
  // For editors; checks/discovery.ts says it in words.
  if: { required: ['discovery'], properties: { discovery: { required: ['static'] } } },
  else: { required: ['service', 'port'] },
});
