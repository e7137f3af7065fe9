import { type MessageBody, type RecordValue, TYPE, type WireRecord } from './dns-decode.ts';
import type { LookupType } from './dns-query.ts';

/** How a look-up failed; the `result` label of headroute_dns_lookups_total, with success, empty and nxdomain. */
export type FailureResult =
  | 'servfail'
  | 'refused'
  | 'timeout'
  | 'truncated'
  | 'malformed'
  | 'local_error'
  | 'error';
export type LookupResult = 'success' | 'empty' | 'nxdomain' | FailureResult;

/** What a look-up found out. */
export type Answer =
  | {
      readonly result: 'success';
      /** The name that owns the records, after CNAMEs. */
      readonly owner: string;
      readonly values: readonly RecordValue[];
      readonly additionals: readonly WireRecord[];
      /** The least of the chain and the records. */
      readonly ttlMs: number;
    }
  | {
      readonly result: 'empty' | 'nxdomain';
      /** RFC 2308 section 5; null where the answer shows no SOA. */
      readonly ttlMs: number | null;
    }
  /** A CNAME whose target the answer does not hold: to be asked for. */
  | { readonly result: 'alias'; readonly target: string; readonly hops: number; readonly ttlMs: number }
  | {
      readonly result: FailureResult;
      readonly detail: string;
      /** What a message truncated even over TCP held: hints only. */
      readonly partial?: MessageBody;
    };

export type FailedAnswer = Extract<Answer, { detail: string }>;

/** CNAMEs followed before an answer counts as a loop (case D20; nginx and HAProxy have like bounds). */
export const MAX_ALIASES = 8;

export function failure(result: FailureResult, detail: string): FailedAnswer {
  return { result, detail };
}

/** Whether the look-up said nothing about the name: such an answer changes no membership. */
export function isFailure(answer: Answer): answer is FailedAnswer {
  return 'detail' in answer;
}

/** Reads a well-formed response to `name`/`type`: owner names are checked along the CNAME chain, strangers ignored. */
export function interpret(name: string, type: LookupType, rcode: number, body: MessageBody): Answer {
  if (rcode !== 0 && rcode !== 3) return codeFailure(rcode);
  const wanted = TYPE[type];
  let owner = name;
  let ttlSeconds = Number.POSITIVE_INFINITY;
  for (let hops = 0; ; hops++) {
    const found = body.answers.filter((record) => record.type === wanted && record.name === owner);
    if (found.length > 0) {
      if (rcode === 3) return failure('malformed', 'NXDOMAIN with records');
      for (const record of found) ttlSeconds = Math.min(ttlSeconds, record.ttlSeconds);
      return {
        result: 'success',
        owner,
        values: found.map((record) => record.value),
        additionals: body.additionals,
        ttlMs: ttlSeconds * 1000,
      };
    }
    const alias = aliasOf(body.answers, owner);
    if (alias === null) return negative(rcode, body, { owner, hops, ttlSeconds });
    if (hops === MAX_ALIASES) return failure('malformed', `more than ${MAX_ALIASES} aliases, or a loop`);
    ttlSeconds = Math.min(ttlSeconds, alias.ttlSeconds);
    owner = alias.value.kind === 'name' ? alias.value.name : owner;
  }
}

function aliasOf(answers: readonly WireRecord[], owner: string): WireRecord | null {
  return answers.find((record) => record.type === TYPE.CNAME && record.name === owner) ?? null;
}

function negative(
  rcode: number,
  body: MessageBody,
  chain: { owner: string; hops: number; ttlSeconds: number },
): Answer {
  const soa = body.authorities.find((record) => record.value.kind === 'soa');
  const ttlMs =
    soa?.value.kind === 'soa'
      ? Math.min(soa.ttlSeconds, soa.value.minimumSeconds, chain.ttlSeconds) * 1000
      : null;
  if (rcode === 3) return { result: 'nxdomain', ttlMs };
  if (chain.hops > 0 && soa === undefined)
    return { result: 'alias', target: chain.owner, hops: chain.hops, ttlMs: chain.ttlSeconds * 1000 };
  // Records of the asked-for kind under other names only: not an answer, and not "nothing there" either.
  if (
    chain.hops === 0 &&
    body.answers.length > 0 &&
    !body.answers.some((record) => record.name === chain.owner)
  )
    return failure('malformed', 'the answer is about another name');
  return { result: 'empty', ttlMs };
}

function codeFailure(rcode: number): FailedAnswer {
  if (rcode === 2) return failure('servfail', 'SERVFAIL');
  if (rcode === 5) return failure('refused', 'REFUSED');
  return failure('error', rcode === 1 ? 'FORMERR' : rcode === 4 ? 'NOTIMP' : `response code ${rcode}`);
}
