package postgresstore_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/postgresstore"
	"github.com/partnercenter-go/partnercenter/auth/storetest"
)

// urlVariable tells further processes of a test where the server is.
const urlVariable = "POSTGRESSTORE_TEST_URL"

func TestConforms(t *testing.T) {
	url, child := os.LookupEnv(urlVariable)
	if !child {
		// A level at which lost races are errors, to see that it does not matter.
		url = startServer(t, "-c", "default_transaction_isolation=serializable").url()
		t.Setenv(urlVariable, url)
	}
	pool := connect(t, url)
	table := func(place string) string {
		sum := sha256.Sum256([]byte(place))
		return "Tokens of " + hex.EncodeToString(sum[:8])
	}
	storetest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		return open(t, pool, &postgresstore.Options{Table: table(place)})
	}, &storetest.Options{
		Processes: true,
		TokenSize: 32 << 10,
		Expire: func(t *testing.T, place, key string) {
			tag, err := pool.Exec(t.Context(), "update "+pgx.Identifier{table(place) + "_lock"}.Sanitize()+" set ends_at = clock_timestamp() where key = $1", key)
			if err != nil || tag.RowsAffected() != 1 {
				t.Errorf("%v locks to expire, error %v", tag, err)
			}
		},
	})
}

// open makes a store and its tables.
func open(t *testing.T, db postgresstore.DB, opts *postgresstore.Options) *postgresstore.Store {
	t.Helper()
	s, err := postgresstore.New(db, opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateTables(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

const canary = "canary-refresh-token"

func record(token string) auth.Record {
	return auth.Record{RefreshToken: partnercenter.NewSecret(canary + token), ClientID: "c", TenantID: "t", AuthorityHost: "h"}
}

// save saves a record that nothing stands in the way of.
func save(t *testing.T, s *postgresstore.Store, key, token string, expect auth.Version) auth.Version {
	t.Helper()
	v, err := s.Save(t.Context(), key, record(token), expect)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// want checks which token is stored.
func want(t *testing.T, s *postgresstore.Store, key, token string) auth.Version {
	t.Helper()
	r, v, err := s.Load(t.Context(), key)
	if err != nil || r.RefreshToken.Reveal() != canary+token {
		t.Errorf("%q holds %q, error %v, want %q", key, strings.TrimPrefix(r.RefreshToken.Reveal(), canary), err, token)
	}
	return v
}

// careless are the settings of a server that confirms long before it writes, and whose
// own work writes nothing in between.
var careless = []string{
	"-c", "synchronous_commit=off", "-c", "wal_writer_delay=10s", "-c", "wal_writer_flush_after=1GB",
	"-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "autovacuum=off",
}

func TestRecordsSurviveACrashOfTheServer(t *testing.T) {
	srv := startServer(t, careless...)
	pool := connect(t, srv.url())
	s := open(t, pool, nil)
	var v auth.Version
	for n := range 20 {
		v = save(t, s, "contoso.example", fmt.Sprint(n), v)
		var written bool
		if err := pool.QueryRow(t.Context(), "select pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn()").Scan(&written); err != nil || !written {
			t.Fatalf("Save has returned before the record was on the disk (error %v)", err)
		}
	}
	srv.stop(os.Kill)
	pool.Reset() // the process behind an open connection notices the death a moment later
	if _, _, err := s.Load(t.Context(), "contoso.example"); err == nil || errors.Is(err, auth.ErrNoRecord) {
		t.Errorf("Load without a server: %v, want an error other than ErrNoRecord", err)
	}
	srv.start(t)
	if got := want(t, open(t, connect(t, srv.url()), nil), "contoso.example", "19"); got != v {
		t.Errorf("version %q, want %q", got, v)
	}
}

// A standby answers, but perhaps with the token before the last.
func TestStandbysAreRefused(t *testing.T) {
	srv := startServer(t)
	save(t, open(t, connect(t, srv.url()), nil), "k", "1", "")
	srv.stop(os.Interrupt)
	if err := os.WriteFile(filepath.Join(srv.dir, "standby.signal"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	srv.start(t)
	s, err := postgresstore.New(connect(t, srv.url()), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k", "nothing here"} {
		if _, v, err := s.Load(t.Context(), key); !errors.Is(err, postgresstore.ErrStandby) || v != "" {
			t.Errorf("Load of %q: version %q, error %v, want ErrStandby", key, v, err)
		}
	}
	_, lockErr := s.Lock(t.Context(), "k")
	_, saveErr := s.Save(t.Context(), "k", record("2"), "")
	for what, err := range map[string]error{"Lock": lockErr, "Save": saveErr, "CreateTables": s.CreateTables(t.Context())} {
		if err == nil || errors.Is(err, auth.ErrConflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMissingTablesAreNamed(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url())
	s, err := postgresstore.New(pool, &postgresstore.Options{Table: "finance.tokens"})
	if err != nil {
		t.Fatal(err)
	}
	_, _, loadErr := s.Load(t.Context(), "k")
	_, lockErr := s.Lock(t.Context(), "k")
	for what, err := range map[string]error{"Load": loadErr, "Lock": lockErr, "Delete": s.Delete(t.Context(), "k", "v")} {
		if err == nil || !strings.Contains(err.Error(), "call CreateTables once") || errors.Is(err, auth.ErrNoRecord) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, err := range s.Keys(t.Context()) {
		if err == nil {
			t.Error("a key from nowhere")
		}
	}
	// With the schema of a migration it works, in a schema of its own.
	if _, err := pool.Exec(t.Context(), "create schema finance;"+s.Schema()); err != nil {
		t.Fatal(err)
	}
	save(t, s, "k", "1", "")
	want(t, s, "k", "1")
	if err := s.CreateTables(t.Context()); err != nil {
		t.Errorf("CreateTables of what is there: %v", err)
	}
	want(t, s, "k", "1")
}

func TestTablesAreMadeByManyAtOnce(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url())
	for n := range 10 {
		var group sync.WaitGroup
		for range 4 {
			group.Go(func() {
				s, err := postgresstore.New(pool, &postgresstore.Options{Table: fmt.Sprintf("tokens%d", n)})
				if err == nil {
					err = s.CreateTables(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}

// Locks take no connections: with one in all, a lock can be held while the record is
// loaded and saved, and keys be listed while records are loaded.
func TestOneConnectionIsEnough(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url()+"&pool_max_conns=1")
	s := open(t, pool, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for _, key := range []string{"a", "b"} {
		lease, err := s.Lock(ctx, key)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := lease.Release(ctx); err != nil {
				t.Error(err)
			}
		}()
		save(t, s, key, "1", "")
	}
	for key, err := range s.Keys(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Load(ctx, key); err != nil {
			t.Errorf("Load while listing: %v", err)
		}
	}
}

func TestALockEndsByItself(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url())
	brief := open(t, pool, &postgresstore.Options{LeaseTime: 200 * time.Millisecond})
	before := time.Now()
	lost, err := brief.Lock(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if at := lost.Expires(); at.Before(before.Add(200*time.Millisecond)) || at.After(time.Now().Add(200*time.Millisecond)) {
		t.Errorf("locked at %v, ends at %v", before, at)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	held, err := open(t, pool, nil).Lock(ctx, "k") // waits for the end
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

// dropper is a database that loses the answer to one commit: the server has done it, and
// nobody hears of it.
type dropper struct {
	*pgxpool.Pool
	armed bool
}

func (d *dropper) BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error) {
	tx, err := d.Pool.BeginTx(ctx, opts)
	if err != nil || !d.armed {
		return tx, err
	}
	d.armed = false
	return dropped{tx}, nil
}

type dropped struct{ pgx.Tx }

func (d dropped) Commit(ctx context.Context) error {
	if err := d.Tx.Commit(ctx); err != nil {
		return err
	}
	return &net.OpError{Op: "read", Err: errors.New("connection reset")}
}

func TestALockWhoseAnswerIsLostIsGivenBack(t *testing.T) {
	srv := startServer(t)
	db := &dropper{Pool: connect(t, srv.url())}
	s := open(t, db, nil)
	db.armed = true
	if l, err := s.Lock(t.Context(), "k"); err == nil {
		t.Fatalf("the answer was not lost: %v", l)
	}
	var n int
	if err := db.Pool.QueryRow(t.Context(), "select count(*) from partnercenter_tokens_lock").Scan(&n); err != nil || n != 0 {
		t.Errorf("%d locks remain, error %v", n, err)
	}
	// A save whose answer is lost is an error, and the next Load tells that it was done.
	db.armed = true
	if _, err := s.Save(t.Context(), "k", record("1"), ""); err == nil || errors.Is(err, auth.ErrConflict) {
		t.Errorf("Save: %v", err)
	}
	want(t, s, "k", "1")
}

func TestReleaseCanBeRepeatedAfterAnError(t *testing.T) {
	srv := startServer(t)
	s := open(t, connect(t, srv.url()), nil)
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
	if l, err = s.Lock(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADamagedRecordCanBeReplaced(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url())
	s := open(t, pool, nil)
	v := save(t, s, "k", "1", "")
	if _, err := pool.Exec(t.Context(), "update partnercenter_tokens set record = $1", []byte(`{"`+canary)); err != nil {
		t.Fatal(err)
	}
	_, damaged, err := s.Load(t.Context(), "k")
	if !errors.Is(err, auth.ErrUnreadable) || damaged != v || strings.Contains(err.Error(), canary) {
		t.Errorf("Load: version %q, error %v", damaged, err)
	}
	save(t, s, "k", "2", damaged)
	want(t, s, "k", "2")
}

// The database refuses a row and quotes it in the details of its error.
func TestErrorsDoNotHoldRows(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url())
	s := open(t, pool, nil)
	if _, err := pool.Exec(t.Context(), "alter table partnercenter_tokens add check (length(version) < 3)"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Save(t.Context(), "k", record("1"), "")
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.Code != "23514" {
		t.Fatalf("Save: %v, want a check violation", err)
	}
	text := fmt.Sprintf("%v %+v %#v %+v", err, err, err, *pg)
	if strings.Contains(text, canary) || strings.Contains(text, hex.EncodeToString([]byte(canary))) || pg.Detail != "" {
		t.Errorf("the error holds the row: %s", text)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "postgres://user:"+canary+"@127.0.0.1:1/x?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	for name, c := range map[string]struct {
		db   postgresstore.DB
		opts postgresstore.Options
		says string
	}{
		"no database":     {nil, postgresstore.Options{}, "needs a database"},
		"three names":     {pool, postgresstore.Options{Table: "a.b.c"}, "neither"},
		"empty schema":    {pool, postgresstore.Options{Table: ".b"}, "1 to 58 bytes"},
		"long name":       {pool, postgresstore.Options{Table: strings.Repeat("x", 59)}, "1 to 58 bytes"},
		"short lock":      {pool, postgresstore.Options{LeaseTime: time.Millisecond}, "LeaseTime"},
		"negative lock":   {pool, postgresstore.Options{LeaseTime: -1}, "LeaseTime"},
		"longest allowed": {pool, postgresstore.Options{Table: strings.Repeat("x", 58)}, ""},
	} {
		_, err := postgresstore.New(c.db, &c.opts)
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want one that says %q", name, err, c.says)
		}
	}
	s, err := postgresstore.New(pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", s, s, s); strings.Contains(text, canary) || !strings.Contains(text, "partnercenter_tokens") {
		t.Error(text)
	}
	if _, _, err := s.Load(t.Context(), "k"); err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("Load without a server: %v", err)
	}
}

// A name is a name, whatever is in it.
func TestHostileTableNames(t *testing.T) {
	srv := startServer(t)
	pool := connect(t, srv.url())
	s := open(t, pool, &postgresstore.Options{Table: `x"; drop table y; --`})
	save(t, s, "k", "1", "")
	var keys []string
	for key, err := range s.Keys(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	if !slices.Equal(keys, []string{"k"}) {
		t.Errorf("keys %q", keys)
	}
}
