package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"

	"github.com/partnercenter-go/partnercenter"
)

// A deletion that finds nothing has succeeded if an earlier attempt of it may have. It
// has not if all that came before is known to have done nothing: then the id is wrong,
// and whoever gave it must hear of that.
func TestDeletedEarlier(t *testing.T) {
	gone := respond(http.StatusNotFound, "")
	for name, tc := range map[string]struct {
		method string
		steps  []step
		want   bool
	}{
		"the answer was lost":             {steps: []step{fail(io.ErrUnexpectedEOF), gone}, want: true},
		"the service failed":              {steps: []step{respond(500, ""), gone}, want: true},
		"a gateway gave up":               {steps: []step{respond(504, ""), gone}, want: true},
		"lost first, then throttled":      {steps: []step{fail(io.ErrUnexpectedEOF), respond(429, ""), gone}, want: true},
		"not found at once":               {steps: []step{gone}},
		"throttled":                       {steps: []step{respond(429, ""), gone}},
		"asked to come again":             {steps: []step{respond(503, "", "Retry-After", "0"), gone}},
		"never sent":                      {steps: []step{fail(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}), gone}},
		"the token had expired":           {steps: []step{respond(401, ""), gone}},
		"lost, and refused":               {steps: []step{fail(io.ErrUnexpectedEOF), respond(409, "")}},
		"lost, and done":                  {steps: []step{fail(io.ErrUnexpectedEOF), respond(204, "")}},
		"lost, and the token had expired": {steps: []step{fail(io.ErrUnexpectedEOF), respond(401, ""), gone}, want: true},
		"no deletion":                     {method: http.MethodGet, steps: []step{fail(io.ErrUnexpectedEOF), gone}},
	} {
		t.Run(name, func(t *testing.T) {
			source := &issuer{}
			c := newClient(t, script(tc.steps...), partnercenter.Options{Retry: quick}, source)
			r := Request{Method: http.MethodDelete, Path: "/things/1"}
			if tc.method != "" {
				r.Method = tc.method
			}
			_, err := c.Do(t.Context(), r)
			if got := DeletedEarlier(fmt.Errorf("x: %w", err)); got != tc.want {
				t.Errorf("got %t for %v", got, err)
			}
			if !tc.want {
				return
			}
			e := wantError(t, err, http.StatusNotFound)
			if !errors.Is(err, partnercenter.ErrNotFound) || err.Error() != e.Error() {
				t.Errorf("the mark changes the error: %v", err)
			}
		})
	}
}
