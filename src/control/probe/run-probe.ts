import type { ClaimValues, Probe } from '../../model/config.ts';
import type { LocalErrorLog } from '../../platform/local-error.ts';
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

export const runProbe: RunProbe = (probe, shown, target, timeoutMs, done) => {
  const to = { target, port: probe.port ?? target.port, timeoutMs };
  if (probe.type === 'http') return probeHttp(probe, shown, to, done);
  if (probe.type === 'tcp') return probeTcpExchange(probe, shown, to, done);
  return probeTcpSocket(to, done);
};

/** Runs probes, and says so where they cannot be made. */
export function loggingLocalErrors(run: RunProbe, log: LocalErrorLog): RunProbe {
  return (probe, shown, target, timeoutMs, done) =>
    run(probe, shown, target, timeoutMs, (result) => {
      if (result.outcome === 'local_error') log.report('probe', result.reason);
      done(result);
    });
}
