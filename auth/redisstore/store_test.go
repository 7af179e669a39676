package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/redisstore"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

// durable are the settings of a server that keeps what it confirms.
var durable = []string{"--appendonly", "yes", "--appendfsync", "always"}

// addrVariable tells further processes of a test where the server is.
const addrVariable = "REDISSTORE_TEST_ADDR"

func TestConforms(t *testing.T) {
	addr, child := os.LookupEnv(addrVariable)
	if !child {
		addr = startServer(t, durable...).addr
		t.Setenv(addrVariable, addr)
	}
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		return open(t, addr, &redisstore.Options{Prefix: place + ":"})
	}, &storetest.Options{
		Processes: true,
		TokenSize: 32 << 10,
		Expire: func(t *testing.T, place, key string) {
			if n, err := client(t, addr).Del(t.Context(), place+":lock:"+key).Result(); err != nil || n != 1 {
				t.Errorf("%d locks to expire, error %v", n, err)
			}
		},
	})
}

func open(t *testing.T, addr string, opts *redisstore.Options) *redisstore.Store {
	t.Helper()
	return over(t, client(t, addr), opts)
}

func over(t *testing.T, c redis.UniversalClient, opts *redisstore.Options) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(c, opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const canary = "canary-refresh-token"

func record(token string) auth.Record {
	return auth.Record{RefreshToken: partnercenter.NewSecret(canary + token), ClientID: "c", TenantID: "t", AuthorityHost: "h"}
}

// save saves a record that nothing stands in the way of.
func save(t *testing.T, s *redisstore.Store, key, token string, expect auth.Version) auth.Version {
	t.Helper()
	v, err := s.Save(t.Context(), key, record(token), expect)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// want checks which token is stored.
func want(t *testing.T, s *redisstore.Store, key, token string) auth.Version {
	t.Helper()
	r, v, err := s.Load(t.Context(), key)
	if err != nil || r.RefreshToken.Reveal() != canary+token {
		t.Errorf("%q holds %q, error %v, want %q", key, strings.TrimPrefix(r.RefreshToken.Reveal(), canary), err, token)
	}
	return v
}

func TestRecordsSurviveACrashOfTheServer(t *testing.T) {
	srv := startServer(t, durable...)
	s := open(t, srv.addr, nil)
	var v auth.Version
	for n := range 20 {
		v = save(t, s, "contoso.example", fmt.Sprint(n), v)
	}
	srv.kill()
	if _, _, err := s.Load(t.Context(), "contoso.example"); err == nil || errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Load without a server: %v, want an error other than ErrNoRecord", err)
	}
	if err := srv.start(t); err != nil {
		t.Fatal(err)
	}
	if got := want(t, s, "contoso.example", "19"); got != v {
		t.Errorf("version %q, want %q", got, v)
	}
}

func TestForgetfulServersAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		settings []string
		says     string
	}{
		"no append-only file": {[]string{"--appendonly", "no"}, `appendonly yes`},
		"evicts any key":      {append(slices.Clone(durable), "--maxmemory-policy", "allkeys-lru"), "allkeys-lru"},
		"evicts timed keys":   {append(slices.Clone(durable), "--maxmemory-policy", "volatile-lru"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, c.settings...)
			s := open(t, srv.addr, nil)
			_, _, loadErr := s.Load(t.Context(), "k")
			_, saveErr := s.Save(t.Context(), "k", record("1"), "")
			_, lockErr := s.Lock(t.Context(), "k")
			deleteErr := s.Delete(t.Context(), "k", "v")
			for what, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Lock": lockErr, "Delete": deleteErr} {
				if refused := errors.Is(err, redisstore.ErrNotDurable); refused != (c.says != "") || refused && !strings.Contains(err.Error(), c.says) {
					t.Errorf("%s: %v, want one that says %q", what, err, c.says)
				}
			}
			if c.says == "" {
				return
			}
			if n, err := client(t, srv.addr).DBSize(t.Context()).Result(); err != nil || n != 0 {
				t.Errorf("%d keys have been written all the same, error %v", n, err)
			}
			save(t, open(t, srv.addr, &redisstore.Options{SkipDurabilityCheck: true}), "k", "1", "")
		})
	}
}

