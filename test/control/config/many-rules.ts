/** Rules as YAML text (some 250 bytes each; writing it with a library takes longer than the test), all of them with `mark`. */
export function ruleLines(count: number, mark: string, type = 'PathPrefix'): string {
  return Array.from(
    { length: count },
    (_, i) => `      - name: rule-${i}
        matches:
          - path: { type: ${type}, value: /tenant-${i}/${mark} }
            headers:
              - name: X-Tenant
                value: tenant-${i}
          - path: { type: Exact, value: /exact-${i} }
        backendRefs:
          - name: db
        timeouts: { request: 30s, backendRequest: 10s }
`,
  ).join('');
}

/** A valid document of so many rules. */
export function manyRules(count: number, mark: string): string {
  return `apiVersion: headroute.dev/v1alpha1
kind: ProxyConfig
backends:
  - { name: db, service: db.prod.svc.cluster.local, port: http }
listeners:
  - name: web
    address: 127.0.0.1:8080
    rules:
${ruleLines(count, mark)}`;
}
