package payouts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jarcoal/httpmock"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// newClient makes a client of a fake service.
func newClient(t *testing.T, srv *pctest.Server) *payouts.Client {
	t.Helper()
	client, err := payouts.New(srv.TokenSource(), srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// start starts an earnings export.
func start(t *testing.T, client *payouts.Client, opts ...partnercenter.CallOption) *partnercenter.Poller[payouts.Export] {
	t.Helper()
	poller, err := client.StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Earnings}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return poller
}

func TestRequestsAreThoseOfTheDocumentation(t *testing.T) {
	srv := pctest.NewServer(t)
	client := newClient(t, srv)
	ctx := t.Context()
	for kind, resource := range map[payouts.Kind]string{payouts.Earnings: "transactionhistory", payouts.Payments: "payments"} {
		srv.ForgetRequests()
		poller, err := client.StartExport(ctx, payouts.ExportRequest{
			Kind:   kind,
			Filter: payouts.EnrollmentParticipantID.Eq("12 3+4&'5"),
			Format: payouts.TSV,
		})
		if err != nil {
			t.Fatal(err)
		}
		id := poller.Operation().ID
		if _, err := client.Export(ctx, kind, id); err != nil {
			t.Fatal(err)
		}
		if _, err := poller.Wait(ctx, &partnercenter.WaitOptions{MinInterval: time.Millisecond}); err != nil {
			t.Fatal(err)
		}
		if err := client.DeleteExport(ctx, kind, id); err != nil {
			t.Fatal(err)
		}
		got := srv.Requests().To(pctest.API)
		base := "/v1.0/payouts/" + resource
		first, last := got[0], got[len(got)-1]
		for i, want := range []struct{ method, path string }{{"POST", base}, {"GET", base + "/" + id}} {
			if got[i].Method != want.method || got[i].Path != want.path {
				t.Errorf("%s: request %d is %s %s, want %s %s", kind, i, got[i].Method, got[i].Path, want.method, want.path)
			}
		}
		if last.Method != "DELETE" || last.Path != base+"/"+id {
			t.Errorf("%s: the last request is %s %s", kind, last.Method, last.Path)
		}
		wantQuery := map[string][]string{"$filter": {"enrollmentParticipantId eq '12 3+4&''5'"}, "fileformat": {"tsv"}}
		if diff := cmp.Diff(wantQuery, map[string][]string(first.Query)); diff != "" {
			t.Errorf("%s: query (-want +got):\n%s", kind, diff)
		}
		for _, r := range got {
			if !r.Bearer {
				t.Errorf("%s %s carries no bearer token", r.Method, r.Path)
			}
			for _, key := range []string{"ms-correlationid", "ms-requestid", "Client-Request-ID"} {
				if _, err := uuid.Parse(r.Header.Get(key)); err != nil {
					t.Errorf("%s %s: %s is %q, want a GUID", r.Method, r.Path, key, r.Header.Get(key))
				}
			}
			if len(r.Body) != 0 || r.Header.Get("Content-Type") != "" {
				t.Errorf("%s %s has a body or a content type", r.Method, r.Path)
			}
		}
	}
}

// The key goes out with a literal dollar sign and blanks as %20, not as plus signs.
func TestQueryIsEncodedTheWayTheDocumentationWritesIt(t *testing.T) {
	mock := httpmock.NewMockTransport()
	var raw string
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		raw = r.URL.RawQuery
		if r.ContentLength != 0 {
			t.Errorf("Content-Length %d, want 0", r.ContentLength)
		}
		return httpmock.NewStringResponse(202, `{"value":[{"requestId":"1","status":"Queued"}]}`), nil
	})
	client := mocked(t, mock)
	if _, err := client.StartExport(t.Context(), payouts.ExportRequest{
		Kind: payouts.Earnings, Filter: payouts.RawFilter("programName eq 'A&B+C%'"),
	}); err != nil {
		t.Fatal(err)
	}
	if want := "$filter=programName%20eq%20%27A%26B%2BC%25%27&fileformat=csv"; raw != want {
		t.Errorf("query\n got %s\nwant %s", raw, want)
	}
}