func TestAServerThatDoesNotTellIsRefused(t *testing.T) {
	srv := startServer(t, durable...)
	if err := client(t, srv.addr).Do(t.Context(), "ACL", "SETUSER", "shy", "on", "nopass", "~*", "+@all", "-info").Err(); err != nil {
		t.Fatal(err)
	}
	shy := redis.NewClient(&redis.Options{Addr: srv.addr, Username: "shy", Password: "x"})
	defer func() { _ = shy.Close() }()
	_, _, err := over(t, shy, nil).Load(t.Context(), "k")
	if err == nil || !strings.Contains(err.Error(), "allow the command INFO") {
		t.Errorf("Load: %v", err)
	}
	save(t, over(t, shy, &redisstore.Options{SkipDurabilityCheck: true}), "k", "1", "")
}

// A server that is down when the program starts is asked again.
func TestDurabilityIsAskedUntilItIsKnown(t *testing.T) {
	srv := startServer(t, durable...)
	s := open(t, srv.addr, nil)
	srv.kill()
	if _, _, err := s.Load(t.Context(), "k"); err == nil || errors.Is(err, auth.ErrNoRecord) || errors.Is(err, redisstore.ErrNotDurable) {
		t.Errorf("without a server: %v", err)
	}
	if err := srv.start(t); err != nil {
		t.Fatal(err)
	}
	save(t, s, "k", "1", "")
}

func TestALockEndsByItself(t *testing.T) {
	srv := startServer(t, durable...)
	brief := open(t, srv.addr, &redisstore.Options{LeaseTime: 100 * time.Millisecond})
	before := time.Now()
	lost, err := brief.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if at := lost.Expires(); at.Before(before.Add(100*time.Millisecond)) || at.After(time.Now().Add(100*time.Millisecond)) {
		t.Errorf("locked at %v, ends at %v", before, at)
	}
	other := open(t, srv.addr, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	held, err := other.Lock(ctx, "k") // waits for the end
	if err != nil {
		t.Fatal(err)
	}
	if err := lost.Release(t.Context()); !errors.Is(err, auth.ErrLeaseLost) {
		t.Errorf("Release of the ended lock: %v", err)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Errorf("Release: %v", err)
	}
}

// A server that does not answer holds nobody up for longer than the context allows, and the
// error says so.
func TestAServerThatIsSilentIsLeftInTime(t *testing.T) {
	var lc net.ListenConfig
	silent, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	c := redis.NewClient(&redis.Options{
		Addr: silent.Addr().String(), ContextTimeoutEnabled: true, ReadTimeout: time.Hour, WriteTimeout: time.Hour, MaxRetries: -1,
	})
	defer func() { _ = c.Close() }()
	for name, opts := range map[string]*redisstore.Options{"checking": nil, "not checking": {SkipDurabilityCheck: true}} {
		s := over(t, c, opts)
		for what, call := range map[string]func(context.Context) error{
			"Load":   func(ctx context.Context) error { _, _, err := s.Load(ctx, "k"); return err },
			"Save":   func(ctx context.Context) error { _, err := s.Save(ctx, "k", record("1"), ""); return err },
			"Delete": func(ctx context.Context) error { return s.Delete(ctx, "k", "v") },
			"Lock":   func(ctx context.Context) error { _, err := s.Lock(ctx, "k"); return err },
		} {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, %s: %v, want context.DeadlineExceeded", name, what, err)
			}
			cancel()
		}
	}
}

func TestNewRefusesALockThatIsTooShort(t *testing.T) {
	c := redis.NewClient(&redis.Options{})
	defer func() { _ = c.Close() }()
	for _, d := range []time.Duration{-1, time.Millisecond} {
		if _, err := redisstore.New(c, &redisstore.Options{LeaseTime: d}); err == nil || !strings.Contains(err.Error(), "LeaseTime") {
			t.Errorf("%v: %v", d, err)
		}
	}
	if _, err := redisstore.New(nil, nil); err == nil {
		t.Error("no client: no error")
	}
}

