import type { RuleConfig } from '../../model/config.ts';
import type { Tunnel } from '../forward/tunnel-registry.ts';
import type { InboundListener } from '../inbound-listener.ts';
import type { Attempt } from './attempt.ts';
import type { Downstream } from './exchange.ts';
import type { HttpDeps } from './http-deps.ts';
import { joinSockets } from './tcp-tunnel.ts';

/**
 * After a 101: joins the client's and the Pod's sockets until both ways have ended or the registry cuts them. No byte that
 * either side sent with its handshake is lost.
 */
export function joinUpgrade(
  deps: HttpDeps,
  down: Downstream,
  attempt: Attempt,
  fromPod: Buffer,
  rule: RuleConfig,
  listener: InboundListener,
): void {
  const { pod, pool, backend } = attempt;
  const client = down.socket;
  const fromClient = down.detach();
  const upstream = attempt.connection!.detach();
  if (fromPod.length > 0) client.write(fromPod);
  if (fromClient !== null) upstream.write(fromClient);
  let remove = (): void => {};
  const joint = joinSockets(client, upstream, deps.tunnels.unread, (end) => {
    remove();
    pool.tunnelEnded();
    pool.end();
    if (rule.selection.type === 'Leader' && end.first === 'upstream')
      deps.outcomes.report({ kind: 'leader_closed', podId: pod.id });
  });
  const tunnel: Tunnel = {
    listener,
    podId: pod.id,
    upstream,
    rule: rule.name,
    onDemotion: rule.selection.type === 'Leader' ? rule.selection.onDemotion : null,
    onUnready: backend.config.connection.onUnready,
    destroy: (reason) => {
      deps.logger.debug({ rule: rule.name, pod: pod.name, reason }, 'upgraded connection cut');
      joint.cut();
    },
    pause: joint.pause,
    resume: joint.resume,
  };
  remove = deps.tunnels.add(tunnel, pool.backend);
}
