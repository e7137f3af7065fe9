import type { Nemesis } from './contract.ts';
import { dnsEmpty, dnsFails, dnsTruncated, dnsVanishes, recreated, reused } from './dns.ts';
import {
  nobody,
  oldTerm,
  oldTermAfterReload,
  planned,
  sideBySide,
  slowClock,
  twoClaimants,
  uploads,
} from './leadership.ts';
import { dataHangs, freezePod, keepAliveRaces, kill, oneWay, probesHang, RESETS, resets } from './pods.ts';
import {
  blockedLoop,
  freezeSidecar,
  reload,
  reloadWhileHeld,
  restartSidecar,
  wallClock,
} from './sidecars.ts';

/** Every nemesis, in the order in which they are run. */
export const NEMESES: readonly Nemesis[] = [
  kill,
  freezePod,
  planned,
  uploads,
  twoClaimants,
  nobody,
  oldTerm,
  slowClock,
  sideBySide,
  dataHangs,
  probesHang,
  oneWay,
  resets,
  keepAliveRaces,
  dnsFails,
  dnsEmpty,
  dnsVanishes,
  recreated,
  reused,
  reload,
  reloadWhileHeld,
  wallClock,
  restartSidecar,
  freezeSidecar,
  blockedLoop,
];

/** Narrower ones, which show one deliberate bug soonest. */
const NARROW: readonly Nemesis[] = [...RESETS, oldTermAfterReload, dnsTruncated];

/** @throws Error naming those that there are */
export function nemesisNamed(name: string): Nemesis {
  const all = [...NEMESES, ...NARROW];
  const found = all.find((nemesis) => nemesis.name === name);
  if (found === undefined)
    throw new Error(`no nemesis ${name}; there are ${all.map((nemesis) => nemesis.name).join(', ')}`);
  return found;
}
