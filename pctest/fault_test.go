package pctest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/pctest"
)

func TestAnswersAreReplacedAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	id := c.start(pctest.Earnings, "")
	path := "/v1.0/payouts/transactionhistory/" + id
	f := srv.Inject(pctest.Answer(503).On("GET", "/v1.0/payouts/*").At(pctest.API).Skip(1).Times(2).RetryAfter(1500*time.Millisecond).WithHeader("X-A", "1").WithHeader("X-A", "2"))
	for i, want := range []int{200, 503, 503, 200} {
		resp, body := c.do(t.Context(), http.MethodGet, path)
		if resp.StatusCode != want {
			t.Errorf("request %d: %s", i, resp.Status)
		}
		if want == 503 && (resp.Header.Get("Retry-After") != "2" || len(resp.Header.Values("X-A")) != 2 || string(body) != `{"message":"Service Unavailable","statusCode":503}`) {
			t.Errorf("request %d: %v %s", i, resp.Header, body)
		}
	}
	if f.Hits() != 2 {
		t.Errorf("%d hits", f.Hits())
	}
	if got := srv.Payouts().Exports()[0].Polls; got != 2 {
		t.Errorf("the service saw %d polls", got)
	}
	if n := len(srv.Requests().Answered(503)); n != 2 {
		t.Errorf("%d requests are recorded with the fault's status", n)
	}
	for _, q := range srv.Requests().Answered(503) {
		if !q.Fault {
			t.Error("the record does not mention the fault")
		}
	}
}

func TestRetryAfterCanBeADate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		c := newCaller(t, srv)
		srv.Inject(pctest.Answer(429).RetryAt(90 * time.Second))
		resp, _ := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/payments")
		at, err := http.ParseTime(resp.Header.Get("Retry-After"))
		if err != nil || time.Until(at) != 90*time.Second {
			t.Errorf("Retry-After %q: %v, %v", resp.Header.Get("Retry-After"), time.Until(at), err)
		}
	})
}

// Clients compare the date with their own clocks, which run at their usual speed.
func TestRetryAfterIsADateOfTheCallersClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithSpeed(3600))
		c := newCaller(t, srv)
		time.Sleep(10 * time.Minute)
		srv.Inject(pctest.Answer(429).RetryAt(90 * time.Second))
		resp, _ := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/payments")
		at, err := http.ParseTime(resp.Header.Get("Retry-After"))
		if err != nil || time.Until(at) != 90*time.Second {
			t.Errorf("Retry-After %q: %v, %v", resp.Header.Get("Retry-After"), time.Until(at), err)
		}
	})
}

func TestEveryErrorShape(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		shape pctest.ErrorShape
		want  string
		media string
	}{
		"gateway": {pctest.ShapeGateway, `{"message":"M","statusCode":418}`, "application/json; charset=utf-8"},
		"nested":  {pctest.ShapeNested, `{"error":{"code":"900421","innerError":{"code":"900421","message":"inner: M"},"message":"M","target":"payouts"}}`, "application/json; charset=utf-8"},
		"partner": {pctest.ShapePartner, `{"code":"900421","data":[],"description":"M","source":"pctest"}`, "application/json; charset=utf-8"},
		"number":  {pctest.ShapePartnerNumber, `{"code":900421,"data":[],"description":"M","source":"pctest"}`, "application/json; charset=utf-8"},
		"empty":   {pctest.ShapeEmpty, "", ""},
		"html":    {pctest.ShapeHTML, "<html>", "text/html"},
		"entra":   {pctest.ShapeEntra, `{"correlation_id":`, "application/json; charset=utf-8"},
		"xml":     {pctest.ShapeXML, "\ufeff" + `<?xml version="1.0" encoding="utf-8"?><Error><Code>900421</Code><Message>M</Message></Error>`, "application/xml"},
		"none":    {pctest.ErrorShape(99), `{"message":"M","statusCode":418}`, "application/json; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := pctest.NewServer(t)
			srv.Inject(pctest.Answer(418).Shaped(tt.shape, "900421", "M"))
			resp, body := newCaller(t, srv).do(t.Context(), http.MethodPost, "/v1.0/payouts/payments")
			if resp.StatusCode != 418 || !strings.HasPrefix(string(body), tt.want) || tt.want == "" && len(body) > 0 || resp.Header.Get("Content-Type") != tt.media {
				t.Errorf("%s, %q: %s", resp.Status, resp.Header.Get("Content-Type"), body)
			}
		})
	}
}

