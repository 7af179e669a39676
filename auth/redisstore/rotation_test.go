package redisstore_test

import (
	"os"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/internal/rotationtest"
	"github.com/partnercenter-go/partnercenter/auth/redisstore"
)

// Many processes share one refresh token in Redis, and are killed while they do.
func TestRefreshTokensSurviveProcesses(t *testing.T) {
	addr, child := os.LookupEnv(addrVariable)
	if !child {
		addr = startServer(t, durable...).addr
		t.Setenv(addrVariable, addr)
	}
	rotationtest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		return open(t, addr, &redisstore.Options{Prefix: place + ":"})
	}, &rotationtest.Options{
		Kills: 60,
		AfterKill: func(t *testing.T, place, key string) {
			// There is no lock when the process was killed between two redemptions.
			if err := client(t, addr).Del(t.Context(), place+":lock:"+key).Err(); err != nil {
				t.Error(err)
			}
		},
	})
}
