import type { Nemesis } from './contract.ts';
import { dnsEmpty, dnsFails, dnsVanishes, recreated, reused } from './dns.ts';
import { nobody, oldTerm, planned, slowClock, twoClaimants } from './leadership.ts';
import { dataHangs, freezePod, keepAliveRaces, kill, oneWay, probesHang, resets } from './pods.ts';
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
  twoClaimants,
  nobody,
  oldTerm,
  slowClock,
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

/** @throws Error naming those that there are */
export function nemesisNamed(name: string): Nemesis {
  const found = NEMESES.find((nemesis) => nemesis.name === name);
  if (found === undefined)
    throw new Error(`no nemesis ${name}; there are ${NEMESES.map((nemesis) => nemesis.name).join(', ')}`);
  return found;
}
