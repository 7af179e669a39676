package payouts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// spy passes requests on and remembers every secret that it sees on the wire.
type spy struct {
	next http.RoundTripper
	seen map[string]bool
}

func (s *spy) RoundTrip(r *http.Request) (*http.Response, error) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		s.seen[token] = true
	}
	if sig := r.URL.Query().Get("sig"); sig != "" {
		s.seen[sig] = true
		_, raw, _ := strings.Cut(r.URL.RawQuery, "sig=")
		raw, _, _ = strings.Cut(raw, "&")
		s.seen[raw] = true
	}
	return s.next.RoundTrip(r)
}

// Every failure of a whole export is driven with the log wide open. Nothing that a
// program could print afterwards holds a token or a signature.
func TestNothingPrintableHoldsASecret(t *testing.T) {
	faults := map[string]pctest.Fault{}
	for _, status := range []int{400, 401, 403, 404, 409, 411, 412, 429, 500, 502, 503, 504} {
		faults[fmt.Sprint(status)] = pctest.Answer(status)
	}
	for name, shape := range map[string]pctest.ErrorShape{
		"gateway": pctest.ShapeGateway, "nested": pctest.ShapeNested, "partner": pctest.ShapePartner, "number": pctest.ShapePartnerNumber,
		"empty": pctest.ShapeEmpty, "html": pctest.ShapeHTML, "entra": pctest.ShapeEntra, "xml": pctest.ShapeXML,
	} {
		faults["shape "+name] = pctest.Answer(400).Shaped(shape, "", "")
	}
	faults["refused"] = pctest.Refuse()
	faults["reset"] = pctest.Reset()
	faults["cut"] = pctest.CutAfter(20)
	faults["stalled"] = pctest.StallAfter(20)
	faults["expired"] = pctest.ExpiredLink()

	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged bytes.Buffer
				var printed []string
				srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 500}))
				wire := &spy{next: srv.Transport(), seen: map[string]bool{}}
				opts := srv.Options()
				opts.Transport = wire
				opts.Logger = slog.New(slog.NewJSONHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
				client, err := payouts.New(srv.TokenSource(), opts)
				if err != nil {
					t.Fatal(err)
				}
				note := func(err error) {
					if err == nil {
						return
					}
					asJSON, _ := json.Marshal(err) // without JSON form there is nothing to print
					printed = append(printed, err.Error(), fmt.Sprintf("%v %+v %#v %s", err, err, err, asJSON))
					opts.Logger.Error("failed", "err", err)
				}
				whole := func() {
					poller, err := client.StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Earnings})
					note(err)
					if err != nil {
						return
					}
					printed = append(printed, poller.ResumeToken(), fmt.Sprintf("%+v", poller))
					ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
					defer cancel()
					export, err := poller.Wait(ctx, nil)
					note(err)
					printed = append(printed, fmt.Sprintf("%+v %#v", export, export))
					content, err := client.Open(ctx, export, nil)
					note(err)
					if err == nil {
						for _, err := range payouts.EarningRows(content, nil) {
							note(err)
						}
						note(content.Close())
					}
					result, err := client.DownloadFile(ctx, export, filepath.Join(t.TempDir(), "x"), nil)
					note(err)
					printed = append(printed, fmt.Sprintf("%+v", result))
					note(client.DeleteExport(ctx, payouts.Earnings, export.ID))
				}
				whole()
				for _, target := range []struct {
					host         pctest.Host
					method, path string
				}{{pctest.API, "POST", "*"}, {pctest.API, "GET", "*"}, {pctest.API, "DELETE", "*"}, {pctest.Blob, "GET", "*"}} {
					injected := srv.Inject(fault.At(target.host).On(target.method, target.path).Always())
					whole()
					injected.Remove()
				}
				for _, r := range srv.Requests() {
					printed = append(printed, fmt.Sprintf("%+v", r))
				}
				printed = append(printed, logged.String())
				if len(wire.seen) < 3 || len(printed) < 10 {
					t.Fatalf("%d secrets passed, %d texts were printed; the test shows nothing", len(wire.seen), len(printed))
				}
				for _, text := range printed {
					for secret := range wire.seen {
						if strings.Contains(text, secret) {
							t.Fatalf("%q holds the secret %q", text, secret)
						}
					}
					if strings.Contains(text, "sig=") && !strings.Contains(text, "sig=[redacted]") {
						t.Fatalf("a signature is printed: %q", text)
					}
				}
			})
		})
	}
}
