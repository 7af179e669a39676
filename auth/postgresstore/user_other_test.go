//go:build !unix

package postgresstore_test

import (
	"os/exec"
	"testing"
)

// asServer does nothing: PostgreSQL refuses only Unix's root.
func asServer(*testing.T, *exec.Cmd, string) {}
