package transport_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/partnercenter-go/partnercenter/internal/transport"
)

func TestAnswerError(t *testing.T) {
	err := fmt.Errorf("x: %w", &transport.AnswerError{Err: io.ErrUnexpectedEOF})
	e, ok := errors.AsType[*transport.AnswerError](err)
	if !ok || !e.Temporary() || !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "x: unexpected EOF" {
		t.Errorf("%v", err)
	}
}
