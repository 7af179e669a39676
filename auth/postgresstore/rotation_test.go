package postgresstore_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/internal/rotationtest"
	"github.com/partnercenter-go/partnercenter/auth/postgresstore"
)

// Many processes share one refresh token in PostgreSQL, and are killed while they do.
func TestRefreshTokensSurviveProcesses(t *testing.T) {
	url, child := os.LookupEnv(urlVariable)
	if !child {
		url = startServer(t).url()
		t.Setenv(urlVariable, url)
	}
	pool := connect(t, url)
	table := func(place string) string {
		sum := sha256.Sum256([]byte(place))
		return "rotation_" + hex.EncodeToString(sum[:8])
	}
	rotationtest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		return open(t, pool, &postgresstore.Options{Table: table(place)})
	}, &rotationtest.Options{
		Kills: 60,
		AfterKill: func(t *testing.T, place, key string) {
			if _, err := pool.Exec(t.Context(), "update "+pgx.Identifier{table(place) + "_lock"}.Sanitize()+" set ends_at = clock_timestamp() where key = $1", key); err != nil {
				t.Error(err)
			}
		},
	})
}