func mocked(t *testing.T, mock *httpmock.MockTransport) *payouts.Client {
	t.Helper()
	source := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{Value: partnercenter.NewSecret("token")}, nil
	})
	client, err := payouts.New(source, &partnercenter.Options{
		Transport: mock, Retry: partnercenter.RetryOptions{MaxRetries: -1},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestMistakesCostNoRequest(t *testing.T) {
	mock := httpmock.NewMockTransport() // any request is an error
	client := mocked(t, mock)
	ctx := t.Context()
	startWith := func(req payouts.ExportRequest) error { _, err := client.StartExport(ctx, req); return err }
	resume := func(token string) error { _, err := client.ResumeExport(token); return err }
	look := func(kind payouts.Kind, id string) error { _, err := client.Export(ctx, kind, id); return err }
	for _, tc := range []struct {
		name string
		err  error
		want string
	}{
		{"no kind", startWith(payouts.ExportRequest{}), "use payouts.Earnings or payouts.Payments"},
		{"unknown format", startWith(payouts.ExportRequest{Kind: payouts.Earnings, Format: "xlsx"}), "use payouts.CSV or payouts.TSV"},
		{"broken filter", startWith(payouts.ExportRequest{Kind: payouts.Earnings, Filter: payouts.RawFilter("a eq '")}), "without its counterpart"},
		{"field of the other kind", startWith(payouts.ExportRequest{Kind: payouts.Payments, Filter: payouts.EarningForDate.Month(2024, 1)}), "earningForDate is for earnings, not for payments; use payoutStatusUpdateTS"},
		{"field of the other kind, deep inside", startWith(payouts.ExportRequest{Kind: payouts.Earnings,
			Filter: payouts.And(payouts.PaymentID.Eq("1"), payouts.PayoutOrderType.In("FEE", "SELL"))}), "payoutOrderType is for payments, not for earnings; use payableSubType"},
		{"key with a line break", startWith(payouts.ExportRequest{Kind: payouts.Earnings, IdempotencyKey: "a\nb"}), "control character"},
		{"empty id", look(payouts.Earnings, " "), "id is empty"},
		{"id that climbs", look(payouts.Earnings, ".."), "cannot be part of a request path"},
		{"no kind to look for", look("", "1"), "unknown kind"},
		{"delete without id", client.DeleteExport(ctx, payouts.Payments, ""), "id is empty"},
		{"token of something else", resume(`{"partnercenter":1,"kind":"analytics.run","id":"1"}`), `it belongs to "analytics.run"`},
		{"token without kind", resume(`{"partnercenter":1,"kind":"payouts.export","id":"1"}`), "unknown kind"},
		{"no token", resume(""), "not a token of this SDK"},
	} {
		if tc.err == nil || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one about %q", tc.name, tc.err, tc.want)
		}
	}
	if n := mock.GetTotalCallCount(); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	if _, err := payouts.New(nil, nil); err == nil || !strings.Contains(err.Error(), "token source is nil") {
		t.Errorf("New(nil, nil) returned %v", err)
	}
}

func TestIDsAreEscaped(t *testing.T) {
	mock := httpmock.NewMockTransport()
	var path string
	mock.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		path = r.URL.EscapedPath()
		return httpmock.NewStringResponse(404, ""), nil
	})
	_, err := mocked(t, mock).Export(t.Context(), payouts.Payments, "a/../b?c#d")
	if !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("error %v, want ErrNotFound", err)
	}
	if want := "/v1.0/payouts/payments/a%2F..%2Fb%3Fc%23d"; path != want {
		t.Errorf("path %s, want %s", path, want)
	}
}

