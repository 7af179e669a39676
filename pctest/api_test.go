package pctest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/pctest"
)

func TestCreateAnswersAsDocumented(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	resp, body := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/transactionhistory?%24filter=earningForDate+ge+2024-01-01+and%20programName='CSP'&FILEFORMAT=.CSV&x=1",
		"ms-requestid", "r-1", "ms-correlationid", "c-1", "Client-Request-ID", "q-1")
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	e := decode(t, body)
	if e.RequestID == "" || resp.Header.Get("Request-ID") == "" || resp.Header.Get("Request-ID") == e.RequestID {
		t.Errorf("Request-ID %q, id in the body %q", resp.Header.Get("Request-ID"), e.RequestID)
	}
	if want := "https://api.partner.microsoft.com/v1.0/payouts/transactionhistory/" + e.RequestID; resp.Header.Get("Location") != want {
		t.Errorf("Location %q", resp.Header.Get("Location"))
	}
	for name, want := range map[string]string{"ms-requestid": "r-1", "ms-correlationid": "c-1", "Client-Request-ID": "q-1"} {
		if resp.Header.Get(name) != want {
			t.Errorf("%s is %q", name, resp.Header.Get(name))
		}
	}
	if _, err := time.Parse("2006-01-02T15:04:05.0000000Z", e.RequestDateTime); err != nil {
		t.Error(err)
	}
	want := item{
		RequestID: e.RequestID, RequestDateTime: e.RequestDateTime, RequestPath: "/v1.0/payouts/transactionhistory",
		RequestQueryString: "earningForDate ge 2024-01-01 and programName='CSP'", BlobLocation: new(""), Status: "Queued",
	}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("export (-want +got):\n%s", diff)
	}
	var keys map[string]any
	if err := json.Unmarshal(body, &keys); err != nil {
		t.Fatal(err)
	}
	if next, ok := keys["nextLink"]; !ok || next != nil || keys["totalCount"] != 1.0 {
		t.Errorf("nextLink %v, totalCount %v", next, keys["totalCount"])
	}
}

func TestCreateRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	for name, query := range map[string]string{
		"syntax":          "?$filter=earningForDate%20ge",
		"unknown field":   "?$filter=colour%20eq%20'red'",
		"wrong type":      "?$filter=earningAmount%20ge%20'many'",
		"quoted date":     "?$filter=earningForDate%20ge%20'2024-01-01'",
		"payments' field": "?$filter=payoutOrderType%20eq%20'FEE'",
		"empty filter":    "?$filter=",
		"doubled filter":  "?$filter=earningAmount%20ge%201&$filter=earningAmount%20ge%202",
		"format":          "?fileFormat=xlsx",
		"escape":          "?$filter=%zz",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, body := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/transactionhistory"+query)
			if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), `"invalidRequest"`) {
				t.Errorf("%s: %s", resp.Status, body)
			}
		})
	}
	if n := len(srv.Payouts().Exports()); n != 0 {
		t.Errorf("%d exports were started", n)
	}
}

func TestUnknownFieldsCanBeIgnored(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithBehavior(func(b *pctest.Behavior) { b.IgnoreUnknownFields = true }))
	if list, _ := rows(t, newCaller(t, srv).export(pctest.Earnings, query("colour eq 'red' and earningAmount ge 0")), ','); len(list) == 0 {
		t.Error("no rows")
	}
}

