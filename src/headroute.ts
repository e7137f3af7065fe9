import { isMainThread } from 'node:worker_threads';

/**
 * The program's first file, small so that it is in force milliseconds after Node.js is: reading and compiling the rest takes
 * 100 ms and more. Until then the first process of a container would lose a SIGTERM, for which the kernel has no default action
 * there (pid_namespaces(7)), and any other process would be ended by a SIGHUP.
 */
if (isMainThread && process.argv[2] === 'run') {
  // Nothing is served yet, so nothing has to be finished. `run` takes over.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
  // The configuration is about to be read anyway.
  process.on('SIGHUP', () => {});
  // Node.js would open its inspector, on the loopback that a Pod's containers share.
  process.on('SIGUSR1', () => {});
}

await import('./main.ts');
