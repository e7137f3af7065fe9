export function toolsRoot(): string;
export function requireTool(
  name:
    | 'coredns'
    | 'etcd'
    | 'kubectl'
    | 'kubeconform'
    | 'kubernetes-schemas'
    | 'haproxy'
    | 'slowhttptest'
    | 'redis-server'
    | 'patroni'
    | 'chromium'
    | 'postgres'
    | 'prometheus'
    | 'raft-store',
): string;
export function toolEnvironment(name: string): NodeJS.ProcessEnv;
