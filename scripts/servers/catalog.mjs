// What the system tests run against. Most is pinned and comes from the Go module proxy, whose checksum database Go verifies; what only
// Debian packages is of the version that the machine's Debian has now, as it keeps no other.
// Raise a version here and the next `npm run test:system` builds it; the old one stays beside it until somebody deletes it.

/**
 * @typedef {object} GoProgram a program built from a Go module
 * @property {'go'} kind
 * @property {string} name
 * @property {string} version without the leading v
 * @property {string} module the module that holds the package
 * @property {string} [package] the package to build; default: `module`
 * @property {string} [main] source of a main package, for a module that has the program only as a library
 *
 * @typedef {object} OwnGoProgram a program whose source, with its own go.mod and go.sum, lies in this repository
 * @property {'go-source'} kind
 * @property {string} name
 * @property {string} version to be raised with every change of its source
 * @property {string} source folder below the repository's root
 * @property {true} onRequest no test needs it: it is installed only where somebody names it
 *
 * @typedef {object} SchemaSet JSON Schemas of Kubernetes' own kinds and of the custom ones that deploy/ uses
 * @property {'schemas'} kind
 * @property {string} name
 * @property {string} version
 * @property {string} kubernetes version of k8s.io/kubernetes
 * @property {string} prometheusOperator version of its module
 *
 * @typedef {object} DebianProgram a program of a Debian package; apt verifies its signature
 * @property {'debian'} kind
 * @property {string} name
 * @property {'debian'} version
 * @property {string} package
 * @property {string} program path below the root; one part may be `*`, for a version that each Debian has another of
 *
 * @typedef {GoProgram | OwnGoProgram | SchemaSet | DebianProgram} Tool
 */

/** kubectl as its own module publishes it: a library whose main package lives in k8s.io/kubernetes, behind replace directives. */
const KUBECTL_MAIN = `package main

import (
	"os"

	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
)

func main() { os.Exit(cli.Run(cmd.NewDefaultKubectlCommand())) }
`;

/** @type {readonly Tool[]} */
export const CATALOG = [
  { kind: 'go', name: 'coredns', version: '1.15.0', module: 'github.com/coredns/coredns' },
  { kind: 'go', name: 'etcd', version: '3.7.3', module: 'go.etcd.io/etcd/server/v3' },
  { kind: 'go', name: 'kubectl', version: '0.36.3', module: 'k8s.io/kubectl', main: KUBECTL_MAIN },
  {
    kind: 'go',
    name: 'kubeconform',
    version: '0.8.0',
    module: 'github.com/yannh/kubeconform',
    package: 'github.com/yannh/kubeconform/cmd/kubeconform',
  },
  {
    kind: 'schemas',
    name: 'kubernetes-schemas',
    // The last number counts what is taken from them.
    version: '1.36.3-2',
    kubernetes: '1.36.3',
    prometheusOperator: '0.85.0',
  },
  debian('haproxy', 'haproxy', 'usr/sbin/haproxy'),
  debian('slowhttptest', 'slowhttptest', 'usr/bin/slowhttptest'),
  debian('redis-server', 'redis-server', 'usr/bin/redis-server'),
  debian('postgres', 'postgresql', 'usr/lib/postgresql/*/bin/postgres'),
  debian('patroni', 'patroni', 'usr/bin/patroni'),
  debian('chromium', 'chromium', 'usr/lib/chromium/chromium'),
  // promtool lies beside it.
  debian('prometheus', 'prometheus', 'usr/bin/prometheus'),
  {
    kind: 'go-source',
    name: 'raft-store',
    version: '1',
    source: 'bench/failover/raft-store',
    onRequest: true,
  },
];

/** @returns {DebianProgram} */
function debian(name, from, program) {
  return { kind: 'debian', name, version: 'debian', package: from, program };
}

/** @param {string} name */
export function toolNamed(name) {
  const tool = CATALOG.find((t) => t.name === name);
  if (tool === undefined) {
    throw new Error(`no tool is called "${name}"; there are ${CATALOG.map((t) => t.name).join(', ')}`);
  }
  return tool;
}
