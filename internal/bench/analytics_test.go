package bench

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// The goals of a run at default settings whose report takes eight and a half
// minutes, as the only one that has been measured in public did.
const (
	statusGoal = 40
	// pollGoal is the longest interval between two polls of a run, with its
	// spread of a tenth.
	pollGoal = 66 * time.Second
)

// overhead is what one run costs beyond the report itself.
type overhead struct {
	requests, status int
	late             time.Duration // from "report ready" to the first row
}

// measure runs one query on virtual time.
func measure(t testing.TB, change func(*pctest.AnalyticsBehavior)) overhead {
	t.Helper()
	srv, err := pctest.New(pctest.WithAnalyticsBehavior(change))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	}()
	c, err := analytics.New(srv.AppOnlyTokenSource(), analytics.Marketplace, srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Offer string `csv:"OfferName"`
	}
	start, ready := time.Now(), 510*time.Second
	var out overhead
	req := analytics.RunRequest{Query: "SELECT OfferName, RawUsage FROM ISVUsage"}
	rows := 0
	for _, err := range analytics.RunRows[row](t.Context(), c, req, nil) {
		if err != nil {
			t.Fatal(err)
		}
		if rows == 0 {
			out.late = time.Since(start) - ready
		}
		rows++
	}
	if rows == 0 {
		t.Fatal("no rows")
	}
	out.requests = len(srv.Requests())
	out.status = len(srv.Requests().On("GET", "*/execution/*")) + len(srv.Requests().On("GET", "*/ScheduledReport"))
	return out
}

// TestOverheadOfARun holds the number of requests, and the time that is lost, to
// their goals. Time is virtual, so nothing here depends on the machine.
func TestOverheadOfARun(t *testing.T) {
	for name, change := range map[string]func(*pctest.AnalyticsBehavior){
		"as documented":        func(*pctest.AnalyticsBehavior) {},
		"plain finds queue":    func(b *pctest.AnalyticsBehavior) { b.PlainFindsQueue = true },
		"broken status filter": func(b *pctest.AnalyticsBehavior) { b.BrokenStatusFilter = true },
	} {
		t.Run(name, func(t *testing.T) {
			var worst overhead
			for range 20 { // intervals are spread at random
				synctest.Test(t, func(t *testing.T) {
					o := measure(t, change)
					if o.status > statusGoal || o.late < 0 || o.late > pollGoal {
						t.Errorf("%d requests for the status (goal %d), first row %v after the report was ready (goal %v)", o.status, statusGoal, o.late, pollGoal)
					}
					worst = overhead{max(worst.requests, o.requests), max(worst.status, o.status), max(worst.late, o.late)}
				})
			}
			t.Logf("of 20 runs, at most %d requests, %d of them for the status, and the first row %v after the report was ready",
				worst.requests, worst.status, worst.late.Round(time.Second/10))
		})
	}
}

// BenchmarkRun is what the client and the fake compute during one run, and how many
// requests it takes when the report is ready at once. The figures for a report that
// takes its time are those of TestOverheadOfARun.
func BenchmarkRun(b *testing.B) {
	requests, n := 0, 0
	for b.Loop() {
		requests += measure(b, func(a *pctest.AnalyticsBehavior) { a.QueueTime, a.RunTime = 0, 0 }).requests
		n++
	}
	b.ReportMetric(float64(requests)/float64(n), "requests/op")
}