func TestPostNeedsAContentLength(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	post := func(body io.Reader) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+"/v1.0/payouts/payments", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.token.Reveal())
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		return resp.StatusCode
	}
	if got := post(struct{ io.Reader }{strings.NewReader("{}")}); got != http.StatusLengthRequired {
		t.Errorf("chunked: %d", got)
	}
	for name, body := range map[string]io.Reader{"none": nil, "ignored": strings.NewReader("{}")} {
		if got := post(body); got != http.StatusAccepted {
			t.Errorf("body %s: %d", name, got)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	earnings, payments := c.start(pctest.Earnings, ""), c.start(pctest.Payments, "")
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/v1.0/payouts/transactionhistory/" + earnings, 200},
		{"GET", "/v1.0/payouts/transactionhistory/" + strings.ToUpper(earnings), 200},
		{"GET", "/v1.0/payouts/payments/" + payments, 200},
		{"GET", "/v1.0/payouts/transactionhistory/" + payments, 404},
		{"GET", "/v1.0/payouts/payments/" + earnings, 404},
		{"GET", "/v1.0/payouts/payments/11111111-1111-4111-8111-111111111111", 404},
		{"DELETE", "/v1.0/payouts/payments/nonsense", 404},
		{"GET", "/v1.0/payouts/transactionhistory", 405},
		{"POST", "/v1.0/payouts/transactionhistory/" + earnings, 405},
		{"GET", "/v1.0/payouts/payment/" + payments, 404},
		{"GET", "/v1/payouts/payments/" + payments, 404},
		{"GET", "/v1.0/payouts/payments/" + payments + "/x", 404},
		{"GET", "/v1.0/payouts/payments/", 404},
		{"GET", "/", 404},
	} {
		if resp, body := c.do(t.Context(), tt.method, tt.path); resp.StatusCode != tt.want {
			t.Errorf("%s %s: %s: %s", tt.method, tt.path, resp.Status, body)
		}
	}
}

func TestDeleteFollowsTheRules(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name         string
		behavior     func(*pctest.Behavior)
		busy, delete int
	}{
		{"by default", func(*pctest.Behavior) {}, 400, 200},
		{"as configured", func(b *pctest.Behavior) { b.BusyStatus, b.DeleteStatus = 409, 204 }, 409, 204},
		{"impossible statuses become the defaults", func(b *pctest.Behavior) { b.BusyStatus, b.DeleteStatus, b.CreateStatus = 7, 1000, -1 }, 400, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := pctest.NewServer(t, pctest.WithBehavior(tt.behavior))
			c := newCaller(t, srv)
			queued, id := c.start(pctest.Payments, ""), c.start(pctest.Payments, "")
			if resp, _ := c.do(t.Context(), http.MethodDelete, "/v1.0/payouts/payments/"+queued); resp.StatusCode != tt.delete {
				t.Errorf("while queued: %s", resp.Status)
			}
			if e := c.get(pctest.Payments, id); e.Status != "Processing" || e.ProcessingStartDateTime == "" {
				t.Fatalf("first poll: %+v", e)
			}
			if resp, _ := c.do(t.Context(), http.MethodDelete, "/v1.0/payouts/payments/"+id); resp.StatusCode != tt.busy {
				t.Errorf("while processing: %s", resp.Status)
			}
			link := c.link(pctest.Payments, id)
			resp, body := c.do(t.Context(), http.MethodDelete, "/v1.0/payouts/payments/"+id)
			if resp.StatusCode != tt.delete || len(body) != 0 || resp.ContentLength != 0 {
				t.Errorf("when completed: %s %q, length %d", resp.Status, body, resp.ContentLength)
			}
			for _, method := range []string{http.MethodGet, http.MethodDelete} {
				if resp, _ := c.do(t.Context(), method, "/v1.0/payouts/payments/"+id); resp.StatusCode != http.StatusNotFound {
					t.Errorf("%s afterwards: %s", method, resp.Status)
				}
			}
			if resp, _ := c.download(link); resp.StatusCode != http.StatusNotFound {
				t.Errorf("its file afterwards: %s", resp.Status)
			}
		})
	}
}

func TestExportsFollowTheirScript(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	srv.Payouts().NextExport(pctest.Script{Kind: pctest.Payments, Steps: []pctest.Step{pctest.Failed()}})
	srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{
		pctest.Queued(1), pctest.Reports("Archiving", 2), pctest.Processing(0), pctest.CompletedWithoutLink(1), pctest.CompletedWithNullLink(1), pctest.Completed(),
	}, File: []byte("hello"), FileName: "odd name.csv"})
	id := c.start(pctest.Earnings, "")
	var got []string
	for range 7 {
		e := c.get(pctest.Earnings, id)
		link := "null"
		if e.BlobLocation != nil {
			link, _, _ = strings.Cut(*e.BlobLocation, "?")
		}
		got = append(got, e.Status+" "+link)
	}
	const link = "https://pctestexports.blob.core.windows.net/exports/odd%20name.csv"
	want := []string{"Queued ", "Archiving ", "Archiving ", "Completed ", "Completed null", "Completed " + link, "Completed " + link}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("polls (-want +got):\n%s", diff)
	}
	if _, body := c.download(c.link(pctest.Earnings, id)); string(body) != "hello" {
		t.Errorf("file %q", body)
	}
	if e := c.get(pctest.Payments, c.start(pctest.Payments, "")); e.Status != "Failed" {
		t.Errorf("the payments' script was not kept for them: %s", e.Status)
	}
	if e := c.get(pctest.Payments, c.start(pctest.Payments, "")); e.Status != "Processing" {
		t.Errorf("a script served twice: %s", e.Status)
	}
}

func TestStepsThatTakeTimeRunOnTheClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t)
		c := newCaller(t, srv)
		srv.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{
			pctest.QueuedFor(20 * time.Minute), pctest.ProcessingFor(23 * time.Hour), pctest.Reports("Archiving", 1), pctest.Completed(),
		}})
		id := c.start(pctest.Earnings, "")
		check := func(want string) {
			t.Helper()
			tok, err := srv.TokenSource().Token(t.Context(), partnercenter.TokenRequest{})
			if err != nil {
				t.Fatal(err)
			}
			c.token = tok.Value
			if e := c.get(pctest.Earnings, id); e.Status != want {
				t.Errorf("after %v: %s, want %s", time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)), e.Status, want)
			}
		}
		check("Queued")
		time.Sleep(20*time.Minute - time.Second)
		check("Queued")
		time.Sleep(time.Second)
		check("Processing")
		srv.Advance(23*time.Hour - time.Second)
		check("Processing")
		srv.Advance(time.Second)
		check("Archiving")
		check("Completed")
	})
}

func TestVariantsOfTheAnswer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*pctest.Behavior)
		create int
		want   string // of the answer to the POST, with ID and TIME replaced
	}{
		{"capitals", func(b *pctest.Behavior) { b.CapitalKeys, b.UpperStatus = true, true }, 202,
			`{"Value":[{"requestId":"ID","requestDateTime":"TIME","requestPath":"/v1.0/payouts/payments","requestQueryString":"","blobLocation":"","Status":"QUEUED"}],"nextLink":null,"totalCount":1}`},
		{"null link, no next link, 200", func(b *pctest.Behavior) { b.NullLink, b.NoNextLink, b.CreateStatus = true, true, 200 }, 200,
			`{"value":[{"requestId":"ID","requestDateTime":"TIME","requestPath":"/v1.0/payouts/payments","requestQueryString":"","blobLocation":null,"status":"Queued"}]}`},
		{"object", func(b *pctest.Behavior) { b.Envelope = pctest.EnvelopeObject }, 202,
			`{"requestId":"ID","requestDateTime":"TIME","requestPath":"/v1.0/payouts/payments","requestQueryString":"","blobLocation":"","status":"Queued"}`},
		{"array", func(b *pctest.Behavior) { b.Envelope = pctest.EnvelopeArray }, 202,
			`[{"requestId":"ID","requestDateTime":"TIME","requestPath":"/v1.0/payouts/payments","requestQueryString":"","blobLocation":"","status":"Queued"}]`},
		{"empty", func(b *pctest.Behavior) { b.Envelope, b.NoLocation = pctest.EnvelopeEmpty, true }, 202, `{"value":[],"nextLink":null,"totalCount":0}`},
		{"more fields", func(b *pctest.Behavior) { b.ExtraFields, b.CreateStatus = true, 201 }, 201,
			`{"value":[{"requestId":"ID","requestDateTime":"TIME","requestPath":"/v1.0/payouts/payments","requestQueryString":"","blobLocation":"","status":"Queued","fileFormat":"csv","retentionInDays":30,` +
				`"requestedBy":{"displayName":"pctest","roles":["Incentives admin"]},"completedDateTime":"0001-01-01T00:00:00.0000000Z"}],"nextLink":null,"totalCount":1}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			srv := pctest.NewServer(t)
			srv.Payouts().Configure(tt.change)
			c := newCaller(t, srv)
			resp, body := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/payments")
			if resp.StatusCode != tt.create {
				t.Errorf("status %d", resp.StatusCode)
			}
			e := srv.Payouts().Exports()[0]
			got := strings.NewReplacer(e.ID, "ID", e.RequestedAt.Format("2006-01-02T15:04:05.0000000Z"), "TIME").Replace(string(body))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if hasLocation := resp.Header.Get("Location") != ""; hasLocation == (tt.name == "empty") {
				t.Errorf("Location is %q", resp.Header.Get("Location"))
			}
		})
	}
}

func TestPendingExportsCanAskForPatience(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t, pctest.WithBehavior(func(b *pctest.Behavior) { b.RetryAfter = 1500 * time.Millisecond }))
	c := newCaller(t, srv)
	id := c.start(pctest.Earnings, "")
	for _, want := range []string{"2", ""} {
		if resp, _ := c.do(t.Context(), http.MethodGet, "/v1.0/payouts/transactionhistory/"+id); resp.Header.Get("Retry-After") != want {
			t.Errorf("Retry-After is %q, want %q", resp.Header.Get("Retry-After"), want)
		}
	}
}

func TestRepeatedRequestIDs(t *testing.T) {
	t.Parallel()
	post := func(srv *pctest.Server, id string) string {
		c := newCaller(t, srv)
		_, body := c.do(t.Context(), http.MethodPost, "/v1.0/payouts/payments", "ms-requestid", id)
		return decode(t, body).RequestID
	}
	srv := pctest.NewServer(t)
	if a, b := post(srv, "a"), post(srv, "a"); a == b {
		t.Error("by default, each request makes an export")
	}
	srv.Payouts().Configure(func(b *pctest.Behavior) { b.Deduplicate = true })
	first := post(srv, "b")
	if post(srv, "b") != first || post(srv, "c") == first {
		t.Error("the same id must give the same export, another id another")
	}
	if e := srv.Payouts().Exports(); len(e) != 4 || e[2].RequestID != "b" {
		t.Errorf("exports %+v", e)
	}
}

func TestTokensAreChecked(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	token := func(ts partnercenter.TokenSource, resource string) string {
		tok, err := ts.Token(t.Context(), partnercenter.TokenRequest{Resource: resource})
		if err != nil {
			t.Fatal(err)
		}
		return tok.Value.Reveal()
	}
	const payment, products = "/v1.0/payouts/payments/11111111-1111-4111-8111-111111111111", "/v1.0/ingestion/products"
	path := payment
	get := func(header ...string) (int, string, http.Header) {
		t.Helper()
		resp, body, err := c.try(t.Context(), http.MethodGet, c.base+path, header...)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body), resp.Header
	}
	const invalid = `{"message":"Unauthorized: Invalid Authorization header","statusCode":401}`
	revoked := token(srv.TokenSource(), "")
	srv.RevokeToken(partnercenter.NewSecret(revoked))
	other := token(srv.TokenSource(), "https://api.partnercenter.microsoft.com")
	for _, path = range []string{products, payment} { // the gateway of the host is the same
		for name, header := range map[string][]string{
			"none": nil, "basic": {"Authorization", "Basic eDp5"}, "foreign": {"Authorization", "Bearer nonsense"}, "revoked": {"Authorization", "Bearer " + revoked},
		} {
			if status, body, h := get(header...); status != 401 || body != invalid || !strings.Contains(h.Get("WWW-Authenticate"), "invalid_token") {
				t.Errorf("%s, %s: %d %s", path, name, status, body)
			}
		}
		if status, body, _ := get("Authorization", "Bearer "+other); status != 401 ||
			body != `{"message":"Unauthorized: Invalid Authorization header, incorrect audience","statusCode":401}` {
			t.Errorf("%s, wrong audience: %d %s", path, status, body)
		}
	}
	app := token(srv.AppOnlyTokenSource(), "")
	if status, _, h := get("Authorization", "Bearer "+app, "ValidateMfa", "true"); status != 404 || h.Get("isMfaCompliant") != "true" {
		t.Errorf("app-only: %d, compliant %q", status, h.Get("isMfaCompliant"))
	}
	srv.Payouts().Configure(func(b *pctest.Behavior) { b.RefuseAppOnly = true })
	if status, body, _ := get("Authorization", "Bearer "+app); status != 400 || !strings.Contains(body, "token missing user information") {
		t.Errorf("app-only, refused: %d %s", status, body)
	}
	srv.Payouts().Configure(func(b *pctest.Behavior) { b.AuthShape = pctest.ShapeEmpty })
	if status, body, _ := get(); status != 401 || body != "" {
		t.Errorf("empty body: %d %q", status, body)
	}
}

func TestMFACanBeRequired(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	form := "grant_type=password&client_id=" + srv.ClientID() + "&username=" + srv.Username() + "&password=" + srv.Password().Reveal() +
		"&scope=https%3A%2F%2Fapi.partner.microsoft.com%2F.default"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.microsoftonline.com/"+srv.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.AccessToken == "" {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	withMFA := c.token
	c.token = partnercenter.NewSecret(answer.AccessToken)
	const path = "/v1.0/payouts/payments"
	if resp, _ := c.do(t.Context(), http.MethodPost, path, "ValidateMfa", "true"); resp.StatusCode != 202 || resp.Header.Get("isMfaCompliant") != "false" {
		t.Errorf("not required: %s, compliant %q", resp.Status, resp.Header.Get("isMfaCompliant"))
	}
	srv.Payouts().Configure(func(b *pctest.Behavior) { b.RequireMFA = true })
	if resp, body := c.do(t.Context(), http.MethodPost, path); resp.StatusCode != 401 || !strings.Contains(string(body), `"code":"900421"`) {
		t.Errorf("required: %s: %s", resp.Status, body)
	}
	c.token = withMFA
	// The submission API is at the same host.
	const products = "/v1.0/ingestion/products"
	if resp, _ := c.do(t.Context(), http.MethodGet, products, "ValidateMfa", "true"); resp.StatusCode != 200 || resp.Header.Get("isMfaCompliant") != "true" {
		t.Errorf("products with MFA: %s, compliant %q", resp.Status, resp.Header.Get("isMfaCompliant"))
	}
	c.token = partnercenter.NewSecret(answer.AccessToken)
	if resp, _ := c.do(t.Context(), http.MethodGet, products, "ValidateMfa", "true"); resp.StatusCode != 200 || resp.Header.Get("isMfaCompliant") != "false" {
		t.Errorf("products, not required: %s, compliant %q", resp.Status, resp.Header.Get("isMfaCompliant"))
	}
	if err := srv.Ingestion().Configure(func(b *pctest.IngestionBehavior) { b.RequireMFA = true }); err != nil {
		t.Fatal(err)
	}
	if resp, body := c.do(t.Context(), http.MethodGet, products); resp.StatusCode != 401 || !strings.Contains(string(body), `"code":"900421"`) {
		t.Errorf("products, required: %s: %s", resp.Status, body)
	}
	c.token = withMFA
	for method, path := range map[string]string{http.MethodPost: path, http.MethodGet: products} {
		if resp, body := c.do(t.Context(), method, path); resp.StatusCode != 202 && resp.StatusCode != 200 {
			t.Errorf("%s with MFA: %s: %s", path, resp.Status, body)
		}
	}
}

func TestTokenSourceRenewsByClockAndRejection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithTokenLifetime(10*time.Minute))
		ts := srv.TokenSource()
		get := func(req partnercenter.TokenRequest) partnercenter.Token {
			t.Helper()
			tok, err := ts.Token(t.Context(), req)
			if err != nil {
				t.Fatal(err)
			}
			return tok
		}
		first := get(partnercenter.TokenRequest{})
		if d := time.Until(first.ExpiresOn); d > 10*time.Minute || d < 9*time.Minute {
			t.Errorf("lives %v", d)
		}
		time.Sleep(8 * time.Minute)
		if !get(partnercenter.TokenRequest{}).Value.Equal(first.Value) {
			t.Error("a good token was replaced")
		}
		time.Sleep(90 * time.Second)
		second := get(partnercenter.TokenRequest{Rejected: first.Value})
		if second.Value.Equal(first.Value) {
			t.Error("a token that is about to expire was not replaced")
		}
		if third := get(partnercenter.TokenRequest{Rejected: second.Value}); third.Value.Equal(second.Value) {
			t.Error("a rejected token was handed out again")
		}
		srv.Advance(time.Hour)
		late := get(partnercenter.TokenRequest{Rejected: second.Value, Resource: "https://graph.microsoft.com"})
		if d := time.Until(late.ExpiresOn); d > 10*time.Minute || d < 9*time.Minute {
			t.Errorf("on the client's clock, the token lives %v", d)
		}
		if _, err := ts.Token(t.Context(), partnercenter.TokenRequest{Resource: "https://unknown.example"}); err == nil {
			t.Error("an unknown resource gave a token")
		}
	})
}
