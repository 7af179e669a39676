package pctest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter/pctest"
)

func TestListenersServeTheSame(t *testing.T) {
	t.Parallel()
	for name, listen := range map[string]func(*pctest.Server) (*pctest.Loopback, error){
		"https": (*pctest.Server).Listen, "http": (*pctest.Server).ListenPlain,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := pctest.NewServer(t)
			lo, err := listen(srv)
			if err != nil {
				t.Fatal(err)
			}
			hosts := make(map[string]bool)
			for _, raw := range []string{lo.LoginURL, lo.APIURL, lo.BlobURL} {
				u, err := url.Parse(raw)
				if err != nil || u.Scheme != name || u.Path != "" {
					t.Errorf("%s: %v", raw, err)
				}
				hosts[u.Host] = true
			}
			if len(hosts) != 3 || (lo.CertPool != nil) != (name == "https") {
				t.Errorf("%d hosts, pool %v", len(hosts), lo.CertPool != nil)
			}
			if o := lo.Options(); o.Endpoint != lo.APIURL || o.Transport != lo.Transport() {
				t.Errorf("options %+v", o)
			}
			c := newCaller(t, srv)
			c.http, c.base = lo.Client(), lo.APIURL
			resp, body := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/transactionhistory")
			id := decode(t, body).RequestID
			if want := lo.APIURL + "/v1.0/payouts/transactionhistory/" + id; resp.Header.Get("Location") != want {
				t.Errorf("Location %q, want %q", resp.Header.Get("Location"), want)
			}
			link := c.link(pctest.Earnings, id)
			if !strings.HasPrefix(link, lo.BlobURL+"/exports/") {
				t.Errorf("link %s", link)
			}
			if list, _ := rows(t, second(c.download(link)), ','); len(list) != 1000 {
				t.Errorf("%d rows", len(list))
			}

			// Faults are written for the public hosts and paths.
			srv.Inject(pctest.CutAfter(5000).At(pctest.Blob))
			if _, body, err := c.try(t.Context(), http.MethodGet, link); !errors.Is(err, io.ErrUnexpectedEOF) || len(body) != 5000 {
				t.Errorf("%d bytes, then %v", len(body), err)
			}
			srv.Inject(pctest.Reset().At(pctest.API))
			if _, _, err := c.try(t.Context(), http.MethodDelete, lo.APIURL+"/x"); err == nil {
				t.Error("the connection was not reset")
			}
			srv.Inject(pctest.StallAfter(1000).At(pctest.Blob))
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			stalled, err := c.http.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if n, err := io.ReadFull(stalled.Body, make([]byte, 1000)); err != nil {
				t.Errorf("%d bytes before the stall, then %v", n, err)
			}
			cancel()
			if err := stalled.Body.Close(); err != nil {
				t.Error(err)
			}
			if n := len(srv.Requests().To(pctest.Blob).On("GET", "/exports/*")); n != 3 {
				t.Errorf("%d downloads are recorded", n)
			}

			_, document, err := c.try(t.Context(), http.MethodGet, lo.LoginURL+"/"+srv.TenantID()+"/v2.0/.well-known/openid-configuration")
			if err != nil {
				t.Fatal(err)
			}
			var doc struct {
				TokenEndpoint string `json:"token_endpoint"`
			}
			if err := json.Unmarshal(document, &doc); err != nil || !strings.HasPrefix(doc.TokenEndpoint, lo.LoginURL+"/") {
				t.Errorf("token endpoint %q: %v", doc.TokenEndpoint, err)
			}
		})
	}
}

func second(_ answer, body []byte) []byte { return body }

func TestListenersEndWithTheServer(t *testing.T) {
	t.Parallel()
	srv, err := pctest.New()
	if err != nil {
		t.Fatal(err)
	}
	lo, err := srv.Listen()
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Close(); err != nil {
		t.Error(err)
	}
	c := &caller{t: t, http: lo.Client()}
	if _, _, err := c.try(t.Context(), http.MethodGet, lo.APIURL); err == nil {
		t.Error("the listener still answers")
	}
	if _, err := srv.Listen(); err == nil {
		t.Error("a closed server listens")
	}
	if !srv.Now().Before(time.Now().Add(time.Hour)) {
		t.Error("the clock runs ahead")
	}
}

func TestSnapshotsCarryExportsIntoTheNextProcess(t *testing.T) {
	t.Parallel()
	first := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 200, Seed: 9, RefundPercent: -1}), pctest.WithSeed(3))
	c := newCaller(t, first)
	running, done, deleted := c.start(pctest.Earnings, query("earningAmount ge 1")), c.start(pctest.Payments, ""), c.start(pctest.Payments, "")
	first.Payouts().NextExport(pctest.Script{File: []byte("custom"), Steps: []pctest.Step{pctest.QueuedFor(time.Hour), pctest.Completed()}})
	if err := first.Payouts().SetData(pctest.Data{Rows: -1}); err != nil {
		t.Fatal(err)
	}
	custom := c.start(pctest.Earnings, "")
	c.do(t.Context(), http.MethodDelete, "/v1.0/payouts/payments/"+deleted)
	if e := c.get(pctest.Earnings, running); e.Status != "Processing" {
		t.Fatalf("status %s", e.Status)
	}
	before, payments := c.download(c.link(pctest.Payments, done))
	snap, err := first.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(snap), "sig=") || strings.Contains(string(snap), first.ClientSecret().Reveal()) {
		t.Error("the snapshot holds a secret")
	}
	_, earnings := c.download(c.link(pctest.Earnings, running))

	next := pctest.NewServer(t, pctest.WithSnapshot(snap), pctest.WithSeed(3))
	c = newCaller(t, next)
	after, again := c.download(c.link(pctest.Payments, done))
	if string(again) != string(payments) || after.Header.Get("ETag") != before.Header.Get("ETag") || before.Header.Get("ETag") == "" {
		t.Errorf("the file differs: ETag %s, then %s", before.Header.Get("ETag"), after.Header.Get("ETag"))
	}
	if e := c.get(pctest.Earnings, running); e.Status != "Completed" || e.RequestQueryString != "earningAmount ge 1" {
		t.Errorf("the running export is %+v", e)
	}
	if _, again := c.download(c.link(pctest.Earnings, running)); string(again) != string(earnings) {
		t.Error("the earnings differ")
	}
	if e := c.get(pctest.Earnings, custom); e.Status != "Queued" {
		t.Errorf("the timed export is %s", e.Status)
	}
	next.Advance(time.Hour)
	c = newCaller(t, next)
	if _, file := c.download(c.link(pctest.Earnings, custom)); string(file) != "custom" {
		t.Errorf("the file is %q", file)
	}
	if resp, _ := c.do(t.Context(), http.MethodGet, "/v1.0/payouts/payments/"+deleted); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the deleted export: %s", resp.Status)
	}
	if id := c.start(pctest.Payments, ""); id == running || id == done || id == deleted || id == custom {
		t.Error("an id was given out twice")
	}

	for name, bad := range map[string]string{
		"empty": "", "no snapshot": "{}", "later": `{"pctest":2}`, "no payouts": `{"pctest":1,"payouts":{}}`,
		"damaged": strings.Replace(string(snap), `"kind":"payments"`, `"kind":"x"`, 1), "filter": strings.Replace(string(snap), "earningAmount ge 1", "earningAmount", 1),
		"data": strings.Replace(string(snap), `"months":6`, `"months":600`, 1),
	} {
		if _, err := pctest.New(pctest.WithSnapshot([]byte(bad))); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := pctest.New(pctest.WithSnapshot(nil)); err != nil {
		t.Error(err)
	}
}
