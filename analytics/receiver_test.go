package analytics_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

const pathSecret = "unguessable-path-secret"

// inbox collects what is delivered.
type inbox struct {
	mu   sync.Mutex
	runs []string
	fail func(analytics.Execution) error
}

func (i *inbox) deliver(_ context.Context, x analytics.Execution) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fail != nil {
		if err := i.fail(x); err != nil {
			return err
		}
	}
	if x.Location.IsZero() {
		return errors.New("a run without a link")
	}
	i.runs = append(i.runs, x.ID)
	return nil
}

func (i *inbox) got() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.runs)
}

// receiving runs a receiver until the returned function is called.
func receiving(t *testing.T, c *analytics.Client, deliver func(context.Context, analytics.Execution) error, o analytics.ReceiverOptions) (r *analytics.Receiver, stop func() error) {
	t.Helper()
	if o.Secret.IsZero() {
		o.Secret = partnercenter.NewSecret(pathSecret)
	}
	r, err := analytics.NewReceiver(c, deliver, &o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return r, func() error { cancel(); return <-done }
}

// ring is the service's call; it returns the status.
func ring(r http.Handler, method, target, body string) int {
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body)))
	return w.Code
}

// Every way in which the service, or a URL registered in an odd form, has been seen
// to join the id, and what must not get through.
func TestReceiverReadsEveryForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tc := range []struct {
			method, target string
			want           int
		}{
			{"POST", "/" + pathSecret + "/%s", 200},
			{"POST", "/hooks/pc/" + pathSecret + "/%s", 200},
			{"POST", "/" + pathSecret + "//%s", 200},
			{"POST", "/" + pathSecret + "/%s/", 200},
			{"POST", "/" + pathSecret + "?/%s", 200},
			{"POST", "/" + pathSecret + "/?/%s", 200},
			{"GET", "/" + pathSecret + "?reportId=%s", 200},
			{"GET", "/" + pathSecret + "/?reportId=%s", 200},
			{"GET", "/" + pathSecret + "?ReportID=%s", 200},
			{"GET", "/" + pathSecret + "??reportId=%s", 200},
			{"GET", "/" + pathSecret + "?/?reportId=%s", 200},
			{"POST", "/" + pathSecret + "?reportId=%s&x=1", 200},
			{"GET", "/" + pathSecret + "/%s", 200},

			{"POST", "/%s", 404},
			{"POST", "/wrong/%s", 404},
			{"POST", "/" + pathSecret[1:] + "/%s", 404},
			{"POST", "/" + pathSecret + "x/%s", 404},
			{"POST", "/?secret=" + pathSecret + "&reportId=%s", 404},
			{"PUT", "/" + pathSecret + "/%s", 405},
			{"DELETE", "/wrong/%s", 404},
			{"POST", "/" + pathSecret, 400},
			{"POST", "/" + pathSecret + "/?x=1", 400},
			{"POST", "/" + pathSecret + "/a/b", 400},
			{"POST", "/" + pathSecret + "/..%%2f..%%2fx", 400},
			{"GET", "/" + pathSecret + "?reportId=", 400},
			{"GET", "/" + pathSecret + "?reportId=a;b", 400},
			{"GET", "/" + pathSecret + "?%%zz", 400},
			{"POST", "/" + pathSecret + "/" + strings.Repeat("x", 129), 400},
		} {
			s, c, r := started(t, func(*service) {})
			time.Sleep(s.generation)
			var in inbox
			receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{})
			target := strings.ReplaceAll(strings.ReplaceAll(tc.target, "%s", r.ID), "%%", "%")
			if got := ring(receiver, tc.method, target, ""); got != tc.want {
				t.Errorf("%s %s: status %d, want %d", tc.method, target, got, tc.want)
			}
			synctest.Wait()
			if got := len(in.got()); (got == 1) != (tc.want == 200) {
				t.Errorf("%s %s: %d runs delivered", tc.method, target, got)
			}
			if err := stop(); err != nil {
				t.Errorf("%s %s: %v", tc.method, target, err)
			}
		}
	})
}

func TestReceiverLimitsBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(*service) {})
		time.Sleep(s.generation)
		var in inbox
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{MaxBody: 10})
		for body, want := range map[string]int{"": 200, "{}": 200, "0123456789": 200, "0123456789a": 413} {
			if got := ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, body); got != want {
				t.Errorf("%d bytes: status %d, want %d", len(body), got, want)
			}
		}
		req := httptest.NewRequestWithContext(t.Context(), "POST", "/"+pathSecret+"/"+r.ID, io.MultiReader(strings.NewReader("x"), broken{}))
		w := httptest.NewRecorder()
		if receiver.ServeHTTP(w, req); w.Code != 400 {
			t.Errorf("a body that breaks off: status %d", w.Code)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection lost") }

// Calls that say the same, several times and at once, deliver a run once; the next
// file is delivered as well; and nothing that was there long before.
func TestReceiverDeliversEveryRunOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 30)
		time.Sleep(7*time.Hour + 48*time.Hour)                                                     // three files are there
		in := inbox{fail: func(analytics.Execution) error { time.Sleep(time.Second); return nil }} // calls come meanwhile
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{Workers: 4, PollInterval: -1})
		target := "/" + pathSecret + "/" + r.ID
		if got := ring(receiver, "POST", target, ""); got != 200 {
			t.Errorf("status %d", got)
		}
		synctest.Wait() // the run is being delivered
		var calls sync.WaitGroup
		for range 49 {
			calls.Go(func() {
				if got := ring(receiver, "POST", target, ""); got != 200 {
					t.Errorf("status %d", got)
				}
			})
		}
		calls.Wait()
		time.Sleep(2 * time.Second)
		if diff := cmp.Diff([]string{r.ID + "-run-2"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if n := len(s.log()); n != 2 { // one, and one more after the last call
			t.Errorf("%d requests for calls that say the same", n)
		}
		ring(receiver, "POST", target, "") // again, for the same file
		time.Sleep(48 * time.Hour)         // two calls are lost
		ring(receiver, "POST", strings.ToUpper(target[:len(target)-len(r.ID)])+r.ID, "")
		ring(receiver, "POST", target, "")
		time.Sleep(time.Hour)
		if diff := cmp.Diff([]string{r.ID + "-run-2", r.ID + "-run-3", r.ID + "-run-4"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A call may come before the API knows of the file.
func TestReceiverWaitsForTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := started(t, func(s *service) { s.generation = 90 * time.Second })
		var in inbox
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{PollInterval: -1})
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		time.Sleep(10 * time.Minute)
		if got := in.got(); len(got) != 1 {
			t.Errorf("delivered %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A caller cannot make the receiver believe anything: it asks the service.
func TestReceiverDoesNotTrustItsCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, _ := started(t, func(*service) {})
		time.Sleep(s.generation)
		var in inbox
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{PollInterval: time.Minute})
		if got := ring(receiver, "POST", "/"+pathSecret+"/no-such-report", `{"reportAccessSecureLink":"https://evil.example"}`); got != 200 {
			t.Errorf("status %d", got)
		}
		time.Sleep(time.Hour)
		if got := in.got(); len(got) != 0 {
			t.Errorf("delivered %v", got)
		}
		if n := len(s.log()); n != 5 { // four looks and a question; it is not watched from now on
			t.Errorf("%d requests for a report that does not exist", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Calls are lost: the reports are looked at from time to time.
func TestReceiverPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := scheduledReport(t, 30)
		var in inbox
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{Reports: []string{" " + r.ID}})
		receiver.Watch("not-there-yet")
		time.Sleep(54*time.Hour + 20*time.Minute) // the third file is there, and not yet found
		if diff := cmp.Diff([]string{r.ID + "-run-0", r.ID + "-run-1"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		time.Sleep(time.Hour)
		if got := in.got(); len(got) != 3 {
			t.Errorf("delivered %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// Reports that run once are deleted when they have been fetched. They must not be
// asked for until the end of time, nor take the room of calls in the queue.
func TestReceiverForgetsReportsThatAreGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(*service) {})
		time.Sleep(s.generation)
		var in inbox
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{PollInterval: time.Hour})
		receiver.Watch("not-there-yet")
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		time.Sleep(90 * time.Minute)
		if got := in.got(); len(got) != 1 {
			t.Errorf("delivered %v", got)
		}
		change := func(f func()) { s.mu.Lock(); defer s.mu.Unlock(); f() }
		change(func() { s.textless = true }) // answers of a gateway say nothing about a report
		if _, err := c.DeleteReport(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		change(func() { s.textless = false })
		time.Sleep(2 * time.Hour)
		s.log()
		time.Sleep(time.Hour)
		for _, request := range s.log() {
			if strings.Contains(request, r.ID) {
				t.Errorf("a report that does not exist any more is asked for: %s", request)
			}
		}
		// What is watched on purpose stays so.
		change(func() {
			s.generation = 0
			s.reports = append(s.reports, &report{id: "not-there-yet", name: "x", status: "Inactive", now: true, start: time.Now(), created: time.Now(), interval: -1, count: 1})
		})
		time.Sleep(2 * time.Hour)
		if diff := cmp.Diff([]string{r.ID + "-run-0", "not-there-yet-run-0"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// memo is a store that outlives the receiver.
type memo struct {
	mu   sync.Mutex
	runs map[string]bool
	err  error
}

func (m *memo) Seen(_ context.Context, x analytics.Execution) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.runs[x.ID], m.err
}

func (m *memo) MarkSeen(_ context.Context, x analytics.Execution) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.runs[x.ID] = true
	return nil
}

func TestReceiverCatchesUpAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := scheduledReport(t, 30)
		seen := &memo{runs: map[string]bool{}}
		o := analytics.ReceiverOptions{Reports: []string{r.ID}, Seen: seen, Since: time.Now()}
		var in inbox
		_, stop := receiving(t, c, in.deliver, o)
		time.Sleep(31 * time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
		time.Sleep(72 * time.Hour) // it is down for three files
		_, stop = receiving(t, c, in.deliver, o)
		synctest.Wait()
		if got := in.got(); len(got) != 5 || len(slices.Compact(got)) != 5 {
			t.Errorf("delivered %v, want five runs once each", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A delivery that fails is tried again until it succeeds, and nothing behind it is
// delivered before.
func TestReceiverTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := scheduledReport(t, 30)
		time.Sleep(31 * time.Hour)
		failures := 5
		in := inbox{fail: func(analytics.Execution) error {
			if failures > 0 {
				failures--
				return errors.New("the database is down")
			}
			return nil
		}}
		var reported []string
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{
			PollInterval: -1, Since: time.Unix(0, 0), OnError: func(id string, err error) { reported = append(reported, id+": "+err.Error()) },
		})
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		time.Sleep(2 * time.Hour)
		if diff := cmp.Diff([]string{r.ID + "-run-0", r.ID + "-run-1"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if len(reported) != 5 || !strings.Contains(reported[0], "the database is down") || !strings.HasPrefix(reported[0], r.ID) {
			t.Errorf("reported %q", reported)
		}
		// The API is down for hours.
		broken := true
		s.fail = func(*http.Request) *http.Response {
			if broken {
				return answer(http.StatusServiceUnavailable, "")
			}
			return nil
		}
		time.Sleep(time.Until(r.Start.Add(49 * time.Hour)))
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		time.Sleep(5 * time.Hour)
		s.mu.Lock()
		broken = false
		s.mu.Unlock()
		time.Sleep(11 * time.Minute)
		if got := in.got(); len(got) != 3 {
			t.Errorf("delivered %v", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The queue is full, and says so; what was accepted is delivered.
func TestReceiverPushesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		c := s.client(t, analytics.Marketplace)
		q, err := c.CreateQuery(t.Context(), analytics.QueryRequest{Name: "n", Text: usageQuery})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range 5 {
			r, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: fmt.Sprint(i), QueryID: q.ID, ExecuteNow: true})
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.ID)
		}
		time.Sleep(s.generation)
		ch := make(chan analytics.Execution)
		receiver, stop := receiving(t, c, analytics.ToChannel(ch), analytics.ReceiverOptions{Queue: 3, Workers: 2})
		var status []int
		for _, id := range ids {
			status = append(status, ring(receiver, "POST", "/"+pathSecret+"/"+id, ""))
			synctest.Wait()
		}
		if diff := cmp.Diff([]int{200, 200, 200, 503, 503}, status); diff != "" {
			t.Errorf("statuses (-want +got):\n%s", diff)
		}
		w := httptest.NewRecorder()
		receiver.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/"+pathSecret+"/"+ids[4], nil))
		if w.Code != 503 || w.Header().Get("Retry-After") == "" {
			t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
		}
		if got := ring(receiver, "POST", "/"+pathSecret+"/"+ids[0], ""); got != 200 { // it is in the queue
			t.Errorf("status %d", got)
		}
		got := map[string]bool{}
		for range 3 {
			got[(<-ch).ReportID] = true
		}
		synctest.Wait()
		if !got[ids[0]] || !got[ids[1]] || !got[ids[2]] {
			t.Errorf("delivered %v", got)
		}
		if got := ring(receiver, "POST", "/"+pathSecret+"/"+ids[4], ""); got != 200 {
			t.Errorf("there is room again: status %d", got)
		}
		if x := <-ch; x.ReportID != ids[4] {
			t.Errorf("delivered %+v", x)
		}
		// The first report was called for again while it was delivered: that second
		// look has found nothing, which an orderly stop waits for.
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestReceiverStopsInOrder(t *testing.T) {
	for name, tc := range map[string]struct {
		slow, drain time.Duration
		want        int
		left        bool
	}{
		"in time":       {10 * time.Second, 0, 2, false},
		"not in time":   {10 * time.Second, 15 * time.Second, 1, true},
		"not even once": {time.Hour, 15 * time.Second, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, c, r := started(t, func(*service) {})
				second, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "second", QueryID: "query-1", ExecuteNow: true})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(s.generation)
				var in inbox
				receiver, stop := receiving(t, c, func(ctx context.Context, x analytics.Execution) error {
					select {
					case <-time.After(tc.slow):
						return in.deliver(ctx, x)
					case <-ctx.Done():
						return ctx.Err()
					}
				}, analytics.ReceiverOptions{DrainTimeout: tc.drain})
				ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
				ring(receiver, "POST", "/"+pathSecret+"/"+second.ID, "")
				synctest.Wait()
				stopped := make(chan error, 1)
				go func() { stopped <- stop() }()
				synctest.Wait()
				if got := ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, ""); got != 503 {
					t.Errorf("a call while stopping: status %d", got)
				}
				err = <-stopped
				left, ok := errors.AsType[*analytics.UndeliveredError](err)
				if got := len(in.got()); got != tc.want || ok != tc.left || (err == nil) == tc.left {
					t.Errorf("%d delivered, error %v", got, err)
				}
				if ok && (len(left.Reports) != 2-tc.want || !strings.Contains(err.Error(), second.ID)) {
					t.Errorf("left %v", left.Reports)
				}
			})
		})
	}
}

// What waits for another try gets a last one, at once.
func TestReceiverTriesOnceMoreWhenStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(*service) {})
		time.Sleep(s.generation)
		failing := true
		in := inbox{fail: func(analytics.Execution) error {
			if failing {
				return errors.New("not now")
			}
			return nil
		}}
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{PollInterval: -1})
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		synctest.Wait()
		in.mu.Lock()
		failing = false
		in.mu.Unlock()
		begin := time.Now()
		if err := stop(); err != nil || len(in.got()) != 1 || time.Since(begin) != 0 {
			t.Errorf("after %v: %v, delivered %v", time.Since(begin), err, in.got())
		}

		failing = true
		receiver, stop = receiving(t, c, in.deliver, analytics.ReceiverOptions{PollInterval: -1, Workers: 3})
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		synctest.Wait()
		if err := stop(); err == nil {
			t.Error("a call that was accepted is forgotten")
		}
	})
}

func TestReceiverStoreErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, r := started(t, func(*service) {})
		time.Sleep(s.generation)
		seen := &memo{runs: map[string]bool{}, err: errors.New("store down")}
		var in inbox
		var reported []error
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{Seen: seen, OnError: func(_ string, err error) { reported = append(reported, err) }})
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		synctest.Wait()
		if len(in.got()) != 0 || len(reported) != 1 || !errors.Is(reported[0], seen.err) {
			t.Errorf("delivered %v, reported %v", in.got(), reported)
		}
		seen.mu.Lock()
		seen.err = nil
		seen.mu.Unlock()
		time.Sleep(time.Minute)
		if len(in.got()) != 1 {
			t.Errorf("delivered %v", in.got())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestReceiverURL(t *testing.T) {
	c := newService().client(t, analytics.Marketplace)
	ignore := func(context.Context, analytics.Execution) error { return nil }
	r, err := analytics.NewReceiver(c, ignore, &analytics.ReceiverOptions{Secret: partnercenter.NewSecret(pathSecret)})
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"https://hooks.example.com/pc", "https://hooks.example.com/pc/"} {
		u, err := r.URL(base)
		if err != nil || u.Reveal() != "https://hooks.example.com/pc/"+pathSecret {
			t.Errorf("%s: %q, %v", base, u.Reveal(), err)
		}
		if text := fmt.Sprint(u); strings.Contains(text, pathSecret) {
			t.Errorf("the URL prints: %s", text)
		}
	}
	for _, base := range []string{"", "hooks.example.com", "ftp://x", "https://x/?a=b", "https://x/#a", "://"} {
		if _, err := r.URL(base); err == nil {
			t.Errorf("%q: no error", base)
		}
	}
	// Without a secret of one's own there is a fresh one.
	secrets := map[string]bool{}
	for range 2 {
		r, err := analytics.NewReceiver(c, ignore, nil)
		if err != nil {
			t.Fatal(err)
		}
		u, err := r.URL("https://x.example")
		if err != nil || len(u.Reveal()) < len("https://x.example/")+43 {
			t.Errorf("%q, %v", u.Reveal(), err)
		}
		secrets[u.Reveal()] = true
	}
	if len(secrets) != 2 {
		t.Error("two receivers share a secret")
	}
}

