package transport_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transport"
)

func TestDeletedEarlier(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want bool
	}{
		"repeated and not found": {fmt.Errorf("x: %w", &partnercenter.Error{StatusCode: http.StatusNotFound, Attempts: 2}), true},
		"not found at once":      {&partnercenter.Error{StatusCode: http.StatusNotFound, Attempts: 1}, false},
		"repeated and refused":   {&partnercenter.Error{StatusCode: http.StatusConflict, Attempts: 2}, false},
		"another error":          {io.EOF, false},
		"none":                   {nil, false},
	} {
		if got := transport.DeletedEarlier(tc.err); got != tc.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAnswerError(t *testing.T) {
	err := fmt.Errorf("x: %w", &transport.AnswerError{Err: io.ErrUnexpectedEOF})
	e, ok := errors.AsType[*transport.AnswerError](err)
	if !ok || !e.Temporary() || !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "x: unexpected EOF" {
		t.Errorf("%v", err)
	}
}