func TestAnswersInEveryForm(t *testing.T) {
	requested := time.Date(2024, 2, 11, 9, 41, 7, 550391200, time.UTC)
	full := payouts.Export{
		ID: "5b0e", Kind: payouts.Earnings, Status: "Processing", RequestedAt: requested,
		StartedAt: time.Date(2024, 2, 11, 9, 41, 22, 0, time.UTC),
		Filter:    "a eq 1", Path: "/v1.0/payouts/transactionhistory",
	}
	object := `{"requestId":"5b0e","requestDateTime":"2024-02-11T09:41:07.5503912Z","processingStartDateTime":"2024-02-11T10:41:22+01:00",` +
		`"requestPath":"/v1.0/payouts/transactionhistory","requestQueryString":"a eq 1","blobLocation":null,"status":"Processing"}`
	with := func(change func(*payouts.Export)) payouts.Export { e := full; change(&e); return e }
	for _, tc := range []struct {
		name, body string
		want       payouts.Export
		err        string
	}{
		{name: "documented envelope", body: `{"value":[` + object + `],"nextLink":null,"totalCount":1}`, want: full},
		{name: "other casing", body: strings.NewReplacer("status", "Status", "requestId", "RequestID", "value", "Value").Replace(`{"value":[` + object + `]}`), want: full},
		{name: "bare object", body: object, want: full},
		{name: "byte order mark", body: "\ufeff" + object, want: full},
		{name: "bare array", body: "[" + object + "]", want: full},
		{name: "object as value", body: `{"value":` + object + `}`, want: full},
		{name: "time without zone", body: strings.Replace(object, "12Z", "12", 1), want: full},
		{name: "unreadable time", body: strings.Replace(object, "2024-02-11T09:41:07.5503912Z", "soon", 1), want: with(func(e *payouts.Export) { e.RequestedAt = time.Time{} })},
		{name: "number as id", body: strings.Replace(object, `"5b0e"`, "17", 1), want: with(func(e *payouts.Export) { e.ID = "17" })},
		{name: "no id", body: strings.Replace(object, `"requestId":"5b0e",`, "", 1), want: with(func(e *payouts.Export) { e.ID = "asked" })},
		{name: "unknown members are kept without signatures", body: strings.Replace(object, `{`, `{"retention":7,"copy":"https://h/b?sig=abcdefgh","blob":null,`, 1),
			want: with(func(e *payouts.Export) {
				e.Extra = map[string]json.RawMessage{"retention": json.RawMessage("7"), "copy": json.RawMessage(`"https://h/b?sig=[redacted]"`), "blob": json.RawMessage("null")}
			})},
		{name: "empty list", body: `{"value":[]}`, err: "holds no export"},
		{name: "empty object", body: `{}`, err: "holds no export"},
		{name: "null", body: `null`, err: "answer"},
		{name: "text", body: `hello`, err: "not JSON"},
		{name: "empty", body: ``, err: "not JSON"},
		{name: "value of another kind", body: `{"value":"x"}`, err: "not a list of exports"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(httpmock.NewStringResponder(200, tc.body))
			got, err := mocked(t, mock).Export(t.Context(), payouts.Earnings, "asked")
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want one about %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got.RequestedAt.Location() != time.UTC || got.StartedAt.Location() != time.UTC {
				t.Errorf("times in %v and %v, want UTC", got.RequestedAt.Location(), got.StartedAt.Location())
			}
		})
	}
}

