package transfer

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if link := os.Getenv(childLink); link != "" {
		os.Exit(downloadUntilKilled(link))
	}
	if file := os.Getenv(childUpload); file != "" {
		os.Exit(uploadUntilKilled(file))
	}
	goleak.VerifyTestMain(m)
}
