import type { Member } from '../contract.ts';
import type { Round } from '../membership/membership.ts';
import { type FailedAnswer, isFailure } from '../wire/answer.ts';
import type { RecordValue, WireRecord } from '../wire/dns-decode.ts';
import { addressRound } from './address-source.ts';
import { isUsableAddress } from './identity.ts';
import { shortNameHint } from './short-name.ts';
import type { Source, SourceContext } from './source.ts';
import { resolveTargets, type SrvTarget } from './targets.ts';

/** How long it is not asked again why a port is not there. */
const HINT_GOOD_MS = 30_000;

/**
 * A named port: SRV `_<port>._tcp.<service>` (Kubernetes DNS specification 1.1.0 section 2.4.3), the targets' addresses
 * from the additional section or by name. Priority and weight are the client's business and ignored: who gets a request
 * is a rule's decision, and Kubernetes gives every Pod the same.
 */
export function srvSource(context: SourceContext, portName: string): Source {
  const name = srvName(context.service, portName);
  /** From the last whole answer, until they are made use of. */
  let last: readonly Member[] = [];
  let lastPorts = new Set<number>();
  /** What was found out of a Service without this port, and until when it is good (monotonic milliseconds). */
  let hint = { words: '', untilMs: Number.NEGATIVE_INFINITY };
  return {
    question: `SRV ${name}.`,
    async round(seen) {
      const answer = await context.resolver.lookup(name, 'SRV');
      if (isFailure(answer)) {
        if (answer.partial === undefined)
          return { kind: 'failed', how: answer.result, detail: answer.detail };
        teachNames(context, last);
        last = [];
        return tooLong(context, answer, lastPorts, seen);
      }
      if (answer.result !== 'success') {
        const what = answer.result === 'nxdomain' ? 'NXDOMAIN' : 'no record';
        const nowMs = context.clock.nowMs();
        if (nowMs >= hint.untilMs)
          hint = { words: await hintOf(context, portName), untilMs: nowMs + HINT_GOOD_MS };
        const detail = `${what} for ${name}: ${hint.words}`;
        const nxdomain = answer.result === 'nxdomain';
        return { kind: 'empty', ttlMs: 'ttlMs' in answer ? answer.ttlMs : null, nxdomain, detail };
      }
      const targets = targetsIn(answer.values);
      if (targets.length === 0)
        return {
          kind: 'empty',
          ttlMs: answer.ttlMs,
          nxdomain: false,
          detail: `${name} names no target with a port`,
        };
      const glue = glueIn(answer.additionals);
      const alias = answer.owner === name ? [] : [answer.owner.split('.').slice(2).join('.')];
      const scope = { services: [context.service, ...alias], statefulSet: null };
      const round = await resolveTargets(context, targets, glue.addresses, scope, seen);
      context.book.keepOnly(new Set(targets.map((target) => target.name)));
      if (round.kind !== 'members') return round;
      last = round.members;
      lastPorts = new Set(targets.map((target) => target.port));
      return { ...round, ttlMs: Math.min(round.ttlMs, answer.ttlMs, glue.ttlMs) };
    },
  };
}

/** Why there may be no such port: a Service that has addresses lacks but the port. */
async function hintOf({ resolver, service }: SourceContext, portName: string): Promise<string> {
  const answer = await resolver.lookup(service, 'A');
  if (answer.result === 'success' && answer.values.length > 0)
    return `the Service has Pods, but no port named ${portName} (a wrong name, or one of UDP)`;
  return `no ready Pod, no such Service, or no port of that name${shortNameHint(service)}`;
}

export function srvName(service: string, portName: string): string {
  return `_${portName.toLowerCase()}._tcp.${service}`;
}

/** A target of `.` means that the service is not there (RFC 2782); a port of 0 cannot be dialled. */
export function targetsIn(values: readonly RecordValue[]): SrvTarget[] {
  const targets = new Map<string, SrvTarget>();
  for (const value of values) {
    if (value.kind !== 'srv' || value.target === '' || value.port === 0) continue;
    targets.set(`${value.target} ${value.port}`, { name: value.target, port: value.port });
  }
  return [...targets.values()];
}

function glueIn(additionals: readonly WireRecord[]): {
  readonly addresses: Map<string, string[]>;
  readonly ttlMs: number;
} {
  const addresses = new Map<string, string[]>();
  let ttlMs = Number.POSITIVE_INFINITY;
  for (const { name, value, ttlSeconds } of additionals) {
    if (value.kind !== 'address' || !isUsableAddress(value.address)) continue;
    const known = addresses.get(name);
    if (known === undefined) addresses.set(name, [value.address]);
    else known.push(value.address);
    ttlMs = Math.min(ttlMs, ttlSeconds * 1000);
  }
  return { addresses, ttlMs };
}

/**
 * CoreDNS truncates SRV answers past some 800 Pods even over TCP. The part that came is never membership. Where it
 * shows a single port, the Service's A and AAAA records say who is there (16 KB for 1,000 Pods) and PTR who they are;
 * else its targets are resolved by name, and can only add.
 */
async function tooLong(
  context: SourceContext,
  answer: FailedAnswer,
  lastPorts: ReadonlySet<number>,
  seen: (member: Member) => void,
): Promise<Round> {
  const { service } = context;
  const targets = targetsIn((answer.partial?.answers ?? []).map((record) => record.value));
  const ports = targets.length > 0 ? new Set(targets.map((target) => target.port)) : lastPorts;
  if (ports.size === 1) {
    const round = await addressRound(context, [...ports][0]!, seen);
    if (round.kind !== 'failed') return round;
  }
  const failed = { kind: 'failed', how: answer.result, detail: answer.detail } as const;
  if (targets.length === 0) return failed;
  const scope = { services: [service], statefulSet: null };
  const round = await resolveTargets(context, targets, new Map(), scope, seen);
  if (round.kind === 'empty') return failed;
  return round.kind === 'members'
    ? { ...round, complete: false, problem: round.problem ?? answer.detail }
    : round;
}

/** Spares the PTR look-ups of Pods that a whole answer named. Once only: later an address may be another Pod's. */
function teachNames(context: SourceContext, members: readonly Member[]): void {
  for (const { addresses, dnsName } of members)
    for (const address of addresses) if (dnsName !== address) context.names.teach(address, dnsName);
}
