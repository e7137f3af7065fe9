import * as z from 'zod';
import type { HostPort, StaticPod } from '../../../model/config.ts';
import { quote } from '../problem.ts';
import { address, name, object, refuse } from './scalars.ts';

const podAddress = address
  .transform((parsed, context): HostPort => {
    if (parsed.host === '') refuse(context, 'has no host: write for example 127.0.0.1:5433 or redis-1:6379');
    else if (parsed.port === 0) refuse(context, 'has port 0: write the port that the Pod listens on');
    else if (parsed.host === '0.0.0.0' || parsed.host === '::')
      refuse(context, `${parsed.host} is every local address, not that of a Pod: write 127.0.0.1 or [::1]`);
    return parsed;
  })
  .describe('Its IP address or DNS name, with the port, as 127.0.0.1:5433, [::1]:5433 or redis-1:6379');

const pod = object({
  name: name.describe('Its name; of NAME-n the n is its ordinal'),
  address: podAddress,
});

/** `static` of `discovery` and of `sentinel`. */
export const staticPods = z
  .array(pod)
  .min(1)
  .max(1000)
  .superRefine((pods, context) => {
    unique(pods, 'name', ({ name: given }) => quote(given), context);
    unique(pods, 'address', ({ address: { host, port } }) => `${host} port ${port}`, context);
  });

function unique(
  pods: readonly StaticPod[],
  key: keyof StaticPod,
  shown: (pod: StaticPod) => string,
  context: z.core.$RefinementCtx,
): void {
  const first = new Map<string, number>();
  for (const [index, entry] of pods.entries()) {
    const text = shown(entry);
    const earlier = first.get(text);
    if (earlier === undefined) first.set(text, index);
    else refuse(context, `${text} is the ${key} of entry [${earlier}] already`, [index, key]);
  }
}
