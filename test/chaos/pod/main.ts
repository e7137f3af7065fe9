import { createServer } from 'node:net';
import { DataConnection } from './data-connection.ts';
import { PodLog } from './log.ts';
import { Member } from './member.ts';
import type { PodOptions } from './messages.ts';
import { probeServer } from './probe-port.ts';
import { Store } from './store.ts';

// One Pod: a process of its own, with a data port and a probe port.
const options = JSON.parse(process.argv[2]!) as PodOptions;
const log = new PodLog(options.logFile);
log.write({ e: 'up', incarnation: options.incarnation, host: options.host });
const store = new Store(options, (faults) => member.set(faults));
const member = new Member(options.name, log, store);
member.set(options.faults);

let connections = 0;
const data = createServer({ noDelay: true }, (socket) => {
  new DataConnection(++connections, socket, member);
});
const probes = probeServer(member);
for (const server of [data, probes])
  server.on('error', (error) => {
    process.stderr.write(`${options.name}: ${String(error)}\n`);
    process.exit(3);
  });
data.listen(options.dataPort, options.host);
probes.listen(options.probePort, options.host);
