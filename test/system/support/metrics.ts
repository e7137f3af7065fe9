/** One sample of a Prometheus text exposition. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one name in a scrape; labels are taken as they are, which is enough for names of Pods and results. */
export function samples(exposition: string, name: string): Sample[] {
  return exposition.split('\n').flatMap((line) => {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (match === null || match[1] !== name) return [];
    const labels = Object.fromEntries(
      [...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].map((l) => [l[1]!, l[2]!]),
    );
    return [{ labels, value: Number(match[3]) }];
  });
}

export async function scrape(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`);
  if (answer.status !== 200) throw new Error(`GET /metrics: ${answer.status}`);
  return answer.text();
}
