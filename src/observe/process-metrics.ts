import { readdir } from 'node:fs/promises';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/**
 * Of prom-client's default metrics these are left out: they list every handle (10,000 connections are 10,000 objects a
 * scrape), read a directory synchronously, or are gauges named `…_total`, which `promtool check metrics` reports.
 */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources',
  'nodejs_active_resources_total',
  'process_open_fds',
];

/** The process's own metrics, by prom-client in a registry of its own. @returns a function that renders them */
export function startProcessMetrics(): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  new Gauge({
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      const open = await readdir('/proc/self/fd').catch(() => null);
      if (open !== null) this.set(open.length);
    },
  });
  return async () => ensureNewline(await registry.metrics());
}

function ensureNewline(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
