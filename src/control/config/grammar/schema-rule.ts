import * as z from 'zod';
import type { RetryConfig, RuleConfig } from '../../../model/config.ts';
import { duration, hostname, name, object, oneOrMany, refuse, whole } from './scalars.ts';
import { match } from './schema-match.ts';
import { selection } from './schema-selection.ts';

const timeouts = object({
  request: duration(0)
    .prefault('0s')
    .describe('Longest time for the whole request, waiting included; 0s: no limit'),
  backendRequest: duration(0).prefault('0s').describe('Longest time for one attempt; 0s: no limit'),
})
  .transform(({ request, backendRequest }, context): RuleConfig['timeouts'] => {
    if (request > 0 && backendRequest > request)
      refuse(context, 'is longer than request, which would end it before', ['backendRequest']);
    return { requestMs: request, backendRequestMs: backendRequest };
  })
  .prefault({})
  .describe('Time limits');

const retry = object({
  attempts: whole(0, 100).prefault(2).describe('Retries after the first attempt; 0 never sends again'),
  codes: z.array(whole(400, 599)).prefault([]).describe('Statuses after which a safe request is sent again'),
  backoff: duration(0).prefault('25ms').describe('Wait before a retry'),
  budget: object({
    percent: whole(0, 100).prefault(20).describe('Retries as a part of all requests'),
    minPerSecond: whole(0, 1_000_000).prefault(3).describe('Retries per second that are always allowed'),
  })
    .optional()
    .describe('Limit of retries over all requests of the rule; default: none'),
})
  .transform(
    ({ attempts, codes, backoff, budget }): RetryConfig => ({
      attempts,
      codes: [...new Set(codes)],
      backoffMs: backoff,
      budget: budget ?? null,
    }),
  )
  .prefault({})
  .describe('Sending again, only ever what cannot have been executed');

const backendRefs = z
  .array(
    object({
      name: name.describe('Name of a backend'),
      weight: whole(0, 1_000_000).prefault(1).describe('Its part of the requests, relative to the others'),
    }),
  )
  .min(1)
  .describe('Backends that get the requests');

export const rule = object({
  name: name.optional().describe("Label of metrics; default: the listener's name, - and the position from 0"),
  hostnames: oneOrMany(hostname, 'a hostname')
    .optional()
    .describe('Hosts that the rule is for, perhaps with *. in front; default: any'),
  matches: z
    .array(match)
    .min(1)
    .optional()
    .describe('Conditions, any of which may hold; default: every request'),
  backendRefs,
  selection,
  timeouts,
  retry,
});
