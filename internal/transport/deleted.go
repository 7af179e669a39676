package transport

import (
	"errors"
	"net/http"

	"github.com/partnercenter-go/partnercenter"
)

// DeletedEarlier reports a deletion that found nothing when it was repeated: the
// attempt before it, whose answer was lost, has done the work.
func DeletedEarlier(err error) bool {
	e, ok := errors.AsType[*partnercenter.Error](err)
	return ok && e.StatusCode == http.StatusNotFound && e.Attempts > 1
}
