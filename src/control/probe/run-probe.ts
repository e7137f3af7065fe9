import type { ClaimValues, Probe } from '../../model/config.ts';
import type { LocalErrorLog } from '../../platform/local-error.ts';
import type { TlsClients } from '../../platform/tls/clients.ts';
import type { TlsTerms } from '../../platform/tls/handshake.ts';
import { probeHttp } from './probe-http.ts';
import type { ProbeResult, ProbeTarget, RunningProbe } from './probe-result.ts';
import { probeTcpExchange, probeTcpSocket } from './probe-tcp.ts';

/**
 * Runs one probe on a connection of its own. `done` is called once, at most `timeoutMs` from now, not before this
 * returns. Tests of schedules pass another function.
 */
export type RunProbe = (
  probe: Probe,
  shown: ClaimValues | null,
  target: ProbeTarget,
  timeoutMs: number,
  done: (result: ProbeResult) => void,
) => RunningProbe;

/** Probes on connections of their own. @param clients those that speak TLS */
export function probesOver(clients: TlsClients): RunProbe {
  return (probe, shown, target, timeoutMs, done) => {
    const port = probe.port ?? target.port;
    const to = { target, port, timeoutMs, tls: termsOf(probe, port, target, clients) };
    if (probe.type === 'http') return probeHttp(probe, shown, to, done);
    if (probe.type === 'tcp') return probeTcpExchange(probe, shown, to, done);
    return probeTcpSocket(to, done);
  };
}

/** A probe's own TLS, or none; where it says nothing, that of the data on their port. */
function termsOf(probe: Probe, port: number, target: ProbeTarget, clients: TlsClients): TlsTerms | null {
  const ofData = port === target.port ? (target.tls ?? null) : null;
  const tls = probe.tls === undefined ? ofData : probe.tls;
  if (tls === null) return null;
  const serverName = tls.serverName ?? target.tlsName ?? target.dnsName;
  return { client: clients.of(tls), serverName, protocol: probe.type === 'http' ? 'http/1.1' : null };
}

/** Runs probes, and says so where they cannot be made. */
export function loggingLocalErrors(run: RunProbe, log: LocalErrorLog): RunProbe {
  return (probe, shown, target, timeoutMs, done) =>
    run(probe, shown, target, timeoutMs, (result) => {
      if (result.outcome === 'local_error') log.report('probe', result.reason);
      done(result);
    });
}
