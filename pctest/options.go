package pctest

import (
	"crypto/rsa"
	"net/http"
	"slices"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Option sets up a [Server].
type Option interface{ apply(*config) }

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

type config struct {
	seed          uint64
	data          Data
	behavior      Behavior
	reportData    ReportData
	analytics     AnalyticsBehavior
	ingestion     IngestionBehavior
	callbacks     http.RoundTripper
	tokenLifetime time.Duration
	tempDir       string
	inMemory      int
	kept          int64 // bytes of files in memory; 0 is the store's default
	snapshot      []byte
	speed         float64

	stateDir         string
	tokenKey         *rsa.PrivateKey // the rest is read from the directory
	linkKey          []byte
	secret, password partnercenter.Secret
}

// WithSeed varies the ids that the server hands out: those of exports, of the
// tenant and of the application depend on the seed and their order alone. The
// default seed is 1. The data has a seed of its own, [Data.Seed].
func WithSeed(seed uint64) Option { return optionFunc(func(c *config) { c.seed = seed }) }

// WithData describes the earnings and payments that exports are made of.
func WithData(d Data) Option { return optionFunc(func(c *config) { c.data = d }) }

// WithBehavior changes how the service behaves; change is given the defaults.
func WithBehavior(change func(*Behavior)) Option {
	return optionFunc(func(c *config) {
		if change != nil {
			change(&c.behavior)
		}
	})
}

// WithTokenLifetime sets how long access tokens live. Default 3599 s.
func WithTokenLifetime(d time.Duration) Option {
	return optionFunc(func(c *config) { c.tokenLifetime = d })
}

// WithSpeed lets the server's time run so many times as fast as the real one: at 1440,
// an export that takes a day is done in a minute. Tokens and links keep to the real
// time, on which their users count. Whoever has to name a time to come, as the start
// of a report, should take the server's from the Date header of its answers.
func WithSpeed(times float64) Option { return optionFunc(func(c *config) { c.speed = times }) }

// WithTempDir sets the directory for large files. Default: the system's.
func WithTempDir(dir string) Option { return optionFunc(func(c *config) { c.tempDir = dir }) }

// WithMemoryLimit sets the size in bytes up to which the file of an export is kept
// in memory; larger ones are made on disk. Default 8 MiB. A server keeps 128 MiB of files
// in memory and 8 GiB on disk; beyond that, those that nobody has read for longest go, and
// are made again, the same to the byte, when their links are used.
func WithMemoryLimit(bytes int) Option {
	return optionFunc(func(c *config) { c.inMemory = max(bytes, 1) })
}

// WithSnapshot continues where another server was when [Server.Snapshot] wrote it
// down, possibly in another process. Nil means from the start.
func WithSnapshot(snapshot []byte) Option {
	return optionFunc(func(c *config) { c.snapshot = slices.Clone(snapshot) })
}
