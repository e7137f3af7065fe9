import { formatAddress } from '../../../model/address.ts';
import type { StaticPod } from '../../../model/config.ts';

/** One of `static`. */
export function showStatic({ name, address }: StaticPod): object {
  return { name, address: formatAddress(address) };
}