func TestIDOfANewExport(t *testing.T) {
	const id, other = "5b0e7c1a-2d64-4f0b-9a37-0c1f5e8d7a21", "00000000-2d64-4f0b-9a37-0c1f5e8d7a21"
	location := "https://api.partner.microsoft.com/v1.0/payouts/transactionhistory/" + id + "?x=" + other
	for _, tc := range []struct{ name, body, location, want string }{
		{"the body's", `{"value":[{"requestId":"` + id + `"}]}`, "", id},
		{"the body's before that of Location", `{"value":[{"requestId":"b"}]}`, location, "b"},
		{"that of Location", `{"value":[{"status":"Queued"}]}`, location, id},
		{"that of Location, and no body", "", location, id},
		{"that of Location, and nonsense", "<html>", location, id},
		{"never the Request-ID", `{"value":[{"status":"Queued"}]}`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			mock := httpmock.NewMockTransport()
			mock.RegisterNoResponder(func(*http.Request) (*http.Response, error) {
				resp := httpmock.NewStringResponse(200, tc.body)
				resp.Header.Set("Request-ID", other)
				resp.Header.Set("Location", tc.location)
				return resp, nil
			})
			poller, err := mocked(t, mock).StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Earnings})
			if tc.want == "" {
				if err == nil || !strings.Contains(err.Error(), "names no id") {
					t.Fatalf("error %v, want one about the id", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := poller.Operation().ID; got != tc.want {
				t.Errorf("id %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWait(t *testing.T) {
	for _, tc := range []struct {
		name   string
		steps  []pctest.Step
		change func(*pctest.Behavior)
		err    string
		polls  [2]int // at least, at most
	}{
		{name: "queued, processing, completed", steps: []pctest.Step{pctest.Queued(2), pctest.Processing(3), pctest.Completed()}, polls: [2]int{6, 6}},
		{name: "a day", steps: []pctest.Step{pctest.QueuedFor(time.Hour), pctest.ProcessingFor(22 * time.Hour), pctest.Completed()}, polls: [2]int{240, 330}},
		{name: "failed", steps: []pctest.Step{pctest.Processing(1), pctest.Failed()}, err: "start a new one", polls: [2]int{2, 2}},
		{name: "failed from the queue", steps: []pctest.Step{pctest.Failed()}, err: "start a new one", polls: [2]int{1, 1}},
		{name: "upper case", steps: []pctest.Step{pctest.Reports("PROCESSING", 1), pctest.Completed()}, change: func(b *pctest.Behavior) { b.UpperStatus, b.CapitalKeys = true, true }, polls: [2]int{2, 2}},
		{name: "unknown status is unfinished", steps: []pctest.Step{pctest.Reports("Archiving", 3), pctest.Completed()}, polls: [2]int{4, 4}},
		{name: "unknown status for ever", steps: []pctest.Step{pctest.Reports("Archiving", 1)}, err: "last status Archiving", polls: [2]int{270, 330}},
		{name: "link comes late", steps: []pctest.Step{pctest.CompletedWithoutLink(6), pctest.Completed()}, polls: [2]int{7, 7}},
		{name: "null link comes late", steps: []pctest.Step{pctest.CompletedWithNullLink(2), pctest.Completed()}, polls: [2]int{3, 3}},
		{name: "link never comes", steps: []pctest.Step{pctest.CompletedWithoutLink(100)}, err: "offers no file", polls: [2]int{7, 7}},
		{name: "service names the interval", steps: []pctest.Step{pctest.ProcessingFor(time.Hour), pctest.Completed()},
			change: func(b *pctest.Behavior) { b.RetryAfter = 10 * time.Minute }, polls: [2]int{7, 7}},
		{name: "bare object, extra members, no next link", steps: []pctest.Step{pctest.Completed()},
			change: func(b *pctest.Behavior) { b.Envelope, b.ExtraFields, b.NoNextLink = pctest.EnvelopeObject, true, true }, polls: [2]int{1, 1}},
		{name: "201 instead of 202", steps: []pctest.Step{pctest.Completed()}, change: func(b *pctest.Behavior) { b.CreateStatus = 201 }, polls: [2]int{1, 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := pctest.NewServer(t, pctest.WithData(pctest.Data{Rows: 3}))
				if tc.change != nil {
					srv.Payouts().Configure(tc.change)
				}
				srv.Payouts().NextExport(pctest.Script{Steps: tc.steps})
				client := newClient(t, srv)
				export, err := start(t, client).Wait(t.Context(), nil)
				polls := len(srv.Requests().To(pctest.API).On("GET", "*"))
				if polls < tc.polls[0] || polls > tc.polls[1] {
					t.Errorf("%d polls, want %d to %d", polls, tc.polls[0], tc.polls[1])
				}
				if tc.err == "" {
					if err != nil {
						t.Fatal(err)
					}
					if !export.Status.Is(payouts.Completed) || export.Location.IsZero() {
						t.Errorf("finished with status %s and link %v", export.Status, export.Location)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want one about %q", err, tc.err)
				}
				if !strings.Contains(err.Error(), export.ID) {
					t.Errorf("the error does not name the export: %v", err)
				}
			})
		})
	}
}

// An export that is complete is looked at again soon, however slow the polls have
// become by then: only its link is missing.
func TestALateLinkIsLookedForSoon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.ProcessingFor(5 * time.Hour), pctest.CompletedWithoutLink(3), pctest.Completed()}})
		if _, err := start(t, newClient(t, srv)).Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		polls := srv.Requests().To(pctest.API).On("GET", "*")
		if took := polls[len(polls)-1].Time.Sub(polls[len(polls)-4].Time); took != 15*time.Second {
			t.Errorf("three looks took %v, want 5 s each", took)
		}
	})
}

func TestFailureCarriesTheExport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Failed()}})
		poller := start(t, newClient(t, srv))
		_, err := poller.Wait(t.Context(), nil)
		failed, ok := errors.AsType[*payouts.ExportError](err)
		if !ok || failed.Export.ID != poller.Operation().ID || !failed.Export.Status.Is(payouts.Failed) {
			t.Fatalf("error %#v does not carry the export", err)
		}
		if _, ok := errors.AsType[*partnercenter.OperationError](err); !ok {
			t.Errorf("%T is no OperationError", err)
		}
	})
}

// A burst of failures during a wait of hours ends neither the wait nor the export.
func TestWaitOutlastsAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.ProcessingFor(2 * time.Hour), pctest.Completed()}})
		client := newClient(t, srv)
		poller := start(t, client)
		srv.Inject(pctest.Answer(503).On("GET", "/v1.0/payouts/*").Times(9))
		srv.Inject(pctest.Reset().On("GET", "/v1.0/payouts/*").Skip(3).Times(5))
		srv.Inject(pctest.Answer(429).RetryAfter(20*time.Minute).On("GET", "/v1.0/payouts/*").Skip(6))
		if _, err := poller.Wait(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	})
}

