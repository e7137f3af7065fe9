import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { LookupResult } from '../../src/control/discovery/wire/answer.ts';
import type { ProbeOutcome } from '../../src/control/probe/probe-result.ts';
import type { HoldOutcome } from '../../src/data/placement/hold-queue.ts';
import { FAILURE_NAMES, FAILURES } from '../../src/model/failure.ts';
import { allFamilies } from '../helpers/monitoring.ts';

const doc = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const families = allFamilies();

/** SPEC 5 and what was added since: people script against these names and labels. */
const PROMISED: Readonly<Record<string, string>> = {
  headroute_build_info: 'version,node_version',
  headroute_requests_total: 'rule,backend,code',
  headroute_request_duration_seconds: 'rule,backend',
  headroute_request_failures_total: 'rule,failure',
  headroute_requests_in_flight: 'rule',
  headroute_upstream_requests_total: 'backend,pod,result',
  headroute_upstream_responses_total: 'backend,pod,class',
  headroute_upstream_duration_seconds: 'backend',
  headroute_upstream_poisoned_total: 'backend,pod',
  headroute_retries_total: 'rule,reason',
  headroute_retry_budget_exhausted_total: 'rule',
  headroute_held_requests: 'backend',
  headroute_hold_duration_seconds: 'backend,outcome',
  headroute_pods: 'backend,state',
  headroute_pod_ready: 'backend,pod',
  headroute_pod_leader: 'backend,pod',
  headroute_leader_state: 'backend,state',
  headroute_upstream_tls_failures_total: 'backend,cause',
  headroute_tls_reloads_total: 'result',
  headroute_tls_certificate_expiry_timestamp_seconds: 'backend',
  headroute_leader_changes_total: 'backend',
  headroute_leaderless_seconds_total: 'backend',
  headroute_probes_total: 'backend,pod,kind,result',
  headroute_dns_lookups_total: 'backend,type,result',
  headroute_dns_lookup_duration_seconds: 'backend',
  headroute_dns_last_success_timestamp_seconds: 'backend',
  headroute_connections: 'listener',
  headroute_connections_total: 'listener',
  headroute_connections_closed_total: 'listener,reason',
  headroute_bytes_total: 'listener,direction',
  headroute_limit: 'name,of',
  headroute_rule_held_requests: 'rule,backend',
  headroute_rule_held_bytes: 'rule,backend',
  headroute_fan_out_bytes: 'listener',
  headroute_busiest_pod_in_flight: 'backend',
  headroute_accept_delay_seconds: 'listener',
  headroute_upstream_connections: 'backend,state',
  headroute_config_info: 'hash',
  headroute_config_reloads_total: 'result',
  headroute_config_last_reload_successful: '',
  headroute_config_last_reload_success_timestamp_seconds: '',
  headroute_internal_errors_total: 'where',
  headroute_log_lines_dropped_total: '',
};

it('the code has the metrics that were promised, each once and with those labels', () => {
  const found = families.map(({ name, labelNames }) => [name, labelNames.join(',')] as const);
  expect(Object.fromEntries(found)).toEqual(PROMISED);
  expect(found).toHaveLength(Object.keys(PROMISED).length);
});

it('docs/metrics.md lists every metric with its type and labels, and no other', () => {
  const rows = [...doc.matchAll(/^\| `(headroute_\w+)` \| (\w+) \| ([^|]*?)\s*\|/gm)];
  const documented = rows.map(([, name, type, labels = '']) => [name, type, labels.replace(/[` ]/g, '')]);
  const coded = families.map(({ name, type, labelNames }) => [name, type, labelNames.join(',')]);
  expect(documented.sort()).toEqual(coded.sort());
});

it('docs/metrics.md asks only for metrics that exist', () => {
  const known = new Set(
    families.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]),
  );
  for (const [name] of doc.matchAll(/headroute_\w+/g)) expect([name, known.has(name)]).toEqual([name, true]);
});

it('docs/metrics.md lists every failure with its status, and no other', () => {
  const rows = [...doc.matchAll(/^\| `([a-z_]+)` \| (\d{3}) \| .+ \|$/gm)].map(([, name, status]) => [
    name,
    Number(status),
  ]);
  expect(rows).toEqual(FAILURE_NAMES.map((name) => [name, FAILURES[name].status]));
});

/** The compiler holds these lists against the types: a value added or renamed there is an error here. */
const VALUES: {
  lookups: Record<LookupResult, true>;
  probes: Record<ProbeOutcome, true>;
  holds: Record<HoldOutcome, true>;
} = {
  lookups: {
    success: true,
    empty: true,
    nxdomain: true,
    servfail: true,
    refused: true,
    timeout: true,
    truncated: true,
    malformed: true,
    local_error: true,
    error: true,
  },
  probes: { success: true, failure: true, timeout: true, refused: true, error: true, local_error: true },
  holds: { released: true, timeout: true, client_gone: true, full: true, abandoned: true },
};

it.each([
  ['`result` of a look-up:', VALUES.lookups],
  ['`result` of a probe:', VALUES.probes],
  ['`outcome` of a hold:', VALUES.holds],
])('docs/metrics.md lists every %s', (start, values) => {
  const at = doc.indexOf(start);
  expect(at).toBeGreaterThan(0);
  const paragraph = doc.slice(at + start.length, doc.indexOf('\n\n', at));
  for (const value of Object.keys(values)) expect(paragraph).toContain(`\`${value}\``);
});
