package transport

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// slowWire takes a byte of the body at a time, with a pause before each and a last
// one before it answers.
type slowWire struct{ pause, last time.Duration }

func (w slowWire) RoundTrip(req *http.Request) (*http.Response, error) {
	for p := make([]byte, 1); ; {
		if err := wait(req.Context(), w.pause); err != nil {
			return nil, err
		}
		if _, err := req.Body.Read(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if err := wait(req.Context(), w.last); err != nil {
		return nil, err
	}
	return respond(http.StatusCreated, "")(req)
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestBlobTakesTheTimeThatABodyNeeds(t *testing.T) {
	for name, tc := range map[string]struct {
		wire slowWire
		ok   bool
	}{
		"long, but it gets on":      {slowWire{50 * time.Second, 50 * time.Second}, true},
		"the body stands still":     {slowWire{70 * time.Second, 0}, false},
		"the answer does not come":  {slowWire{time.Second, 70 * time.Second}, false},
		"within the time, just so":  {slowWire{time.Minute - 1, time.Minute - 1}, true},
		"as long as the time, once": {slowWire{time.Second, time.Minute + 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newClient(t, tc.wire, partnercenter.Options{
					Retry: partnercenter.RetryOptions{AttemptTimeout: time.Minute, MaxRetries: -1},
				}).Blob()
				resp, err := fetch(t, b, blobRequest(t, http.MethodPut, blobLink, strings.NewReader("0123456789")))
				if err == nil {
					_ = resp.Body.Close()
				}
				if (err == nil) != tc.ok {
					t.Errorf("error %v", err)
				}
				if !tc.ok && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v does not say that the time was over", err)
				}
				wantNoCanaries(t, err)
			})
		})
	}
}

// A transport may read the body after it has answered. That must not end the
// reading of the answer.
func TestDeadlineIsNotRevivedByAReadAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		passed := false
		d := newDeadline(time.Minute, func() { passed = true })
		p := &pulse{io.NopCloser(strings.NewReader("x")), d}
		time.Sleep(59 * time.Second)
		if !d.stop() {
			t.Error("it had not passed")
		}
		if _, err := p.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		if passed {
			t.Error("it passed after it was stopped")
		}
	})
}
