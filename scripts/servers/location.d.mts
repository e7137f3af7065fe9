export function toolsRoot(): string;
export function requireTool(
  name: 'coredns' | 'etcd' | 'kubectl' | 'kubeconform' | 'kubernetes-schemas',
): string;
