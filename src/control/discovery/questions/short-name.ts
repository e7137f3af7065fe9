/** What is to be said of a Service name that cannot be one of Kubernetes: names are looked up as they are written. */
export function shortNameHint(service: string): string {
  const labels = service.replace(/\.$/, '').split('.').length;
  if (labels >= 3) return '';
  const whole = labels === 1 ? `${service}.<namespace>.svc.cluster.local` : `${service}.svc.cluster.local`;
  return `; search domains are not used: is it ${whole}?`;
}
