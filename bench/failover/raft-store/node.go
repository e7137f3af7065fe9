package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	boltdb "github.com/hashicorp/raft-boltdb/v2"
)

// A leader is given up after a second of silence, and an election is tried for a second: what many stores over this library use.
const patience = time.Second

// startNode joins the cluster; peers is "id=host:port,...", the same on every node, itself among them.
func startNode(id, dir, peers string, machine raft.FSM) (*raft.Raft, error) {
	config := raft.DefaultConfig()
	config.LocalID = raft.ServerID(id)
	config.HeartbeatTimeout = patience
	config.ElectionTimeout = patience
	config.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Error, Output: os.Stderr})

	var servers []raft.Server
	own := ""
	for _, peer := range strings.Split(peers, ",") {
		name, address, _ := strings.Cut(peer, "=")
		servers = append(servers, raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(address)})
		if name == id {
			own = address
		}
	}
	transport, err := raft.NewTCPTransport(own, nil, 3, time.Second, io.Discard)
	if err != nil {
		return nil, err
	}
	// NoSync: a killed process loses nothing that the kernel has, and a slow disk would elect leaders of its own accord.
	log, err := boltdb.New(boltdb.Options{Path: filepath.Join(dir, "raft.db"), NoSync: true})
	if err != nil {
		return nil, err
	}
	snapshots, err := raft.NewFileSnapshotStore(dir, 1, io.Discard)
	if err != nil {
		return nil, err
	}
	known, err := raft.HasExistingState(log, log, snapshots)
	if err != nil {
		return nil, err
	}
	if !known {
		cluster := raft.Configuration{Servers: servers}
		if err := raft.BootstrapCluster(config, log, log, snapshots, transport, cluster); err != nil {
			return nil, err
		}
	}
	return raft.NewRaft(config, machine, log, log, snapshots, transport)
}
