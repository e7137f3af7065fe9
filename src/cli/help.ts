export const HELP = `headroute routes each local request to the right Pod of a headless Service.

usage:
  headroute run     [--config FILE]            run the sidecar
  headroute check   [--config FILE]            validate; print every problem as FILE:LINE:COL: path: message
  headroute explain [--config FILE | --debug URL] [--json] METHOD URL [-H 'Name: value']...
                                               say which rule and Pod a request would take, and why;
                                               URL of --debug is that of a running sidecar's debug.address
  headroute schema                             print the JSON Schema of the configuration
  headroute status  [--debug URL] [--watch]    what a running sidecar knows, problems first; --debug defaults to
                                               http://127.0.0.1:9181
  headroute demo    [--pods N] [--duration 20s]
                                               an embedded DNS server, N small Pods and the sidecar, on loopback
  headroute --version | --help

--config defaults to $HEADROUTE_CONFIG, else /etc/headroute/headroute.yaml.
SIGTERM and SIGINT stop the sidecar within shutdown.timeout, a second one at once; SIGHUP reads the configuration again.
Exit status: 0 done; 1 the configuration is invalid or the sidecar could not start; 2 wrong usage;
status: 0 it serves, perhaps with warnings; 1 it does not answer; 3 it has errors, so that some requests cannot be served.
`;