// cutter is a connection that loses the answer to the next command that holds a word:
// the server has done it, and nobody hears of it.
type cutter struct {
	net.Conn
	word *atomic.Pointer[string]
	cut  bool
}

func (c *cutter) Write(p []byte) (int, error) {
	if w := c.word.Load(); w != nil && strings.Contains(string(p), *w) {
		c.cut = true
		c.word.Store(nil)
	}
	return c.Conn.Write(p)
}

func (c *cutter) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.cut && n > 0 {
		_ = c.Close()
		return 0, io.EOF
	}
	return n, err
}

// cutting connects to a server through cutters. Store a word to lose the answer to the
// command that holds it.
func cutting(t *testing.T, addr string, retries int) (*redis.Client, *atomic.Pointer[string]) {
	t.Helper()
	word := new(atomic.Pointer[string])
	c := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: retries, Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &cutter{Conn: conn, word: word}, err
	}})
	t.Cleanup(func() { _ = c.Close() })
	return c, word
}

func TestASaveWhoseAnswerIsLostSucceeds(t *testing.T) {
	srv := startServer(t, durable...)
	c, word := cutting(t, srv.addr, 3)
	s := over(t, c, nil)
	v := save(t, s, "k", "1", "")
	word.Store(new(canary + "2"))
	v2 := save(t, s, "k", "2", v)
	if word.Load() != nil {
		t.Fatal("nothing was cut")
	}
	if got := want(t, s, "k", "2"); got != v2 {
		t.Errorf("version %q, want %q", got, v2)
	}
}

func TestALockWhoseAnswerIsLostIsGivenBack(t *testing.T) {
	srv := startServer(t, durable...)
	c, word := cutting(t, srv.addr, -1)
	s := over(t, c, nil)
	lease, err := s.Lock(t.Context(), "other") // the scripts are known to the server now
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	word.Store(new(":lock:k"))
	if l, err := s.Lock(t.Context(), "k"); err == nil {
		t.Fatalf("the answer was not lost: %v", l)
	}
	if n, err := client(t, srv.addr).Exists(t.Context(), "partnercenter:token:lock:k").Result(); err != nil || n != 0 {
		t.Errorf("%d locks remain, error %v", n, err)
	}
}

func TestReleaseCanBeRepeatedAfterAnError(t *testing.T) {
	srv := startServer(t, durable...)
	s := open(t, srv.addr, nil)
	l, err := s.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Release(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Release with an ended context: %v", err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Errorf("second Release: %v", err)
	}
	if n, err := client(t, srv.addr).Exists(t.Context(), "partnercenter:token:lock:k").Result(); err != nil || n != 0 {
		t.Errorf("%d locks remain, error %v", n, err)
	}
}

func TestADamagedRecordCanBeReplaced(t *testing.T) {
	srv := startServer(t, durable...)
	s, c := open(t, srv.addr, nil), client(t, srv.addr)
	v := save(t, s, "k", "1", "")
	if err := c.HSet(t.Context(), "partnercenter:token:record:k", "record", `{"`+canary).Err(); err != nil {
		t.Fatal(err)
	}
	_, damaged, err := s.Load(t.Context(), "k")
	if !errors.Is(err, auth.ErrUnreadable) || damaged != v || strings.Contains(err.Error(), canary) {
		t.Errorf("Load: version %q, error %v", damaged, err)
	}
	save(t, s, "k", "2", damaged)
	want(t, s, "k", "2")

	if err := c.Set(t.Context(), "partnercenter:token:record:foreign", "x", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Load(t.Context(), "foreign"); err == nil || errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("a key of another type: %v", err)
	}
	if _, err := s.Save(t.Context(), "foreign", record("1"), ""); err == nil {
		t.Error("a key of another type was overwritten")
	}
}

