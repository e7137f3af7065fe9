import { CellFamily, HistogramFamily } from './primitives.ts';

const REQUEST_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const HOLD_BOUNDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 20, 30];
const DNS_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5];

/** Every counted family of SPEC 5. Those that are worked out from the snapshot at a scrape are in snapshot-families.ts. */
export class Metrics {
  readonly requests = new CellFamily(
    'headroute_requests_total',
    'counter',
    'Requests answered, by status code.',
    ['rule', 'backend', 'code'],
  );
  readonly requestDuration = new HistogramFamily(
    'headroute_request_duration_seconds',
    'Time from the request head to the end of the answer.',
    ['rule', 'backend'],
    REQUEST_BOUNDS,
  );
  readonly requestFailures = new CellFamily(
    'headroute_request_failures_total',
    'counter',
    "Requests that headroute itself failed, by the problem document's failure; client_gone for clients that left.",
    ['rule', 'failure'],
  );
  readonly requestsInFlight = new CellFamily(
    'headroute_requests_in_flight',
    'gauge',
    'Requests being handled.',
    ['rule'],
  );
  readonly upstreamRequests = new CellFamily(
    'headroute_upstream_requests_total',
    'counter',
    'Attempts sent to a Pod, by result.',
    ['backend', 'pod', 'result'],
  );
  readonly upstreamResponses = new CellFamily(
    'headroute_upstream_responses_total',
    'counter',
    'Final answers of Pods, by class of status.',
    ['backend', 'pod', 'class'],
  );
  readonly upstreamDuration = new HistogramFamily(
    'headroute_upstream_duration_seconds',
    "The Pod's time alone: from the first byte sent to it to the end of its answer, or its failure.",
    ['backend'],
    REQUEST_BOUNDS,
  );
  readonly retries = new CellFamily('headroute_retries_total', 'counter', 'Attempts made again, by reason.', [
    'rule',
    'reason',
  ]);
  readonly retryBudgetExhausted = new CellFamily(
    'headroute_retry_budget_exhausted_total',
    'counter',
    'Attempts not made again because the budget of retries was spent.',
    ['rule'],
  );
  readonly heldRequests = new CellFamily(
    'headroute_held_requests',
    'gauge',
    'Requests and connections waiting for a Pod, most often for a leader.',
    ['backend'],
  );
  readonly holdDuration = new HistogramFamily(
    'headroute_hold_duration_seconds',
    'How long requests were held, by how the hold ended.',
    ['backend', 'outcome'],
    HOLD_BOUNDS,
  );
  readonly probes = new CellFamily(
    'headroute_probes_total',
    'counter',
    'Probes made, by kind (health or leader) and result.',
    ['backend', 'pod', 'kind', 'result'],
  );
  readonly dnsLookups = new CellFamily(
    'headroute_dns_lookups_total',
    'counter',
    'DNS look-ups, by record type and result.',
    ['backend', 'type', 'result'],
  );
  readonly dnsLookupDuration = new HistogramFamily(
    'headroute_dns_lookup_duration_seconds',
    'Time a DNS look-up took.',
    ['backend'],
    DNS_BOUNDS,
  );
  readonly dnsLastSuccess = new CellFamily(
    'headroute_dns_last_success_timestamp_seconds',
    'gauge',
    'When a DNS look-up of all Pods last ended without a failure; 0: none has.',
    ['backend'],
  );
  readonly connectionsAccepted = new CellFamily(
    'headroute_connections_total',
    'counter',
    'Downstream connections accepted.',
    ['listener'],
  );
  readonly connectionsClosed = new CellFamily(
    'headroute_connections_closed_total',
    'counter',
    'TCP connections and upgraded ones that have ended, by reason.',
    ['listener', 'reason'],
  );
  readonly bytes = new CellFamily(
    'headroute_bytes_total',
    'counter',
    'Bytes received from applications and sent to them.',
    ['listener', 'direction'],
  );
  readonly connections = new CellFamily('headroute_connections', 'gauge', 'Open downstream connections.', [
    'listener',
  ]);
  readonly acceptDelay = new CellFamily(
    'headroute_accept_delay_seconds',
    'gauge',
    'How long a connection that is accepted now has waited for it in the kernel.',
    ['listener'],
  );
  readonly upstreamConnections = new CellFamily(
    'headroute_upstream_connections',
    'gauge',
    'Open upstream connections, by state (active or idle).',
    ['backend', 'state'],
  );
  readonly upstreamPoisoned = new CellFamily(
    'headroute_upstream_poisoned_total',
    'counter',
    'Idle upstream connections destroyed because the Pod sent bytes that no request asked for.',
    ['backend', 'pod'],
  );
  readonly tlsFailures = new CellFamily(
    'headroute_upstream_tls_failures_total',
    'counter',
    'TLS handshakes with Pods that failed, of data and probes, by cause.',
    ['backend', 'cause'],
  );
  readonly tlsReloads = new CellFamily(
    'headroute_tls_reloads_total',
    'counter',
    'Changes of certificate and key files, by result.',
    ['result'],
  );
  readonly leaderChanges = new CellFamily(
    'headroute_leader_changes_total',
    'counter',
    'Times a backend got another leader.',
    ['backend'],
  );
  readonly leaderlessSeconds = new CellFamily(
    'headroute_leaderless_seconds_total',
    'counter',
    'Seconds without exactly one known leader.',
    ['backend'],
  );
  readonly reloads = new CellFamily(
    'headroute_config_reloads_total',
    'counter',
    'Changes of the configuration file, by result.',
    ['result'],
  );
  readonly lastReloadSuccessful = new CellFamily(
    'headroute_config_last_reload_successful',
    'gauge',
    'Whether the last change of the configuration file took effect.',
    [],
  );
  readonly lastReloadSuccessTimestamp = new CellFamily(
    'headroute_config_last_reload_success_timestamp_seconds',
    'gauge',
    'When a configuration last took effect.',
    [],
  );

  readonly internalErrors = new CellFamily(
    'headroute_internal_errors_total',
    'counter',
    'Mistakes of headroute itself that a guard met, by where; each cost one connection, probe or wait.',
    ['where'],
  );

  /** Whether series of Pods are counted each; else together (`metrics.podLabel`). */
  #byPod = true;

  get byPod(): boolean {
    return this.#byPod;
  }

  /** After a change all of them count from 0: a sum over Pods that come and go would fall. */
  set byPod(on: boolean) {
    if (on === this.#byPod) return;
    this.#byPod = on;
    for (const family of this.#ofPods()) family.remove(() => true);
  }

  /** What a Pod's series are labelled with. @param name its name, `''` where it has no stable one */
  podLabel(name: string): string {
    return this.#byPod ? name : '';
  }

  #ofPods(): readonly CellFamily[] {
    return [this.upstreamRequests, this.upstreamResponses, this.probes, this.upstreamPoisoned];
  }

  /** In the order in which a scrape shows them. */
  all(): readonly (CellFamily | HistogramFamily)[] {
    return Object.values(this).filter((f) => f instanceof CellFamily || f instanceof HistogramFamily);
  }

  /** Drops the series of Pods that are not on the roster any more (M1: series of gone Pods must not stay). */
  prunePods(backend: string, labels: ReadonlySet<string>): void {
    const kept = this.#byPod ? labels : new Set(labels.size > 0 ? [''] : []);
    for (const family of this.#ofPods()) family.remove(([name, pod]) => name === backend && !kept.has(pod!));
  }
}