func TestNewReceiverChecksItsArguments(t *testing.T) {
	c := newService().client(t, analytics.Marketplace)
	ignore := func(context.Context, analytics.Execution) error { return nil }
	for name, make := range map[string]func() (*analytics.Receiver, error){
		"client":   func() (*analytics.Receiver, error) { return analytics.NewReceiver(nil, ignore, nil) },
		"function": func() (*analytics.Receiver, error) { return analytics.NewReceiver(c, nil, nil) },
		"short secret": func() (*analytics.Receiver, error) {
			return analytics.NewReceiver(c, ignore, &analytics.ReceiverOptions{Secret: partnercenter.NewSecret("short")})
		},
		"secret with a slash": func() (*analytics.Receiver, error) {
			return analytics.NewReceiver(c, ignore, &analytics.ReceiverOptions{Secret: partnercenter.NewSecret("0123456789/0123456789")})
		},
		"report": func() (*analytics.Receiver, error) {
			return analytics.NewReceiver(c, ignore, &analytics.ReceiverOptions{Reports: []string{"a/b"}})
		},
		"queue": func() (*analytics.Receiver, error) {
			return analytics.NewReceiver(c, ignore, &analytics.ReceiverOptions{Queue: -1})
		},
	} {
		if _, err := make(); err == nil || !strings.HasPrefix(err.Error(), "analytics: receiver: ") || strings.Contains(err.Error(), "0123456789") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReceiverRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var in inbox
		r, stop := receiving(t, newService().client(t, analytics.Marketplace), in.deliver, analytics.ReceiverOptions{})
		synctest.Wait()
		if err := r.Run(t.Context()); err == nil {
			t.Error("running twice is no error")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestToChannelEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := analytics.ToChannel(make(chan analytics.Execution))(ctx, analytics.Execution{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// Several workers work at the same time, also when several calls come at once, and
// all of them stop.
func TestReceiverWorkersShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c, first := started(t, func(*service) {})
		second, err := c.CreateReport(t.Context(), analytics.ReportRequest{Name: "second", QueryID: "query-1", ExecuteNow: true})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(s.generation)
		for range 50 {
			var both sync.WaitGroup
			both.Add(2)
			receiver, stop := receiving(t, c, func(context.Context, analytics.Execution) error {
				both.Done()
				both.Wait() // until the other one is being delivered
				time.Sleep(10 * time.Second)
				return nil
			}, analytics.ReceiverOptions{Workers: 4, PollInterval: -1})
			synctest.Wait()
			begin := time.Now()
			ring(receiver, "POST", "/"+pathSecret+"/"+first.ID, "")
			ring(receiver, "POST", "/"+pathSecret+"/"+second.ID, "")
			both.Wait()
			if err := stop(); err != nil || time.Since(begin) != 10*time.Second {
				t.Fatalf("stopped after %v: %v", time.Since(begin), err)
			}
		}
	})
}

// A report that had no file when it was looked at first has all of its files
// delivered, however many there are when it is looked at again.
func TestReceiverDeliversAllFilesOfANewReport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := scheduledReport(t, 30)
		var in inbox
		_, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{Reports: []string{r.ID}, PollInterval: 80 * time.Hour})
		time.Sleep(81 * time.Hour)
		if diff := cmp.Diff([]string{r.ID + "-run-0", r.ID + "-run-1", r.ID + "-run-2", r.ID + "-run-3"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A call that comes long before the service lists the file is not forgotten.
func TestReceiverRemembersEarlyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, c, r := scheduledReport(t, 30)
		var in inbox
		receiver, stop := receiving(t, c, in.deliver, analytics.ReceiverOptions{})
		time.Sleep(5 * time.Hour)
		ring(receiver, "POST", "/"+pathSecret+"/"+r.ID, "")
		ring(receiver, "POST", "/"+pathSecret+"/no-such-report", "")
		time.Sleep(3 * time.Hour)
		if diff := cmp.Diff([]string{r.ID + "-run-0"}, in.got()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
