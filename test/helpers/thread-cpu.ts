import { readFileSync } from 'node:fs';

/**
 * CPU time of a process's main thread so far, in ms: what its event loop could not spend on anything else, however busy the
 * machine is. Linux only (proc(5), /proc/PID/task/TID/schedstat), to a few ms.
 */
export function mainThreadCpuMs(pid = process.pid): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