// A proxy's page in place of an answer, with status 200, is an outage too.
func TestWaitOutlastsNonsense(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client := newClient(t, srv)
		poller := start(t, client)
		page := srv.Inject(pctest.Answer(200).Shaped(pctest.ShapeHTML, "", "").On("GET", "/v1.0/payouts/*").Times(3))
		export, err := poller.Wait(t.Context(), nil)
		if err != nil || !export.Status.Is(payouts.Completed) || page.Hits() != 3 {
			t.Errorf("%s after %d pages: %v", export.Status, page.Hits(), err)
		}
		srv.Inject(pctest.Answer(200).Shaped(pctest.ShapeHTML, "", "").On("GET", "/v1.0/payouts/*"))
		if _, err = poller.Wait(t.Context(), &partnercenter.WaitOptions{MaxFailures: -1}); err == nil || !strings.Contains(err.Error(), "not JSON") {
			t.Errorf("error %v, want one about the answer", err)
		}
	})
}

func TestLostAnswersRepeatUnderOneKey(t *testing.T) {
	for name, fault := range map[string]pctest.Fault{
		"answer lost":       pctest.LoseAnswer(),
		"connection reset":  pctest.Reset(),
		"500":               pctest.Answer(500),
		"503":               pctest.Answer(503),
		"429 with a date":   pctest.Answer(429).RetryAt(7 * time.Second),
		"answer cut":        pctest.CutAfter(10),
		"refused":           pctest.Refuse(),
		"503 after a while": pctest.Answer(503).Delayed(time.Minute),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := pctest.NewServer(t)
				srv.Payouts().Configure(func(b *pctest.Behavior) { b.Deduplicate = true })
				srv.Inject(fault.On("POST", "*"))
				var meta partnercenter.ResponseMeta
				start(t, newClient(t, srv), partnercenter.WithResponse(&meta))
				posts := srv.Requests().On("POST", "/v1.0/*")
				if meta.Attempts != 2 {
					t.Errorf("%d attempts, want 2", meta.Attempts)
				}
				for _, r := range posts {
					if key := r.Header.Get("ms-requestid"); key == "" || key != posts[0].Header.Get("ms-requestid") {
						t.Errorf("attempts carry different keys: %q", key)
					}
				}
				if n := len(srv.Payouts().Exports()); n != 1 {
					t.Errorf("%d exports were made, want 1", n)
				}
			})
		})
	}
}

func TestIdempotencyKeyIsTheCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client := newClient(t, srv)
		key := uuid.NewString()
		header := partnercenter.WithHeader("ms-requestid", key)
		another := partnercenter.WithHeader("ms-requestid", uuid.NewString())
		for name, start := range map[string]func() (*partnercenter.Poller[payouts.Export], error){
			"in the request": func() (*partnercenter.Poller[payouts.Export], error) {
				return client.StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Payments, IdempotencyKey: key})
			},
			"as a header": func() (*partnercenter.Poller[payouts.Export], error) {
				return client.StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Payments}, header)
			},
			"as both": func() (*partnercenter.Poller[payouts.Export], error) {
				return client.StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Payments, IdempotencyKey: key}, another)
			},
		} {
			lost := srv.Inject(pctest.LoseAnswer().On("POST", "*")) // it is a key only if it lets the request be repeated
			if _, err := start(); err != nil || lost.Hits() != 1 {
				t.Fatalf("%s: %v after %d lost answers", name, err, lost.Hits())
			}
			for _, e := range srv.Payouts().Exports() {
				if e.RequestID != key {
					t.Errorf("%s: ms-requestid %s, want %s", name, e.RequestID, key)
				}
			}
		}
	})
}

func TestResumeInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.ProcessingFor(time.Hour), pctest.Completed()}})
		poller := start(t, newClient(t, srv))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var given error
		if _, given = poller.Wait(ctx, nil); !errors.Is(given, context.DeadlineExceeded) {
			t.Fatalf("the first wait ended with %v", given)
		}
		token := poller.ResumeToken()
		if strings.Contains(token, "sig") || strings.Contains(token, "http") {
			t.Errorf("the token holds more than it should: %s", token)
		}
		again, err := newClient(t, srv).ResumeExport(token)
		if err != nil {
			t.Fatal(err)
		}
		export, err := again.Wait(t.Context(), nil)
		if err != nil || export.ID != poller.Operation().ID {
			t.Fatalf("resumed wait: %v, export %s", err, export.ID)
		}
		if n := len(srv.Payouts().Exports()); n != 1 {
			t.Errorf("%d exports, want 1", n)
		}
	})
}

