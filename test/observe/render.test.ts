import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { Metrics } from '../../src/observe/metrics.ts';
import { CellFamily, HistogramFamily } from '../../src/observe/primitives.ts';
import { startProcessMetrics } from '../../src/observe/process-metrics.ts';
import { renderMetrics, shared } from '../../src/observe/render.ts';
import { poll } from '../helpers/waiting.ts';
import { readExposition, sampleValue } from './exposition.ts';

describe('renderMetrics', () => {
  it('shows HELP and TYPE of every family before there is a series', async () => {
    const metrics = new Metrics();
    const families = readExposition(await renderMetrics(() => metrics.all()));
    expect([...families.keys()]).toEqual(metrics.all().map(({ name }) => name));
    for (const { help, samples } of families.values()) {
      expect(help.length).toBeGreaterThan(5);
      expect(samples).toEqual([]);
    }
  });

  it('escapes labels and help, and gives values exactly', async () => {
    const family = new CellFamily('f', 'gauge', 'a \\ and\nb', ['x', 'y']);
    const values = [0, -0, 0.1 + 0.2, 2 ** 53 - 1, 1e21, 5e-324, Number.POSITIVE_INFINITY, -1];
    values.forEach((value, n) => {
      family.with('a"b\\n\n}{,=', String(n)).value = value;
    });
    const text = await renderMetrics(() => [family]);
    expect(text).toContain('# HELP f a \\\\ and\\nb\n');
    const { samples } = readExposition(text).get('f')!;
    expect(samples.map((s) => s.labels)).toEqual(values.map((_, n) => ({ x: 'a"b\\n\n}{,=', y: String(n) })));
    expect(samples.map((s) => s.value)).toEqual(values.map((v) => v + 0));
  });

  it('shows histograms cumulative, with +Inf, sum and count', async () => {
    const family = new HistogramFamily('h', 'times', ['rule'], [0.005, 1, 2.5]);
    const cell = family.with('r');
    for (const seconds of [0.001, 0.005, 0.0051, 2.5, 99]) family.observe(cell, seconds);
    const plain = new HistogramFamily('p', 'no labels', [], [1]);
    plain.observe(plain.with(), 3);
    const text = await renderMetrics(() => [family, plain]);
    const buckets = readExposition(text)
      .get('h')!
      .samples.filter((s) => s.name === 'h_bucket');
    expect(buckets.map((s) => [s.labels.le, s.value])).toEqual([
      ['0.005', 2],
      ['1', 3],
      ['2.5', 4],
      ['+Inf', 5],
    ]);
    expect(sampleValue(text, 'h_count', { rule: 'r' })).toBe(5);
    expect(sampleValue(text, 'h_sum', { rule: 'r' })).toBeCloseTo(101.5111, 9);
    expect(text).toContain('p_bucket{le="1"} 0\np_bucket{le="+Inf"} 1\np_sum 3\np_count 1\n');
  });

  it('yields after each slice of time, and shows no series twice where one left and came back meanwhile', async () => {
    const family = new CellFamily('f', 'gauge', 'help', ['pod']);
    for (let n = 0; n < 100; n++) family.with(`db-${n}`);
    let nowMs = 0;
    let turns = 0;
    const text = await renderMetrics(() => [family], {
      sliceMs: 3,
      nowMs: () => nowMs++,
      yieldTurn: async () => {
        turns++;
        family.remove(([pod]) => pod === 'db-1');
        family.with('db-1');
      },
    });
    expect(readExposition(text).get('f')!.samples).toHaveLength(100);
    expect(turns).toBe(Math.floor(100 / 8 / 3) + 2);
  });

  it('M3: 1,000 rules and 1,000 Pods are rendered without stalling the loop (prometheus/client_js#543)', async () => {
    const metrics = new Metrics();
    for (let n = 0; n < 1000; n++) {
      metrics.requestDuration.observe(metrics.requestDuration.with(`rule-${n}`, 'db'), 0.003);
      for (const code of ['200', '404', '503']) metrics.requests.with(`rule-${n}`, 'db', code).value = n;
      for (const result of ['ok', 'failed']) metrics.upstreamRequests.with('db', `db-${n}`, result).value = n;
      for (const kind of ['health', 'leader'])
        for (const result of ['ok', 'failed']) metrics.probes.with('db', `db-${n}`, kind, result).value = n;
    }
    const render = (): Promise<string> => renderMetrics(() => metrics.all());
    await render();
    let text = '';
    /** A busy machine may interrupt one slice; the median is the code's own. */
    const medianSliceMs = async (): Promise<number> => {
      const slices: number[] = [];
      let sliceStartMs = performance.now();
      text = await renderMetrics(() => metrics.all(), {
        yieldTurn: async () => {
          slices.push(performance.now() - sliceStartMs);
          await new Promise((resolve) => setImmediate(resolve));
          sliceStartMs = performance.now();
        },
      });
      expect(slices.length).toBeGreaterThan(1);
      return slices.sort((a, b) => a - b)[Math.floor(slices.length / 2)]!;
    };
    // A machine that is slow for some seconds slows every slice down: then it is measured again.
    await poll(async () => (await medianSliceMs()) < 5, 'slices of less than 5 ms', 8000);
    expect(text.split('\n').length).toBeGreaterThan(27_000);
    readExposition(text);
  });

  it('scrapes at the same time share one rendering, later ones do not', async () => {
    let renderings = 0;
    const render = shared(async () => {
      renderings++;
      await new Promise((resolve) => setImmediate(resolve));
      if (renderings === 2) throw new Error('no');
      return String(renderings);
    });
    expect(await Promise.all([render(), render()])).toEqual(['1', '1']);
    await expect(Promise.all([render(), render()])).rejects.toThrow('no');
    expect(await render()).toBe('3');
  });

  it('appends the metrics of the process, from a registry of its own', async () => {
    const families = readExposition(await renderMetrics(() => [], { append: startProcessMetrics() }));
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_version_info'])
      expect(families.get(name)!.samples).toHaveLength(1);
    if (process.platform === 'linux')
      expect(families.get('process_open_fds')!.samples[0]!.value).toBeGreaterThan(3);
    // As `promtool check metrics` would report.
    for (const [name, { type }] of families)
      if (name.endsWith('_total')) expect([name, type]).toEqual([name, 'counter']);
    expect(await new Registry().metrics()).toBe('\n');
  });
});
