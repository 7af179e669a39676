package analytics

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Signals do not add up, so that a worker that has been woken wakes the next one
// when there is more to do.
func TestOneSignalWakesAsManyWorkersAsNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := roundTrip(func(req *http.Request) (*http.Response, error) {
			id := req.URL.Path[strings.LastIndex(req.URL.Path, "/")+1:]
			body := fmt.Sprintf(`{"value":[{"executionId":"run-%s","executionStatus":"Completed","reportAccessSecureLink":"https://x.example/f","reportGeneratedTime":"2000-01-01T00:00:00Z"}]}`, id)
			return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), ContentLength: -1}, nil
		})
		source := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
			return partnercenter.Token{Value: partnercenter.NewSecret("token")}, nil
		})
		c, err := New(source, Marketplace, &partnercenter.Options{Transport: api})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		all.Add(3)
		r, err := NewReceiver(c, func(context.Context, Execution) error { all.Done(); all.Wait(); return nil }, &ReceiverOptions{Workers: 3, PollInterval: -1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- r.Run(ctx) }()
		synctest.Wait() // all workers sleep
		begin := time.Now()
		r.mu.Lock()
		for i := range 3 {
			id := fmt.Sprint("report-", i)
			r.tasks[id] = &task{id: id, due: time.Now(), called: true}
		}
		r.mu.Unlock()
		r.signal()
		all.Wait()
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("the last worker began after %v", waited)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
