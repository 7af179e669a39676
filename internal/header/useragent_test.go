package header

import (
	"runtime"
	"strings"
	"testing"
)

func TestUserAgentNamesTheCallerFirst(t *testing.T) {
	if got := UserAgent("ledger/2.1"); !strings.HasPrefix(got, "ledger/2.1 partnercenter-go/") || !strings.Contains(got, runtime.Version()) {
		t.Errorf("got %q", got)
	}
	if got := UserAgent(""); !strings.HasPrefix(got, "partnercenter-go/") {
		t.Errorf("got %q", got)
	}
}
