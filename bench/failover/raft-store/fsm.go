package main

import (
	"encoding/gob"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"
)

// counts says how often each id was applied: an acknowledged write that is there once is neither lost nor doubled.
type counts struct {
	mu sync.Mutex
	of map[string]int
}

func newCounts() *counts { return &counts{of: map[string]int{}} }

func (c *counts) Apply(entry *raft.Log) any {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[string(entry.Data)]++
	return nil
}

// dump writes a line "id count" for each id with the prefix.
func (c *counts) dump(out io.Writer, prefix string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, n := range c.of {
		if len(id) >= len(prefix) && id[:len(prefix)] == prefix {
			fmt.Fprintln(out, id, n)
		}
	}
}

func (c *counts) Snapshot() (raft.FSMSnapshot, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	copied := make(map[string]int, len(c.of))
	for id, n := range c.of {
		copied[id] = n
	}
	return snapshot(copied), nil
}

func (c *counts) Restore(from io.ReadCloser) error {
	defer from.Close()
	restored := map[string]int{}
	if err := gob.NewDecoder(from).Decode(&restored); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of = restored
	return nil
}

type snapshot map[string]int

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if err := gob.NewEncoder(sink).Encode(map[string]int(s)); err != nil {
		sink.Cancel()
		return err
	}
	return sink.Close()
}

func (s snapshot) Release() {}
