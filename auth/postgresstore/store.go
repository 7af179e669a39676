package postgresstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/partnercenter-go/partnercenter/auth"
)

// DB is what a [Store] needs of a database. A *pgxpool.Pool has it. A *pgx.Conn has it
// too, but is not safe for concurrent use, and then neither is the store.
type DB interface {
	BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Options tunes a [Store]. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Table is the table of the records, with or without a schema before a dot. Locks
	// are in a table whose name has "_lock" appended. Default "partnercenter_tokens".
	Table string
	// LeaseTime is how long a lock lasts if nobody gives it back. It must be longer
	// than a redemption can take; a killed process holds up others for so long.
	// Default one minute, at least 10 ms.
	LeaseTime time.Duration
}

const (
	defaultTable     = "partnercenter_tokens"
	lockSuffix       = "_lock"
	maxName          = 63 - len(lockSuffix) // PostgreSQL cuts longer names off without a word
	defaultLeaseTime = time.Minute
	minLeaseTime     = 10 * time.Millisecond
)

// Store is an [auth.TokenStore] that can lock, list and delete. It is safe for concurrent
// use if its database is.
type Store struct {
	db        DB
	table     string
	leaseTime time.Duration
	sql       statements
}

// ErrStandby says that the database is a standby, whose records can be old.
var ErrStandby = errors.New("the database is a standby; connect to the primary, for example with target_session_attrs=read-write")

// New returns a store that uses a database, which stays the caller's to close. It sends
// nothing.
func New(db DB, opts *Options) (*Store, error) {
	if db == nil {
		return nil, errors.New("postgresstore: New needs a database; make one with pgxpool.New")
	}
	var o Options
	if opts != nil {
		o = *opts
	}
	if o.Table == "" {
		o.Table = defaultTable
	}
	switch {
	case o.LeaseTime == 0:
		o.LeaseTime = defaultLeaseTime
	case o.LeaseTime < minLeaseTime:
		return nil, fmt.Errorf("postgresstore: Options.LeaseTime is %v; a lock must last at least %v, and longer than a redemption", o.LeaseTime, minLeaseTime)
	}
	name := pgx.Identifier(strings.Split(o.Table, "."))
	if len(name) > 2 {
		return nil, fmt.Errorf("postgresstore: Options.Table %q is neither a table nor a schema and a table", o.Table)
	}
	for _, part := range name {
		if part == "" || len(part) > maxName || strings.ContainsRune(part, 0) {
			return nil, fmt.Errorf("postgresstore: Options.Table %q: names must have 1 to %d bytes", o.Table, maxName)
		}
	}
	return &Store{db: db, table: o.Table, leaseTime: o.LeaseTime, sql: newStatements(name)}, nil
}

// String describes the store without its database, whose URL can hold a password.
func (s *Store) String() string { return "PostgreSQL store in table " + s.table }

// GoString describes the store as String does.
func (s *Store) GoString() string { return fmt.Sprintf("postgresstore.Store(%q)", s.table) }

// Load implements [auth.TokenStore]. The error matches [ErrStandby] on a standby.
func (s *Store) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	if err := begin(ctx, key); err != nil {
		return auth.Record{}, "", err
	}
	var standby bool
	var version *string
	var data []byte
	if err := s.db.QueryRow(ctx, s.sql.load, key).Scan(&standby, &version, &data); err != nil {
		return auth.Record{}, "", s.failed(key, "cannot load", err)
	}
	switch {
	case standby:
		return auth.Record{}, "", s.failed(key, "cannot load", ErrStandby)
	case version == nil:
		return auth.Record{}, "", s.failed(key, "load", auth.ErrNoRecord)
	}
	r, err := auth.UnmarshalRecord(data)
	if err != nil {
		return auth.Record{}, auth.Version(*version), s.failed(key, "cannot load", err)
	}
	return r, auth.Version(*version), nil
}

// Save implements [auth.TokenStore].
func (s *Store) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	data, err := auth.MarshalRecord(r)
	if err != nil {
		return "", err
	}
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	next := auth.NewVersion()
	var saved bool
	if expect == "" {
		saved, err = s.change(ctx, s.sql.create, key, string(next), data)
	} else {
		saved, err = s.change(ctx, s.sql.update, key, string(next), data, string(expect))
	}
	if err != nil {
		return "", s.failed(key, "cannot save", err)
	}
	if !saved {
		return "", s.failed(key, "save", auth.ErrConflict)
	}
	return next, nil
}

// Delete implements [auth.Deleter].
func (s *Store) Delete(ctx context.Context, key string, expect auth.Version) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	deleted, err := s.change(ctx, s.sql.remove, key, string(expect))
	if err != nil {
		return s.failed(key, "cannot delete", err)
	}
	if !deleted {
		return s.failed(key, "delete", auth.ErrConflict)
	}
	return nil
}

// Keys implements [auth.Lister].
func (s *Store) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		// All at once: whoever loads a record for every key must not wait for the
		// connection that lists them.
		rows, err := s.db.Query(ctx, s.sql.keys)
		var keys []string
		if err == nil {
			keys, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
		if err != nil {
			yield("", fmt.Errorf("postgresstore: %s: cannot list the keys: %w", s, err))
		}
	}
}

// CreateTables makes the tables of [Store.Schema] if they are missing. Any number of
// processes may call it at once.
func (s *Store) CreateTables(ctx context.Context) error {
	err := pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{}, func(tx pgx.Tx) error {
		// Two "create table if not exists" at once can both try, and one then fails.
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(hashtextextended($1, 0))", "partnercenter:"+s.table); err != nil {
			return err
		}
		for _, statement := range s.sql.schema {
			if _, err := tx.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("postgresstore: %s: cannot create the tables: %w", s, err)
	}
	return nil
}

// Schema returns the statements that create the tables, for migrations. A program that
// does not create them needs select, insert, update and delete on both.
func (s *Store) Schema() string { return strings.Join(s.sql.schema, ";\n") + ";\n" }

// change runs a statement and reports whether it has found a row.
func (s *Store) change(ctx context.Context, statement string, args ...any) (bool, error) {
	var found bool
	// The level is named because a conflict is an error, and not "no row", at those
	// that a database may have as its default.
	err := pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, durableCommit); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, statement, args...)
		found = tag.RowsAffected() > 0
		return err
	})
	return found, err
}

// begin is what every operation starts with.
func begin(ctx context.Context, key string) error {
	if err := auth.ValidateKey(key); err != nil {
		return err
	}
	return ctx.Err()
}

// sqlstateNoTable is what PostgreSQL answers when a table is missing.
const sqlstateNoTable = "42P01"

// failed says which operation on which key has failed. Errors of pgx quote the statement
// at most, not its arguments.
func (s *Store) failed(key, what string, err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		if pg.Code == sqlstateNoTable {
			what += " (call CreateTables once)"
		}
		// Detail and Where can hold values; the error text does not, but who prints
		// the whole value would see them.
		bare := *pg
		bare.Detail, bare.Where, bare.InternalQuery = "", "", ""
		err = &bare
	}
	return fmt.Errorf("postgresstore: %s, key %q: %s: %w", s, key, what, err)
}
