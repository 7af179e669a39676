package redisstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/partnercenter-go/partnercenter/auth"
)

// Options tunes a [Store]. The zero value, and a nil pointer, mean the defaults.
type Options struct {
	// Prefix starts every Redis key that the store uses. Stores with different
	// prefixes know nothing of each other, unless one prefix begins with the other.
	// Default "partnercenter:token:".
	Prefix string
	// LeaseTime is how long a lock lasts if nobody gives it back. It must be longer
	// than a redemption can take; a killed process holds up others for so long.
	// Default one minute, at least 10 ms.
	LeaseTime time.Duration
	// SkipDurabilityCheck leaves out the look at the server's configuration, for
	// servers that do not tell, and for those that may forget.
	SkipDurabilityCheck bool
}

const (
	defaultPrefix    = "partnercenter:token:"
	defaultLeaseTime = time.Minute
	minLeaseTime     = 10 * time.Millisecond
)

// Store is an [auth.TokenStore] that can lock, list and delete. It is safe for concurrent
// use.
type Store struct {
	client  redis.UniversalClient
	opts    Options
	durable atomic.Bool // the server has been asked and is
	load    *redis.Script
	save    *redis.Script
	remove  *redis.Script
	acquire *redis.Script
	release *redis.Script
}

// Scripts run on the primary also where a cluster client sends reads to replicas, whose
// records may be old.
const (
	loadScript = `return redis.call('HMGET', KEYS[1], 'version', 'record')`

	// The second line makes a request that go-redis has repeated, because the answer
	// was lost, end well.
	saveScript = `
local present = redis.call('HGET', KEYS[1], 'version')
if present == ARGV[2] then return 1 end
if (present or '') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'record', ARGV[3])
return 1`

	removeScript = `
if redis.call('HGET', KEYS[1], 'version') ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`

	acquireScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

	releaseScript = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`
)

// New returns a store that uses a client, which stays the caller's to close. It sends
// nothing.
func New(client redis.UniversalClient, opts *Options) (*Store, error) {
	if client == nil {
		return nil, errors.New("redisstore: New needs a client; make one with redis.NewClient")
	}
	s := &Store{
		client:  client,
		load:    redis.NewScript(loadScript),
		save:    redis.NewScript(saveScript),
		remove:  redis.NewScript(removeScript),
		acquire: redis.NewScript(acquireScript),
		release: redis.NewScript(releaseScript),
	}
	if opts != nil {
		s.opts = *opts
	}
	if s.opts.Prefix == "" {
		s.opts.Prefix = defaultPrefix
	}
	switch {
	case s.opts.LeaseTime == 0:
		s.opts.LeaseTime = defaultLeaseTime
	case s.opts.LeaseTime < minLeaseTime:
		return nil, fmt.Errorf("redisstore: Options.LeaseTime is %v; a lock must last at least %v, and longer than a redemption", s.opts.LeaseTime, minLeaseTime)
	}
	return s, nil
}

// String describes the store without its server, whose URL can hold a password.
func (s *Store) String() string { return "Redis store with prefix " + s.opts.Prefix }

// GoString describes the store as String does.
func (s *Store) GoString() string { return fmt.Sprintf("redisstore.Store(%q)", s.opts.Prefix) }

// Load implements [auth.TokenStore].
func (s *Store) Load(ctx context.Context, key string) (auth.Record, auth.Version, error) {
	if err := s.begin(ctx, key); err != nil {
		return auth.Record{}, "", err
	}
	fields, err := s.load.Run(ctx, s.client, []string{s.recordKey(key)}).Slice()
	if err != nil {
		return auth.Record{}, "", s.failed(key, "cannot load", ended(ctx, err))
	}
	if len(fields) != 2 {
		return auth.Record{}, "", s.failed(key, "cannot load", errors.New("the server's answer is not one"))
	}
	version, found := fields[0].(string)
	if !found {
		return auth.Record{}, "", s.failed(key, "load", auth.ErrNoRecord)
	}
	data, _ := fields[1].(string) // without one the record is unreadable
	r, err := auth.UnmarshalRecord([]byte(data))
	if err != nil {
		return auth.Record{}, auth.Version(version), s.failed(key, "cannot load", err)
	}
	return r, auth.Version(version), nil
}

// Save implements [auth.TokenStore].
func (s *Store) Save(ctx context.Context, key string, r auth.Record, expect auth.Version) (auth.Version, error) {
	if err := auth.ValidateKey(key); err != nil {
		return "", err
	}
	data, err := auth.MarshalRecord(r)
	if err != nil {
		return "", err
	}
	if err := s.begin(ctx, key); err != nil {
		return "", err
	}
	next := auth.NewVersion()
	done, err := s.save.Run(ctx, s.client, []string{s.recordKey(key)}, string(expect), string(next), data).Bool()
	if err != nil {
		return "", s.failed(key, "cannot save", ended(ctx, err))
	}
	if !done {
		return "", s.failed(key, "save", auth.ErrConflict)
	}
	return next, nil
}

// Delete implements [auth.Deleter]. When the answer to a deletion is lost and the client
// repeats it, the error matches [auth.ErrConflict] although the record is gone.
func (s *Store) Delete(ctx context.Context, key string, expect auth.Version) error {
	if err := s.begin(ctx, key); err != nil {
		return err
	}
	done, err := s.remove.Run(ctx, s.client, []string{s.recordKey(key)}, string(expect)).Bool()
	if err != nil {
		return s.failed(key, "cannot delete", ended(ctx, err))
	}
	if !done {
		return s.failed(key, "delete", auth.ErrConflict)
	}
	return nil
}

// scanCount is how many keys the server looks at per round trip.
const scanCount = 1000

// Keys implements [auth.Lister]. It scans the whole database, on a cluster all primaries.
func (s *Store) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		seen := map[string]bool{} // a scan may return a key more than once
		err := s.everyPrimary(ctx, func(ctx context.Context, c redis.Cmdable) ([]string, error) {
			return s.scan(ctx, c)
		}, func(key string) bool {
			if seen[key] {
				return true
			}
			seen[key] = true
			return yield(key, nil)
		})
		if err != nil {
			yield("", fmt.Errorf("redisstore: %s: cannot list the keys: %w", s, err))
		}
	}
}

// scan returns the store's keys on one server.
func (s *Store) scan(ctx context.Context, c redis.Cmdable) ([]string, error) {
	prefix := s.recordKey("")
	pattern := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + "*"
	var keys []string
	for cursor := uint64(0); ; {
		page, next, err := c.Scan(ctx, cursor, pattern, scanCount).Result()
		if err != nil {
			return nil, err
		}
		for _, name := range page {
			// Somebody else's key below our prefix is not one of ours.
			if key := strings.TrimPrefix(name, prefix); auth.ValidateKey(key) == nil {
				keys = append(keys, key)
			}
		}
		if cursor = next; cursor == 0 {
			return keys, nil
		}
	}
}

// recordKey is the Redis key of a record.
func (s *Store) recordKey(key string) string { return s.opts.Prefix + "record:" + key }

// lockKey is the Redis key of a lock.
func (s *Store) lockKey(key string) string { return s.opts.Prefix + "lock:" + key }

// begin is what every operation starts with.
func (s *Store) begin(ctx context.Context, key string) error {
	if err := auth.ValidateKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.checkDurability(ctx)
}

// ended says that an operation has failed because its context ended: a connection reports
// a deadline as a timeout of its own.
func ended(ctx context.Context, err error) error {
	deadline, ok := ctx.Deadline()
	if ok && !time.Now().Before(deadline) && errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("%w (%w)", context.DeadlineExceeded, err)
	}
	return err
}

// failed says which operation on which key has failed. Errors of go-redis do not quote
// the arguments of a command.
func (s *Store) failed(key, what string, err error) error {
	return fmt.Errorf("redisstore: %s, key %q: %s: %w", s, key, what, err)
}