func TestAnyBodyCanBeAnswered(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	srv.Inject(pctest.Answer(200).Body("what?").WithHeader("Content-Type", "text/x"))
	resp, body := newCaller(t, srv).do(t.Context(), http.MethodPost, "/v1.0/payouts/payments")
	if string(body) != "what?" || resp.Header.Get("Content-Type") != "text/x" || resp.ContentLength != 5 {
		t.Errorf("%q %q %d", body, resp.Header.Get("Content-Type"), resp.ContentLength)
	}
}

func TestConnectionsAreLost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		fault   pctest.Fault
		want    error
		dial    bool
		started int
	}{
		{"refused", pctest.Refuse(), syscall.ECONNREFUSED, true, 0},
		{"reset before the work", pctest.Reset(), syscall.ECONNRESET, false, 0},
		{"reset after the work", pctest.LoseAnswer(), syscall.ECONNRESET, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := pctest.NewServer(t)
			c := newCaller(t, srv)
			srv.Inject(tt.fault)
			_, _, err := c.try(t.Context(), http.MethodPost, c.base+"/v1.0/payouts/payments", "Authorization", "Bearer "+c.token.Reveal())
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v", err)
			}
			if op, ok := errors.AsType[*net.OpError](err); !ok || (op.Op == "dial") != tt.dial {
				t.Errorf("operation %+v", op)
			}
			if n := len(srv.Payouts().Exports()); n != tt.started {
				t.Errorf("%d exports were started", n)
			}
			if q := srv.Requests(); len(q) != 1 || q[0].Status != 0 {
				t.Errorf("recorded %+v", q)
			}
		})
	}
}

func TestBodiesAreCut(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	link := c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
	srv.Inject(pctest.CutAfter(100_000).At(pctest.Blob))
	resp, body, err := c.try(t.Context(), http.MethodGet, link)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 100_000 || resp.ContentLength <= 100_000 {
		t.Errorf("%d of %d bytes, then %v", len(body), resp.ContentLength, err)
	}
	if q := srv.Requests().To(pctest.Blob); len(q) != 1 || q[0].Sent != 100_000 || !q[0].Fault {
		t.Errorf("recorded %+v", q)
	}
	if resp, body := c.download(link); resp.ContentLength != int64(len(body)) {
		t.Errorf("afterwards: %d of %d bytes", len(body), resp.ContentLength)
	}
}

func TestBodiesStall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 50}))
		c := newCaller(t, srv)
		link := c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
		start := time.Now()
		srv.Inject(pctest.StallAfter(1000).At(pctest.Blob).For(time.Minute).Delayed(3 * time.Second))
		if resp, body := c.download(link); resp.ContentLength != int64(len(body)) || time.Since(start) != 63*time.Second {
			t.Errorf("%d of %d bytes after %v", len(body), resp.ContentLength, time.Since(start))
		}
		start = time.Now()
		srv.Inject(pctest.StallAfter(1000).At(pctest.Blob))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, body, err := c.try(ctx, http.MethodGet, link)
		if !errors.Is(err, context.DeadlineExceeded) || len(body) != 1000 || time.Since(start) != time.Hour {
			t.Errorf("%d bytes after %v, then %v", len(body), time.Since(start), err)
		}
	})
}

func TestLatencyEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		c := newCaller(t, srv)
		srv.Inject(pctest.Delay(time.Hour).Always())
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, _, err := c.try(ctx, http.MethodGet, c.base+"/"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		start = time.Now()
		if resp, _, err := c.try(t.Context(), http.MethodGet, c.base+"/"); err != nil || resp.StatusCode != 404 || time.Since(start) != time.Hour {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestFaultsWaitForTheirRequests(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	never := srv.Inject(pctest.Answer(500).At(pctest.Login).Always())
	gone := srv.Inject(pctest.Answer(501).Always())
	first := srv.Inject(pctest.Answer(42)) // no such status: it becomes 500
	gone.Remove()
	second := srv.Inject(pctest.Answer(502).On("POST", "").Times(0))
	for _, want := range []int{500, 502, 202} {
		if resp, _ := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/payments"); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
	}
	if never.Hits() != 0 || gone.Hits() != 0 || first.Hits() != 1 || second.Hits() != 1 {
		t.Errorf("hits %d %d %d %d", never.Hits(), gone.Hits(), first.Hits(), second.Hits())
	}
	srv.Inject(pctest.Answer(500).Always())
	srv.ClearFaults()
	if resp, _ := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/payments"); resp.StatusCode != 202 {
		t.Errorf("cleared: %s", resp.Status)
	}
}

func TestLinksExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 5}), pctest.WithBehavior(func(b *pctest.Behavior) { b.LinkLifetime = 20 * time.Minute }))
		c := newCaller(t, srv)
		id := c.start(pctest.Earnings, "")
		status := func(link string, want int) {
			t.Helper()
			resp, body := c.download(link)
			if resp.StatusCode != want || want == 403 && !strings.Contains(string(body), "<Code>AuthenticationFailed</Code>") {
				t.Errorf("%s: %s", resp.Status, body)
			}
		}
		link := c.link(pctest.Earnings, id)
		status(link, 200)
		srv.Inject(pctest.ExpiredLink())
		status(link, 403)
		status(link, 200)
		time.Sleep(20 * time.Minute)
		status(link, 403)
		status(c.link(pctest.Earnings, id), 200)

		for _, expire := range []string{id, ""} {
			link = c.link(pctest.Earnings, id)
			if err := srv.Payouts().ExpireLinks(expire); err != nil {
				t.Fatal(err)
			}
			status(link, 403)
			status(c.link(pctest.Earnings, id), 200)
		}
		link = c.link(pctest.Earnings, id)
		status(strings.Replace(link, "sp=r", "sp=rw", 1), 403)
		status(strings.Replace(link, "exports.blob", "other.blob", 1), 200)
		status(link+"x", 403)
		path, _, _ := strings.Cut(link, "?")
		status(path, 403)
		if a, b := c.link(pctest.Earnings, id), c.link(pctest.Earnings, id); a == b {
			t.Error("two links are the same")
		}
	})
}

func TestFilesCanChangeUnderTheReader(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	id := c.start(pctest.Earnings, "")
	link := c.link(pctest.Earnings, id)
	before, _ := c.download(link)
	if err := srv.Payouts().ReplaceFile(id, []byte("changed")); err != nil {
		t.Fatal(err)
	}
	after, body := c.download(link)
	if string(body) != "changed" || before.Header.Get("ETag") == after.Header.Get("ETag") {
		t.Errorf("%q, ETag %s then %s", body, before.Header.Get("ETag"), after.Header.Get("ETag"))
	}
	if resp, _ := c.download(link, "If-Match", before.Header.Get("ETag")); resp.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("with the old tag: %s", resp.Status)
	}
	if err := srv.Payouts().ServeFile(id, func(f *pctest.FileBehavior) { f.ContentType, f.IgnoreRange = "text/csv", true }); err != nil {
		t.Fatal(err)
	}
	if resp, body := c.download(link, "Range", "bytes=2-3"); resp.StatusCode != 200 || string(body) != "changed" || resp.Header.Get("Content-Type") != "text/csv" {
		t.Errorf("%s %q", resp.Status, body)
	}
	if err := srv.Payouts().ServeFile(id, nil); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"ReplaceFile": srv.Payouts().ReplaceFile("x", nil), "ExpireLinks": srv.Payouts().ExpireLinks("x"),
		"ServeFile": srv.Payouts().ServeFile("x", nil), "Finish": srv.Payouts().Finish("x", pctest.Failed()),
	} {
		if err == nil {
			t.Errorf("%s accepts an unknown export", name)
		}
	}
	if err := srv.Payouts().Finish(id, pctest.Failed()); err != nil {
		t.Fatal(err)
	}
	if e := c.get(pctest.Earnings, id); e.Status != "Failed" {
		t.Errorf("finished as %s", e.Status)
	}
}

func TestServingOfAScriptedFile(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	srv.Payouts().NextExport(pctest.Script{File: []byte("x"), Serving: &pctest.FileBehavior{NoETag: true, NoMD5: true}})
	resp, _ := c.download(c.link(pctest.Earnings, c.start(pctest.Earnings, "")))
	if resp.Header.Get("ETag") != "" || resp.Header.Get("Content-MD5") != "" {
		t.Errorf("headers %v", resp.Header)
	}
}
