// Gives a process a share of one core: by a control group (v1 or v2) where one can be made, else by stopping and continuing it.
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';

const PERIOD_US = 100_000;

/** @returns `{ how, release() }` */
export function limitCpu(pid, share) {
  const quota = Math.round(share * PERIOD_US);
  return byGroup(pid, quota) ?? bySignals(pid, share);
}

function byGroup(pid, quota) {
  const name = `headroute-bench-${pid}`;
  const kinds = [
    [
      `/sys/fs/cgroup/cpu/${name}`,
      [
        ['cpu.cfs_period_us', PERIOD_US],
        ['cpu.cfs_quota_us', quota],
      ],
    ],
    [`/sys/fs/cgroup/${name}`, [['cpu.max', `${quota} ${PERIOD_US}`]]],
  ];
  for (const [folder, settings] of kinds) {
    let made = false;
    try {
      mkdirSync(folder);
      made = true;
      if (!settings.every(([file]) => existsSync(`${folder}/${file}`))) throw new Error('no CPU controller');
      for (const [file, value] of settings) writeFileSync(`${folder}/${file}`, String(value));
      writeFileSync(`${folder}/cgroup.procs`, String(pid));
      const parent = folder.slice(0, folder.lastIndexOf('/'));
      const release = () => {
        try {
          writeFileSync(`${parent}/cgroup.procs`, String(pid));
        } catch {}
        removeSoon(folder);
      };
      return { how: `control group, ${quota / 1000} of ${PERIOD_US / 1000} ms`, release };
    } catch {
      if (made) removeSoon(folder);
    }
  }
  return null;
}

function removeSoon(folder) {
  try {
    rmdirSync(folder);
  } catch {
    setTimeout(() => {
      try {
        rmdirSync(folder);
      } catch {}
    }, 500).unref();
  }
}

function bySignals(pid, share) {
  const signal = (name) => {
    try {
      process.kill(pid, name);
    } catch {}
  };
  const onMs = (share * PERIOD_US) / 1000;
  const timer = setInterval(() => {
    signal('SIGCONT');
    setTimeout(() => signal('SIGSTOP'), onMs);
  }, PERIOD_US / 1000);
  const release = () => {
    clearInterval(timer);
    setTimeout(() => signal('SIGCONT'), onMs + 1);
  };
  return { how: `SIGSTOP and SIGCONT, ${onMs} of ${PERIOD_US / 1000} ms`, release };
}
