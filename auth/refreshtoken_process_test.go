package auth_test

import (
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/auth/internal/rotationtest"
)

// Many processes share one refresh token in a file, and are killed while they do.
func TestRefreshTokenInAFileSurvivesProcesses(t *testing.T) {
	rotationtest.Run(t, func(t *testing.T, place string) auth.TokenStore {
		t.Helper()
		store, err := auth.NewFileStore(place, nil)
		if err != nil {
			t.Fatal(err)
		}
		return store
	}, nil)
}
