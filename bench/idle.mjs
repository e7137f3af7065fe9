// What headroute costs before the first request: start to ready, CPU of the start, memory at rest. Marks: 400 ms, 500 ms, 80 MiB.
import { startBackend } from './lib/backend.mjs';
import { startHeadroute } from './lib/headroute.mjs';
import { cpuUs, endAll, rssMiB, stopServer, which } from './lib/processes.mjs';

if (!which('nginx')) {
  console.error('idle: the Pod is nginx: apt-get install nginx-light');
  process.exit(1);
}
const backend = await startBackend(which('nginx'));
const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const starts = [];
for (let run = 0; run < 5; run++) {
  const { child, readyMs } = await startHeadroute(backend.port);
  const cpuMs = cpuUs(child.pid) / 1000;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  starts.push({ readyMs, cpuMs, rss: rssMiB(child.pid) });
  await stopServer(child);
}
const marks = [
  ['start to ready', median(starts.map(({ readyMs }) => readyMs)), 400, 'ms'],
  ['CPU of the start', median(starts.map(({ cpuMs }) => cpuMs)), 500, 'ms'],
  ['idle memory', median(starts.map(({ rss }) => rss)), 80, 'MiB'],
];
for (const [what, value, mark, unit] of marks) {
  console.log(
    `${what.padEnd(17)} ${value.toFixed(0)} ${unit} (mark ${mark}) ${value <= mark ? 'ok' : 'MISSED'}`,
  );
}
endAll();
process.exit(marks.every(([, value, mark]) => value <= mark) ? 0 : 1);
