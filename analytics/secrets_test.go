package analytics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
)

// Canaries are planted as token, as signature of links and as secret of the
// callback URL; every kind of failure is driven; nothing that can be printed holds
// one.
func TestNothingPrintableHoldsASecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const canary = "CANARY-callback-part"
		var log bytes.Buffer
		s := newService()
		c, err := analytics.New(source(), analytics.Marketplace, &partnercenter.Options{
			Transport: s, Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}, analytics.WithWarnings(func(_ string, p analytics.Problem) { fmt.Fprintln(&log, p) }))
		if err != nil {
			t.Fatal(err)
		}
		callback := partnercenter.NewSecret("http://hooks.example.com/" + canary)
		ctx := t.Context()
		schedule := daily(func(s *analytics.Schedule) { s.CallbackURL = callback })
		var printed []any
		note := func(v any, err error) {
			printed = append(printed, v)
			if err != nil {
				printed = append(printed, err)
			}
		}
		drive := func() {
			a, err := c.Apply(ctx, schedule)
			note(a, err)
			r, err := collect(c.Reports(ctx, analytics.ReportsRequest{}))
			note(r, err)
			u := analytics.UpdateRequest{Name: "n", Start: time.Now().Add(5 * time.Hour), CallbackURL: callback}
			if len(r) > 0 {
				note(r[0].Update(), nil)
			}
			v, err := c.UpdateReport(ctx, "report-2", u)
			note(v, err)
			v, err = c.CreateReport(ctx, analytics.ReportRequest{Name: "n", QueryID: "query-1", ExecuteNow: true, CallbackURL: callback})
			note(v, err)
			run, err := c.Run(ctx, analytics.RunRequest{Query: usageQuery, CallbackURL: callback})
			note(u, err)
			if run != nil {
				x, err := run.Wait(ctx, nil)
				note(x, err)
				note(run.ResumeToken(), nil)
				_, err = c.DownloadFile(ctx, x, t.TempDir()+"/x.csv", nil)
				note(nil, err)
				content, err := c.Open(ctx, x, nil)
				note(content, err)
				if content != nil {
					_ = content.Close()
				}
				note(nil, run.CleanUp(ctx))
			}
			note(schedule, nil)
		}
		drive()
		quote := func(status int) {
			s.fail = func(req *http.Request) *http.Response {
				callback := callback // quoted by those who have been told
				if req.Method != http.MethodPost && req.Method != http.MethodPut || !strings.Contains(req.URL.Path, "ScheduledReport") {
					callback = partnercenter.NewSecret("none")
				}
				return answer(status, fmt.Sprintf(`{"value":[],"message":"bad request: CallbackUrl %s, token %s, link https://x/?sig=sig1SECRET&sp=r","errors":{"CallbackUrl":["%s"]},"details":[{"message":"%s"}],"statusCode":%d}`,
					callback.Reveal(), token, callback.Reveal(), callback.Reveal(), status))
			}
		}
		for _, status := range []int{400, 401, 403, 404, 500} {
			quote(status)
			drive()
		}
		// The blob store quotes what it was asked for.
		s.fail = nil
		s.reports, s.queries = nil, nil
		s.fail = func(req *http.Request) *http.Response {
			if req.URL.Host == blobHost {
				return answer(http.StatusForbidden, "<Error><Code>AuthenticationFailed</Code><Message>no: "+strings.ReplaceAll(req.URL.String(), "&", "&amp;")+"</Message></Error>")
			}
			return nil
		}
		drive()
		s.fail = nil
		bad := partnercenter.NewSecret("ftp://" + canary + "/\x00")
		_, err = c.CreateReport(ctx, analytics.ReportRequest{Name: "n", QueryID: "q", ExecuteNow: true, CallbackURL: bad})
		note(nil, err)

		deliver := func(context.Context, analytics.Execution) error { return errors.New("failed") }
		receiver, err := analytics.NewReceiver(c, deliver, &analytics.ReceiverOptions{Secret: partnercenter.NewSecret(canary)})
		note(receiver, err)
		u, err := receiver.URL("https://hooks.example.com")
		note(u, err)

		text := log.String()
		for _, v := range printed {
			j, _ := json.Marshal(v)
			text += fmt.Sprintf("%v\n%+v\n%#v\n%s\n", v, v, v, j)
			if e, ok := v.(error); ok {
				text += e.Error() + "\n"
				if pe, ok := errors.AsType[*partnercenter.Error](e); ok {
					text += fmt.Sprintf("%s %v %v\n", pe.Body, pe.Header, pe.LogValue())
				}
			}
		}
		if len(printed) < 50 || len(text) < 10000 {
			t.Fatalf("only %d things were printed, %d bytes", len(printed), len(text))
		}
		for _, secret := range []string{canary, token, "SECRET"} {
			if i := strings.Index(text, secret); i >= 0 {
				t.Errorf("%q is printed: ...%s", secret, text[max(i-300, 0):min(i+100, len(text))])
			}
		}
	})
}
