package auth

import (
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"
)

func tenantKey(n int) key { return key{tenant: fmt.Sprintf("tenant-%d", n)} }

// generations makes entries and counts the maps that were built for them.
func generations(m *entryMap, n int) (built int) {
	last := m.settled.Load()
	for i := range n {
		m.entry(tenantKey(i), 0)
		if now := m.settled.Load(); now != last {
			built, last = built+1, now
		}
	}
	return built
}

// A service with thousands of tenants meets them one after the other, and each map that is
// built costs as much as there are tenants.
func TestWorkOfManyEntriesGrowsAsTheyDo(t *testing.T) {
	for _, n := range []int{100, 1000, 5000} {
		var m entryMap
		m.init(n + 1)
		if built := generations(&m, n); built > 20 {
			t.Errorf("%d entries: %d maps were built, want as many as it takes to double one", n, built)
		}
	}
	// More requests under way than there may be entries: none can go, and that must not
	// be found out again with each new one.
	var m entryMap
	m.init(400)
	if built := generations(&m, 4000); built > 4000/50+20 {
		t.Errorf("%d maps were built for 4000 entries of which none may go", built)
	}
}

func TestEntriesAreFoundAndSettle(t *testing.T) {
	var m entryMap
	m.init(10_000)
	const n = 3000
	made := make([]*entry, n)
	for i := range made {
		made[i] = m.entry(tenantKey(i), 0)
	}
	for i, e := range made {
		if m.find(tenantKey(i)) != e || m.entry(tenantKey(i), 0) != e {
			t.Fatalf("entry %d is not found", i)
		}
	}
	if m.find(tenantKey(n)) != nil {
		t.Error("an entry that nobody has made")
	}
	for range n {
		m.find(tenantKey(n - 1))
	}
	if len(m.recent) > 0 || len(*m.settled.Load()) != n {
		t.Errorf("%d entries have settled and %d have not, after as many calls", len(*m.settled.Load()), len(m.recent))
	}
	m.clear()
	if m.find(tenantKey(0)) != nil {
		t.Error("an entry is left")
	}
}

// Callers with the same need must meet in one entry, whichever map it is in.
func TestConcurrentCallersMeetInOneEntry(t *testing.T) {
	var m entryMap
	m.init(10_000)
	const callers, keys = 8, 500
	var got [callers]map[key]*entry
	var group sync.WaitGroup
	for c := range callers {
		got[c] = map[key]*entry{}
		group.Go(func() {
			for i := range keys {
				k := tenantKey((i*7 + c) % keys)
				e := m.find(k)
				if e == nil {
					e = m.entry(k, time.Duration(i))
				}
				got[c][k] = e
			}
		})
	}
	group.Wait()
	for c := range callers {
		if !maps.Equal(got[c], got[0]) {
			t.Fatalf("callers 0 and %d have different entries", c)
		}
	}
}
