// raft-store is a store of ids over HTTP for the benchmark of failovers: what rqlite and its like are to a proxy, and no more.
//
//	POST /write/ID   applies the id once; 421 where this node does not lead, 500 where the outcome is unknown
//	GET  /leader     200 where a quorum confirms that this node leads, else 503; both with the term
//	GET  /ids/PREFIX how often each id was applied, as this node knows it
//	GET  /healthz    200
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/hashicorp/raft"
)

func main() {
	id := flag.String("id", "", "name of this node")
	listen := flag.String("http", "", "host:port for clients")
	dir := flag.String("dir", "", "folder for the log")
	peers := flag.String("peers", "", "id=host:port,... of all nodes")
	flag.Parse()
	if err := os.MkdirAll(*dir, 0o755); err != nil {
		log.Fatal(err)
	}
	ids := newCounts()
	node, err := startNode(*id, *dir, *peers, ids)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(*listen, handler(*id, node, ids)))
}

func handler(id string, node *raft.Raft, ids *counts) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /write/{id}", func(w http.ResponseWriter, r *http.Request) {
		// Who served it: the benchmark tells the new leader's acknowledgements from the old one's.
		w.Header().Set("X-Node", id)
		status, why := write(node, r.PathValue("id"))
		w.WriteHeader(status)
		fmt.Fprintln(w, why)
	})
	mux.HandleFunc("GET /leader", func(w http.ResponseWriter, _ *http.Request) {
		leads := node.State() == raft.Leader && node.VerifyLeader().Error() == nil
		w.Header().Set("Content-Type", "application/json")
		if !leads {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprintf(w, `{"node":%q,"leads":%t,"term":%d}`, id, leads, node.CurrentTerm())
	})
	mux.HandleFunc("GET /ids/{prefix}", func(w http.ResponseWriter, r *http.Request) {
		ids.dump(w, r.PathValue("prefix"))
	})
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func write(node *raft.Raft, id string) (int, string) {
	err := node.Apply([]byte(id), 5*time.Second).Error()
	switch {
	case err == nil:
		return http.StatusOK, "applied"
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return http.StatusMisdirectedRequest, err.Error()
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return http.StatusServiceUnavailable, err.Error()
	default:
		// Leadership was lost while it was on its way: it may be applied yet.
		return http.StatusInternalServerError, err.Error()
	}
}
