package auth

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// tidyPause is how often, at most, expired tokens are looked for. Looking costs as much as
// there are tokens, so it must not come with every new one.
const tidyPause = time.Minute

// entryMap holds the entries of a source. Nearly all calls find theirs in settled and take
// no lock. New entries wait in recent until making a new settled map is worth it, which is
// when they have been asked for as often as there are settled ones: so the work of n
// entries grows like n, and the map settles by itself.
type entryMap struct {
	limit   int
	settled atomic.Pointer[map[key]*entry] // replaced, never written to

	mu     sync.Mutex // guards what follows, and replacing settled
	recent map[key]*entry
	asked  int           // how often recent has been used since settled was made
	tidyAt time.Duration // the next look for expired tokens
	fullAt int           // the number of entries at which some must go
}

func (m *entryMap) init(limit int) {
	m.limit = limit
	m.clear()
}

// clear forgets all entries.
func (m *entryMap) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settled.Store(&map[key]*entry{})
	m.recent, m.asked, m.tidyAt, m.fullAt = map[key]*entry{}, 0, tidyPause, m.limit
}

// find returns the entry of a key, nil if there is none.
func (m *entryMap) find(k key) *entry {
	if e := (*m.settled.Load())[k]; e != nil {
		return e
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.recent[k]
	if e == nil {
		return (*m.settled.Load())[k] // it may have settled meanwhile
	}
	if m.asked++; m.asked >= len(*m.settled.Load()) {
		m.settle(m.all())
	}
	return e
}

// entry finds or makes the entry of a key; now is the time since the start of the source.
func (m *entryMap) entry(k key, now time.Duration) *entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.recent[k]; e != nil {
		return e
	}
	settled := *m.settled.Load()
	if e := settled[k]; e != nil {
		return e
	}
	m.asked++
	e := &entry{key: k}
	full := len(settled)+len(m.recent) >= m.fullAt
	if !full && m.asked < len(settled) && now < m.tidyAt {
		m.recent[k] = e
		return e
	}
	all := m.all()
	if full || now >= m.tidyAt {
		prune(all, now, m.limit)
		// Entries that are being fetched stay, and then there is nothing to gain by
		// trying again with the next one.
		m.tidyAt, m.fullAt = now+tidyPause, max(m.limit, len(all)+max(m.limit/8, 1))
	}
	all[k] = e
	m.settle(all)
	return e
}

// all returns a new map of all entries.
func (m *entryMap) all() map[key]*entry {
	settled := *m.settled.Load()
	all := make(map[key]*entry, len(settled)+len(m.recent)+1)
	maps.Copy(all, settled)
	maps.Copy(all, m.recent)
	return all
}

// settle makes a map the settled one.
func (m *entryMap) settle(all map[key]*entry) {
	m.settled.Store(&all)
	clear(m.recent)
	m.asked = 0
}

// prune removes expired tokens and then, if there are still as many as allowed, an eighth
// of them: those of claims challenges first, which no one asks for twice, then the ones
// that expire first. A caller that holds a removed entry may fetch a token that nobody
// else finds; that costs one request.
func prune(entries map[key]*entry, now time.Duration, limit int) {
	for k, e := range entries {
		if e.stale(now) {
			delete(entries, k)
		}
	}
	if len(entries) < limit {
		return
	}
	type candidate struct {
		key     key
		expires time.Duration
	}
	candidates := make([]candidate, 0, len(entries))
	for k, e := range entries {
		if h := e.current.Load(); h != nil { // others are being fetched right now
			candidates = append(candidates, candidate{k, h.expires})
		}
	}
	slices.SortFunc(candidates, func(a, b candidate) int {
		if (a.key.claims == "") != (b.key.claims == "") {
			return cmp.Compare(b.key.claims, a.key.claims)
		}
		return cmp.Compare(a.expires, b.expires)
	})
	for _, c := range candidates[:min(len(candidates), len(entries)-limit+max(limit/8, 1))] {
		delete(entries, c.key)
	}
}
