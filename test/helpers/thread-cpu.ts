import { readFileSync } from 'node:fs';

/**
 * CPU time of a process's main thread so far, in ms: what its event loop could not spend on anything else, however busy the
 * machine is. On Linux (proc(5), /proc/PID/task/TID/schedstat), to a few ms; elsewhere of this process only, with its helper threads.
 */
export function mainThreadCpuMs(pid = process.pid): number {
  if (process.platform !== 'linux' && pid === process.pid) {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  }
  return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}
