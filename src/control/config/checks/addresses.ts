import { formatAddress } from '../../../model/address.ts';
import type { HostPort } from '../../../model/config.ts';
import { collide } from '../grammar/address.ts';
import type { Parts } from '../grammar/read-document.ts';
import type { Report } from '../grammar/read-fields.ts';
import { formatPath, type Path } from '../problem.ts';

/** Two sockets that certainly cannot be bound side by side; admin and debug are there without being written. */
export function checkAddresses({ fields, listeners }: Parts, report: Report): void {
  const taken: { readonly path: Path; readonly address: HostPort }[] = [];
  const take = (path: Path, address: HostPort | null | undefined): void => {
    if (address === undefined || address === null) return;
    const other = taken.find((earlier) => collide(earlier.address, address));
    if (other === undefined) taken.push({ path, address });
    else
      report(
        path,
        `${formatAddress(address)} collides with ${formatPath(other.path)}, ${formatAddress(other.address)}: change one of them`,
      );
  };
  take(['admin', 'address'], fields.admin?.address);
  take(['debug', 'address'], fields.debug?.address);
  for (const { path, fields: listener } of listeners) take([...path, 'address'], listener.address);
}
