package auth_test

import (
	"bytes"
	"log/slog"
	"sync"

	"github.com/partnercenter-go/partnercenter/auth"
)

// logging adds a logger to options. The function returns what has been logged.
func logging(opts *auth.Options) (*auth.Options, func() string) {
	var mu sync.Mutex
	var logged bytes.Buffer
	out := *opts
	out.Logger = slog.New(slog.NewTextHandler(lockedWriter{&mu, &logged}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	return &out, func() string {
		mu.Lock()
		defer mu.Unlock()
		return logged.String()
	}
}
