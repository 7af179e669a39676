package auth_test

import (
	"path/filepath"
	"strings"
	"testing"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
)

func BenchmarkFileStore(b *testing.B) {
	s, err := auth.NewFileStore(filepath.Join(b.TempDir(), "tokens"), nil)
	if err != nil {
		b.Fatal(err)
	}
	benchmarkStore(b, s)
}

func BenchmarkMemoryStore(b *testing.B) { benchmarkStore(b, auth.NewMemoryStore()) }

// benchmarkStore measures what a redemption pays, with a token of the usual length.
func benchmarkStore(b *testing.B, s auth.TokenStore) {
	b.Helper()
	ctx := b.Context()
	r := storeRecord("")
	r.RefreshToken = pc.NewSecret(strings.Repeat("x", 1800))
	v, err := s.Save(ctx, "k", r, "")
	if err != nil {
		b.Fatal(err)
	}
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, _, err := s.Load(ctx, "k"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("save", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if v, err = s.Save(ctx, "k", r, v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("lock", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			l, err := auth.LockKey(ctx, s, "k")
			if err != nil {
				b.Fatal(err)
			}
			if err := l.Release(ctx); err != nil {
				b.Fatal(err)
			}
		}
	})
}
