package transport

import (
	"errors"
	"log/slog"

	"github.com/partnercenter-go/partnercenter"
)

// DeletedEarlier reports a deletion that found nothing when it was repeated: an
// attempt before it, whose answer was lost or told nothing, has done the work.
// Attempts that surely did none, such as one with an expired token, do not count.
func DeletedEarlier(err error) bool {
	_, ok := errors.AsType[*deletedError](err)
	return ok
}

// deletedError marks the 404 of such a deletion.
type deletedError struct{ err *partnercenter.Error }

func (e *deletedError) Error() string        { return e.err.Error() }
func (e *deletedError) Unwrap() error        { return e.err }
func (e *deletedError) LogValue() slog.Value { return e.err.LogValue() }
