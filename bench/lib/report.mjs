// Medians with their spread, as JSON, as a Markdown table and as a picture.
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';

const FIGURES = ['cpu', 'rps', 'p50', 'p99', 'p999', 'rss'];

/** Writes latest.json, latest.md and latest.svg; returns the Markdown. */
export function writeResults(folder, run) {
  const rows = summarise(run);
  const machine = {
    date: new Date().toISOString().slice(0, 10),
    cpu: `${cpus().length} × ${cpus()[0].model.trim()}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
  const { runs, seconds, client, versions, absent } = run;
  mkdirSync(folder, { recursive: true });
  const write = (name, text) => writeFileSync(join(folder, name), text);
  const json = { machine, runs, seconds, client, versions, absent, rows, samples: run.samples };
  write('latest.json', `${JSON.stringify(json, null, 1)}\n`);
  const table = markdown(rows, { machine, runs, seconds, client, versions, absent });
  write('latest.md', table);
  write('latest.svg', svg(rows, machine));
  return table;
}

function summarise({ samples, loads }) {
  const rows = [];
  for (const { name: load } of loads) {
    const ofLoad = samples.filter((sample) => sample.load === load);
    for (const proxy of new Set(ofLoad.map((sample) => sample.proxy))) {
      const mine = ofLoad.filter((sample) => sample.proxy === proxy);
      const good = mine.filter((sample) => sample.error === undefined);
      const errors = mine.filter((sample) => sample.error !== undefined).map(({ error }) => error);
      const row = { load, proxy, runs: good.length, errors };
      for (const figure of FIGURES) row[figure] = good.length > 0 ? spread(good.map((s) => s[figure])) : null;
      rows.push(row);
    }
    const base = rows.find((row) => row.load === load);
    for (const row of rows.filter((r) => r.load === load)) {
      row.cpuRatio = row.cpu && base?.cpu ? row.cpu.median / base.cpu.median : null;
    }
  }
  return rows;
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}

function markdown(rows, { machine, runs, seconds, client, versions, absent }) {
  const lines = [
    `Measured ${machine.date} on ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}; ` +
      `client ${client}; each figure the median of ${runs} runs of ${seconds} s (lowest–highest), proxies alternating.`,
    '',
    '| load | proxy | CPU µs/request | × first | requests/s | p50 ms | p99 ms | p99.9 ms | RSS MiB |',
    '|---|---|---|---|---|---|---|---|---|',
  ];
  for (const row of rows) {
    if (row.cpu === null) {
      lines.push(`| ${row.load} | ${row.proxy} | failed: ${row.errors[0]} | | | | | | |`);
      continue;
    }
    const one = ({ median, min, max }, digits) =>
      `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
    const failed = row.errors.length > 0 ? `, ${row.errors.length} failed` : '';
    lines.push(
      `| ${row.load} | ${row.proxy}${failed} | ${one(row.cpu, 1)} | ${row.cpuRatio?.toFixed(2) ?? '–'} | ` +
        `${one(row.rps, 0)} | ${one(row.p50, 2)} | ${one(row.p99, 2)} | ${one(row.p999, 2)} | ${row.rss.median.toFixed(0)} |`,
    );
  }
  lines.push('', ...Object.entries(versions).map(([name, version]) => `- ${name}: ${version}`));
  lines.push(...absent.map(({ name, install }) => `- ${name}: not installed (${install})`), '');
  return lines.join('\n');
}

/** CPU per request at every load, one bar a proxy, drawn as multiples of the first proxy. */
function svg(rows, machine) {
  const shown = rows.filter((row) => row.cpuRatio !== null);
  const scale = 420 / Math.max(1, ...shown.map((row) => row.cpuRatio));
  const parts = [];
  let y = 40;
  let load = '';
  for (const row of shown) {
    if (row.load !== load) {
      load = row.load;
      y += 22;
      parts.push(`<text x="10" y="${y - 4}" font-weight="bold">${load}</text>`);
    }
    const fill = row.proxy === 'headroute' ? '#2a7ae2' : '#9aa5b1';
    parts.push(
      `<text x="140" y="${y + 11}" text-anchor="end">${row.proxy}</text>`,
      `<rect x="148" y="${y}" width="${(row.cpuRatio * scale).toFixed(1)}" height="13" fill="${fill}"/>`,
      `<text x="${(154 + row.cpuRatio * scale).toFixed(1)}" y="${y + 11}">${row.cpuRatio.toFixed(2)}× · ${row.cpu.median.toFixed(0)} µs</text>`,
    );
    y += 17;
  }
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="700" height="${y + 20}" font-family="sans-serif" font-size="11">` +
    `<rect width="100%" height="100%" fill="white"/><text x="10" y="22" font-size="14">CPU per request, ${machine.date}, ` +
    `${machine.cpu.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>${parts.join('')}</svg>\n`
  );
}