// A prefix with characters that mean something in a pattern is only a prefix.
func TestKeysOfOtherPrefixesAreNotListed(t *testing.T) {
	srv := startServer(t, durable...)
	for prefix, foreign := range map[string]string{"1*:": "1xy:", "2?:": "2x:", "3[x]:": "3x:", `4\x:`: "4x:", `5\:`: `5:`} {
		mine, other := open(t, srv.addr, &redisstore.Options{Prefix: prefix}), open(t, srv.addr, &redisstore.Options{Prefix: foreign})
		save(t, mine, "mine", "1", "")
		save(t, other, "other", "2", "")
		if err := client(t, srv.addr).Set(t.Context(), prefix+"record:not\nours", "x", 0).Err(); err != nil {
			t.Fatal(err)
		}
		var keys []string
		for key, err := range mine.Keys(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
		if !slices.Equal(keys, []string{"mine"}) {
			t.Errorf("prefix %q: keys %q", prefix, keys)
		}
	}
}

func TestDurabilityIsAskedOnce(t *testing.T) {
	srv := startServer(t, durable...)
	s := open(t, srv.addr, nil)
	save(t, s, "k", "1", "")
	for range 10 {
		want(t, s, "k", "1")
	}
	stats, err := client(t, srv.addr).Info(t.Context(), "commandstats").Result()
	if err != nil || !strings.Contains(stats, "cmdstat_info:calls=2,") {
		t.Errorf("error %v, statistics %s", err, stats)
	}
}

func TestListingSaysWhenTheServerIsGone(t *testing.T) {
	srv := startServer(t, durable...)
	s := open(t, srv.addr, nil)
	save(t, s, "k", "1", "")
	srv.kill()
	n := 0
	for _, err := range s.Keys(t.Context()) {
		if n++; err == nil {
			t.Error("a key from nowhere")
		}
	}
	if n != 1 {
		t.Errorf("%d items, want one error", n)
	}
}

func TestClusters(t *testing.T) {
	srv := startServer(t, append(slices.Clone(durable), "--cluster-enabled", "yes")...)
	if err := client(t, srv.addr).ClusterAddSlotsRange(t.Context(), 0, 16383).Err(); err != nil {
		t.Fatal(err)
	}
	c := redis.NewClusterClient(&redis.ClusterOptions{Addrs: []string{srv.addr}, ReadOnly: true})
	defer func() { _ = c.Close() }()
	ring := redis.NewRing(&redis.RingOptions{Addrs: map[string]string{"one": startServer(t, durable...).addr, "two": startServer(t, durable...).addr}})
	defer func() { _ = ring.Close() }()
	for name, c := range map[string]redis.UniversalClient{"cluster": c, "ring": ring} {
		t.Run(name, func(t *testing.T) {
			s := over(t, c, nil)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			// A new cluster needs a moment.
			err := auth.AwaitLock(ctx, func(ctx context.Context) (bool, error) {
				_, _, err := s.Load(ctx, "k")
				return errors.Is(err, auth.ErrNoRecord), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			keys := []string{"a", "{b}c", "d}{", "e", "f", "g", "h"}
			for _, key := range keys {
				v := save(t, s, key, "1", "")
				save(t, s, key, key, v)
				want(t, s, key, key)
				l, err := s.Lock(ctx, key)
				if err != nil {
					t.Fatal(err)
				}
				if err := l.Release(ctx); err != nil {
					t.Error(err)
				}
			}
			var listed []string
			for key, err := range s.Keys(ctx) {
				if err != nil {
					t.Fatal(err)
				}
				listed = append(listed, key)
			}
			slices.Sort(listed)
			slices.Sort(keys)
			if !slices.Equal(listed, keys) {
				t.Errorf("keys %q, want %q", listed, keys)
			}
		})
	}
}

func TestPrintedStoreShowsNoPassword(t *testing.T) {
	c := redis.NewClient(&redis.Options{Password: canary})
	defer func() { _ = c.Close() }()
	s := over(t, c, nil)
	if text := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(text, canary) || !strings.Contains(text, "partnercenter:token:") {
		t.Error(text)
	}
}
