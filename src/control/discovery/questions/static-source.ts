import { isIP } from 'node:net';
import type { StaticPod } from '../../../model/config.ts';
import type { Member } from '../contract.ts';
import type { Round } from '../membership/membership.ts';
import type { AddressAnswer } from './address-book.ts';
import { eachBounded } from './bounded.ts';
import { ordinalOf } from './identity.ts';
import { followUpBudgetMs, type Source, type SourceContext } from './source.ts';

/** RFC 6761 section 6.3: asked of nobody. */
const LOCALHOST: AddressAnswer = {
  kind: 'addresses',
  addresses: ['127.0.0.1', '::1'],
  owner: 'localhost',
  ttlMs: Number.POSITIVE_INFINITY,
  problem: null,
};

/** Who a Pod of a list is from one round, and one list, to the next. */
export function staticKey({ name, address }: StaticPod): string {
  return `${name}|${address.port}`;
}

/**
 * Pods that the configuration names (`discovery.static`). An IP address is taken as it is; a name, as of a Compose service, is looked
 * up like that of any Pod, so that a container made anew is found at its new address.
 */
export function staticSource(context: SourceContext, pods: readonly StaticPod[]): Source {
  const { book, clock } = context;
  const names = [...new Set(pods.map(({ address }) => address.host))].filter((host) => isIP(host) === 0);
  const asked = names.map((name) => `${name}.`).join(', ');
  return {
    question: names.length === 0 ? 'none: discovery.static gives addresses' : `A, AAAA ${asked}`,
    async round(seen) {
      const answers = new Map<string, AddressAnswer>();
      const told = (host: string): void => {
        for (const pod of pods)
          if (pod.address.host === host) for (const m of membersOf(pod, answers)) seen(m);
      };
      await eachBounded(
        names,
        clock,
        followUpBudgetMs(context),
        async (name) => {
          const answer = name === 'localhost' ? LOCALHOST : await book.ask(name);
          answers.set(name, answer.kind === 'failed' ? remembered(book.last(name), answer) : answer);
          told(name);
        },
        (name) => {
          const detail = `A ${name}: not asked, earlier names took too long`;
          answers.set(name, remembered(book.last(name), { kind: 'failed', how: 'timeout', detail }));
          told(name);
        },
      );
      return toRound(pods, answers);
    },
  };
}

type Failed = Extract<AddressAnswer, { kind: 'failed' }>;

function remembered(addresses: readonly string[], failed: Failed): AddressAnswer {
  if (addresses.length === 0) return failed;
  return { kind: 'addresses', addresses, owner: '', ttlMs: Number.POSITIVE_INFINITY, problem: failed.detail };
}

/** The Pod, or nobody where its name has no address. */
function membersOf(pod: StaticPod, answers: ReadonlyMap<string, AddressAnswer>): Member[] {
  const { host, port } = pod.address;
  const answer = answers.get(host);
  const addresses =
    isIP(host) !== 0 ? [host] : answer?.kind === 'addresses' ? onePerFamily(answer.addresses) : [];
  if (addresses.length === 0) return [];
  const { name } = pod;
  const ordinal = ordinalOf(name.toLowerCase(), null);
  return [
    { key: staticKey(pod), name, named: true, dnsName: host, ordinal, addresses, port, sharesHost: true },
  ];
}

/** A Pod is one: of several addresses of a family it has the lowest, whatever their order in the answer. */
function onePerFamily(addresses: readonly string[]): string[] {
  return [false, true].flatMap((v6) => {
    const own = addresses.filter((address) => address.includes(':') === v6).sort();
    return own.slice(0, 1);
  });
}

function toRound(pods: readonly StaticPod[], answers: ReadonlyMap<string, AddressAnswer>): Round {
  const members = pods.flatMap((pod) => membersOf(pod, answers));
  const all = [...answers];
  const failure = all.flatMap(([, answer]) => (answer.kind === 'failed' ? [answer] : []))[0] ?? null;
  const problem = failure?.detail ?? all.flatMap(([name, answer]) => problemOf(name, answer))[0] ?? null;
  const ttls = all.flatMap(([, answer]) =>
    'ttlMs' in answer && answer.ttlMs !== null ? [answer.ttlMs] : [],
  );
  const ttlMs = Math.min(Number.POSITIVE_INFINITY, ...ttls);
  if (members.length > 0) return { kind: 'members', members, complete: failure === null, ttlMs, problem };
  if (failure !== null) return { kind: 'failed', how: failure.how, detail: failure.detail };
  const nxdomain = all.some(([, answer]) => answer.kind === 'absent' && answer.nxdomain);
  return { kind: 'empty', ttlMs, nxdomain, detail: problem ?? 'none of the names has an address' };
}

function problemOf(name: string, answer: AddressAnswer): string[] {
  if (answer.kind === 'failed') return [];
  if (answer.kind === 'absent') return [`${answer.nxdomain ? 'NXDOMAIN' : 'no address'} for ${name}`];
  if (answer.problem !== null) return [answer.problem];
  if (onePerFamily(answer.addresses).length === answer.addresses.length) return [];
  return [
    `${name} has ${answer.addresses.length} addresses, of which one Pod has one: list the others by names of their own`,
  ];
}