func TestDelete(t *testing.T) {
	srv := pctest.NewServer(t)
	srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Processing(2), pctest.Completed()}})
	client := newClient(t, srv)
	poller := start(t, client)
	id := poller.Operation().ID
	ctx := t.Context()
	if _, _, err := poller.Poll(ctx); err != nil {
		t.Fatal(err)
	}
	var e *partnercenter.Error
	if err := client.DeleteExport(ctx, payouts.Earnings, id); !errors.As(err, &e) || e.StatusCode != 400 {
		t.Fatalf("deleting while processing: %v, want 400", err)
	}
	if _, err := poller.Wait(ctx, &partnercenter.WaitOptions{MinInterval: time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if err := client.DeleteExport(ctx, payouts.Payments, id); !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("deleting in the wrong family: %v, want ErrNotFound", err)
	}
	srv.Payouts().Configure(func(b *pctest.Behavior) { b.DeleteStatus = 204 })
	if err := client.DeleteExport(ctx, payouts.Earnings, id); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Export(ctx, payouts.Earnings, id); !errors.Is(err, partnercenter.ErrNotFound) {
		t.Errorf("looking at a deleted export: %v, want ErrNotFound", err)
	}
}

// A deletion whose answer is lost is repeated, and finds nothing.
func TestDeletionWhoseAnswerIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		client := newClient(t, srv)
		export := completed(t, client, payouts.ExportRequest{Kind: payouts.Earnings})
		lost := srv.Inject(pctest.LoseAnswer().On("DELETE", "*"))
		if err := client.DeleteExport(t.Context(), payouts.Earnings, export.ID); err != nil || lost.Hits() != 1 {
			t.Errorf("error %v after %d lost answers", err, lost.Hits())
		}
		if err := client.DeleteExport(t.Context(), payouts.Earnings, export.ID); !errors.Is(err, partnercenter.ErrNotFound) {
			t.Errorf("what was not there: %v, want ErrNotFound", err)
		}
	})
}

func TestRefusalsSayWhatToChange(t *testing.T) {
	for _, tc := range []struct {
		name   string
		change func(*pctest.Behavior)
		source func(*pctest.Server) partnercenter.TokenSource
		want   string
		is     error
	}{
		{"wrong audience", func(b *pctest.Behavior) { b.Audiences = []string{"https://api.partnercenter.microsoft.com"} }, (*pctest.Server).TokenSource,
			"request it for https://api.partner.microsoft.com", partnercenter.ErrUnauthorized},
		{"app-only", func(b *pctest.Behavior) { b.RefuseAppOnly = true }, (*pctest.Server).AppOnlyTokenSource, "token that stands for a user", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := pctest.NewServer(t)
			srv.Payouts().Configure(tc.change)
			client, err := payouts.New(tc.source(srv), srv.Options())
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.StartExport(t.Context(), payouts.ExportRequest{Kind: payouts.Earnings})
			if err == nil || !strings.Contains(err.Error(), tc.want) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("error %v, want one that says %q", err, tc.want)
			}
			if n := len(srv.Requests().To(pctest.API)); n != 1 {
				t.Errorf("%d requests; another token of the same kind could not have helped", n)
			}
		})
	}
}

func TestExportDoesNotPrintItsLink(t *testing.T) {
	srv := pctest.NewServer(t)
	srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Completed()}})
	export, err := start(t, newClient(t, srv)).Wait(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, signature, ok := strings.Cut(export.Location.Reveal(), "sig=")
	if !ok {
		t.Fatal("the fake's link has no signature; the test shows nothing")
	}
	asJSON, err := json.Marshal(export) //nolint:musttag // people will, tags or not
	if err != nil {
		t.Fatal(err)
	}
	failed := &payouts.ExportError{Export: export, Reason: "x"}
	for _, text := range []string{fmt.Sprint(export), fmt.Sprintf("%+v %#v", export, export), string(asJSON), fmt.Sprintf("%v %+v %#v", failed, failed, failed)} {
		if strings.Contains(text, signature) || strings.Contains(text, "sig=") {
			t.Errorf("the link's signature is printed: %s", text)
		}
	}
}
