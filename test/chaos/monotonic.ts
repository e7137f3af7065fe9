/**
 * Milliseconds of the machine's monotonic clock, with fractions: the same in every process (CLOCK_MONOTONIC), so that the
 * logs of Pods and the notes of clients can be laid beside each other. Setting the wall clock does not move it.
 */
export function machineMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000;
}
