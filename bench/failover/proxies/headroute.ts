import { startDnsServer } from '../../../src/demo/dns-server.ts';
import { Headroute } from '../../../test/system/support/headroute.ts';
import { kept } from '../running.ts';

export interface Endpoint {
  readonly name: string;
  readonly host: string;
}

export interface Service {
  readonly service: string;
  readonly portName: string;
  readonly port: number;
  readonly nodes: readonly Endpoint[];
}

/**
 * The built program with its default timers, every request for the leader.
 * @param beside what else DNS knows
 */
export async function startHeadroute(
  protocol: 'HTTP' | 'TCP',
  service: Service,
  leader: object,
  beside: readonly Service[] = [],
): Promise<Headroute> {
  const dns = await startDnsServer();
  await kept({ stop: () => dns.close() });
  for (const { service: name, portName, port, nodes } of [service, ...beside])
    dns.setService(
      name,
      portName,
      port,
      nodes.map((node) => ({ name: node.name, addresses: [node.host] })),
    );
  return kept(
    Headroute.start({
      backends: [
        {
          name: 'store',
          service: service.service,
          port: service.portName,
          discovery: { nameservers: [`${dns.address.host}:${dns.address.port}`] },
          leader,
        },
      ],
      listener: { protocol },
      rules: [{ name: 'writes', backendRefs: [{ name: 'store' }], selection: { type: 'Leader' } }],
    }),
  );
}
