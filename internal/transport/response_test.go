package transport

import (
	"net/http"
	"testing"
	"time"
)

func TestResponseTellsWhenToAskAgain(t *testing.T) {
	r := &Response{Header: http.Header{"Retry-After": {"12"}}}
	if got := r.RetryAfter(); got != 12*time.Second {
		t.Errorf("got %v", got)
	}
	if got := (&Response{}).RetryAfter(); got != 0 {
		t.Errorf("got %v without the header", got)
	}
}
