package pctest_test

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// reopen ends a server and continues in its directory.
func reopen(t *testing.T, srv *pctest.Server, dir string, opts ...pctest.Option) *pctest.Server {
	t.Helper()
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	return pctest.NewServer(t, append(opts, pctest.WithStateDir(dir))...)
}

// A client must not notice that the server was away: not its token, not its link, not
// its export.
func TestStateOutlivesTheServer(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "state")
	first := pctest.NewServer(t, pctest.WithStateDir(dir), pctest.WithSeed(7), pctest.WithData(pctest.Data{Rows: 50}))
	c := newCaller(t, first)
	export := c.start(pctest.Earnings, "")
	link := c.link(pctest.Earnings, export)
	_, file := c.download(link)
	ca, err := first.AuthorityPEM()
	if err != nil {
		t.Fatal(err)
	}
	first.Advance(10 * time.Minute)
	refresh := first.RefreshToken()
	revoked := newCaller(t, first)
	first.RevokeToken(revoked.token)

	// A seed of another one is not asked for: ids stay what they were.
	next := reopen(t, first, dir, pctest.WithSeed(8))
	if next.TenantID() != first.TenantID() || next.ClientID() != first.ClientID() || !next.ClientSecret().Equal(first.ClientSecret()) || !next.Password().Equal(first.Password()) {
		t.Error("the identity has changed")
	}
	if again, err := next.AuthorityPEM(); err != nil || !bytes.Equal(ca, again) {
		t.Errorf("the authority has changed: %v", err)
	}
	if d := time.Until(next.Now()); d < 9*time.Minute {
		t.Errorf("the clock is %v ahead", d)
	}
	old := *c
	old.http = &http.Client{Transport: next.Transport()}
	if resp, again := old.download(link, "If-Match", `"0x8D01*"`); resp.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("the file does not come from the new server: %s %d bytes", resp.Status, len(again))
	}
	if resp, again := old.download(link); resp.StatusCode != 200 || !bytes.Equal(file, again) {
		t.Errorf("the old link answers %s with %d bytes, not %d", resp.Status, len(again), len(file))
	}
	if e := old.get(pctest.Earnings, export); e.Status != "Completed" {
		t.Errorf("the export is %s", e.Status)
	}
	revoked.http = old.http
	if resp, _ := revoked.do(t.Context(), "GET", "/v1.0/payouts/payments/x"); resp.StatusCode != 401 {
		t.Errorf("a revoked token is answered with %s", resp.Status)
	}
	if e := old.start(pctest.Earnings, ""); e == export {
		t.Error("an id is used again")
	}

	// The refresh token signs in.
	form := url.Values{
		"grant_type": {"refresh_token"}, "refresh_token": {refresh.Reveal()}, "client_id": {next.ClientID()},
		"client_secret": {next.ClientSecret().Reveal()}, "scope": {"https://api.partner.microsoft.com/.default"},
	}
	resp, err := old.http.PostForm("https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token", form) //nolint:noctx // in the process
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != 200 {
		t.Errorf("the refresh token is answered with %s, %v", resp.Status, err)
	}
}

func TestStateKeepsCallbacksAndUploads(t *testing.T) {
	t.Parallel()
	called := make(chan string, 10)
	receiver := pctest.ToHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called <- r.URL.Path }))
	dir := t.TempDir()
	// Slow enough that nothing is due before the server has been away.
	slow := pctest.WithAnalyticsBehavior(func(b *pctest.AnalyticsBehavior) { b.QueueTime = time.Hour })
	first := pctest.NewServer(t, pctest.WithStateDir(dir), pctest.WithCallbacks(receiver), slow)
	report := orderReport(t, first)
	product := seed(t, first)
	listing, err := newPublisher(t, first).Product(product.ID).Branches().Draft(t.Context(), ingestion.ModuleListing, "")
	if err != nil {
		t.Fatal(err)
	}
	link := uploadImage(t, first, product.ID, listing, []byte("content"))

	next := reopen(t, first, dir, pctest.WithCallbacks(receiver), slow)
	next.Advance(2 * time.Hour)
	if got := <-called; !strings.HasSuffix(got, report.ID) {
		t.Errorf("called was %s", got)
	}
	resp, err := (&http.Client{Transport: next.Transport()}).Get(link) //nolint:noctx // in the process
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil || resp.StatusCode != 200 || body.String() != "content" {
		t.Errorf("the uploaded file is answered with %s %q, %v", resp.Status, body.String(), err)
	}

	// Reset forgets it for good.
	if err := next.Reset(); err != nil {
		t.Fatal(err)
	}
	last := reopen(t, next, dir)
	if n := len(last.Ingestion().Products()); n != 0 {
		t.Errorf("%d products are back", n)
	}
	if list, err := filepath.Glob(filepath.Join(dir, "upload-*")); err != nil || len(list) != 0 {
		t.Errorf("left are %v, %v", list, err)
	}
}

// uploadImage makes a listing with an image and uploads its file; it returns a link
// with which it can be read.
func uploadImage(t *testing.T, srv *pctest.Server, productID, instance string, content []byte) string {
	t.Helper()
	token, err := srv.AppOnlyTokenSource().Token(t.Context(), partnercenter.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: srv.Transport()}
	send := func(method, url, body string, header ...string) map[string]any {
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil || resp.StatusCode > 299 {
			t.Fatalf("%s %s: %s %s %v", method, url, resp.Status, &b, err)
		}
		out := map[string]any{}
		if b.Len() > 0 {
			if err := json.Unmarshal(b.Bytes(), &out); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	api := "https://api.partner.microsoft.com/v1.0/ingestion/products/" + productID
	auth := []string{"Authorization", "Bearer " + token.Value.Reveal(), "Content-Type", "application/json"}
	list := send("GET", api+"/listings/getByInstanceID(instanceID="+instance+")", "", auth...)
	values, _ := list["value"].([]any)
	if len(values) == 0 {
		t.Fatalf("no listing: %v", list)
	}
	listing, _ := values[0].(map[string]any)
	id, _ := listing["id"].(string)
	image := send("POST", api+"/listings/"+id+"/images", `{"resourceType": "ListingImage", "fileName": "logo.png", "type": "AzureLogoLarge", "state": "PendingUpload", "order": 0}`, auth...)
	sas, _ := image["fileSasUri"].(string)
	send("PUT", sas, string(content), "x-ms-blob-type", "BlockBlob", "Content-Type", "image/png")
	return sas
}

// An upload that is under way goes on when the server is back, also after it was killed;
// and what there is, is what there was.
func TestStateKeepsWhatUploadsAreMadeOf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := pctest.NewServer(t, pctest.WithStateDir(dir))
	product := seed(t, first)
	listing, err := newPublisher(t, first).Product(product.ID).Branches().Draft(t.Context(), ingestion.ModuleListing, "")
	if err != nil {
		t.Fatal(err)
	}
	link := uploadImage(t, first, product.ID, listing, []byte("content"))
	srv := first
	send := func(method, address, body string, want int) (http.Header, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if req.URL.Host == string(pctest.API) {
			token, err := srv.TokenSource().Token(t.Context(), partnercenter.TokenRequest{})
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
			req.Header.Set("Content-Type", "application/json")
		}
		if method == http.MethodPut {
			req.Header.Set("x-ms-meta-who", "me")
		}
		resp, err := (&http.Client{Transport: srv.Transport()}).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var b bytes.Buffer
		if _, err := b.ReadFrom(resp.Body); err != nil || resp.StatusCode != want {
			t.Fatalf("%s %s: %s %s %v", method, req.URL.Path, resp.Status, &b, err)
		}
		return resp.Header, b.String()
	}
	block := func(id, content string) { t.Helper(); send("PUT", link+"&comp=block&blockid="+id, content, 201) }
	commit := func(items string) {
		t.Helper()
		send("PUT", link+"&comp=blocklist", "<BlockList>"+items+"</BlockList>", 201)
	}
	same := func(old http.Header, want string) http.Header {
		t.Helper()
		header, body := send("GET", link, "", 200)
		for _, name := range []string{"ETag", "Last-Modified", "Content-MD5", "x-ms-meta-who", "Content-Type"} {
			if old != nil && header.Get(name) != old.Get(name) {
				t.Errorf("%s is %q, was %q", name, header.Get(name), old.Get(name))
			}
		}
		if body != want {
			t.Errorf("the file holds %q, not %q", body, want)
		}
		return header
	}
	blocks := func() []string {
		list, err := filepath.Glob(filepath.Join(dir, "block-*"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	again := func() {
		t.Helper()
		srv = reopen(t, srv, dir)
	}
	lead := "https://api.partner.microsoft.com/v1.0/ingestion/products/" + product.ID + "/leadconfiguration"
	send("POST", lead, `{"resourceType": "HttpsEndpointLeadConfiguration", "httpsEndpointUrl": "https://leads.example/in"}`, 200)
	_, leads := send("GET", lead, "", 200)

	whole := same(nil, "content")
	block("QUFB", "one ")
	block("QkJC", "two ")
	again()
	same(whole, "content")
	if _, got := send("GET", lead, "", 200); got != leads {
		t.Errorf("the lead configuration is %s, was %s", got, leads)
	}
	block("Q0ND", "three")
	commit("<Latest>QUFB</Latest><Latest>QkJC</Latest><Latest>Q0ND</Latest>")
	if left := blocks(); len(left) != 0 {
		t.Errorf("blocks that are part of the file are kept: %v", left)
	}
	committed := same(nil, "one two three")
	again()
	same(committed, "one two three")
	block("RERE", "four")
	commit("<Committed>QkJC</Committed><Uncommitted>RERE</Uncommitted>")
	again()
	same(nil, "two four")

	// Links that were made worthless stay so.
	c := newCaller(t, srv)
	export := c.start(pctest.Earnings, "")
	download := c.link(pctest.Earnings, export)
	if resp, _ := c.download(download); resp.StatusCode != 200 {
		t.Errorf("the link answers %s", resp.Status)
	}
	if err := srv.Payouts().ExpireLinks(export); err != nil {
		t.Fatal(err)
	}
	fresh := c.link(pctest.Earnings, export)
	before, _ := c.download(fresh)
	again()
	c.http = &http.Client{Transport: srv.Transport()}
	if resp, _ := c.download(download); resp.StatusCode != 403 {
		t.Errorf("a link that was made worthless answers %s", resp.Status)
	}
	if after, _ := c.download(fresh); after.StatusCode != 200 || after.Header.Get("ETag") != before.Header.Get("ETag") {
		t.Errorf("a fresh one answers %s with ETag %s, before %s", after.Status, after.Header.Get("ETag"), before.Header.Get("ETag"))
	}

	// What belongs to nothing any more is gone from the directory, too.
	block("RUVF", "five")
	send("DELETE", "https://api.partner.microsoft.com/v1.0/ingestion/products/"+product.ID, "", 204)
	again()
	if list, err := filepath.Glob(filepath.Join(dir, "upload-*")); err != nil || len(list) > 0 || len(blocks()) > 0 {
		t.Errorf("left are %v and %v, %v", list, blocks(), err)
	}
	block("RUVF", "five")
	if err := srv.Reset(); err != nil {
		t.Fatal(err)
	}
	if left := blocks(); len(left) != 0 {
		t.Errorf("after the reset, there are %v", left)
	}
}

// Whoever closes the server may give the directory to another one.
func TestStateIsNotWrittenAfterClosing(t *testing.T) {
	t.Parallel()
	for range 10 {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			srv, err := pctest.New(pctest.WithStateDir(dir))
			if err != nil {
				t.Fatal(err)
			}
			newCaller(t, srv).start(pctest.Payments, "")
			time.Sleep(time.Second) // now it is to be written
			if err := srv.Close(); err != nil {
				t.Fatal(err)
			}
			state := filepath.Join(dir, "state.json")
			if err := os.Remove(state); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if _, err := os.Stat(state); !os.IsNotExist(err) {
				t.Errorf("it was written later: %v", err)
			}
		})
	}
}

func TestStateSurvivesAKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv, err := pctest.New(pctest.WithStateDir(dir))
		if err != nil {
			t.Fatal(err)
		}
		c := newCaller(t, srv)
		id := c.start(pctest.Payments, "")
		time.Sleep(2 * time.Second)
		// What the process would leave behind if it ended here.
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		next := pctest.NewServer(t, pctest.WithStateDir(copied))
		if list := next.Payouts().Exports(); len(list) != 1 || list[0].ID != id {
			t.Errorf("%+v is left", list)
		}
	})
}

// orderReport has a report made at once, which calls when it is ready.
func orderReport(t *testing.T, srv *pctest.Server) analytics.Report {
	t.Helper()
	reports, err := analytics.New(srv.AppOnlyTokenSource(), analytics.Marketplace, srv.Options())
	if err != nil {
		t.Fatal(err)
	}
	report, err := reports.CreateReport(t.Context(), analytics.ReportRequest{
		Name: "now", QueryID: systemQuery(t, reports), ExecuteNow: true, CallbackURL: partnercenter.NewSecret("https://hooks.example.com/pc"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// What happens without a request is written down as well: what a test does, and what comes
// with the time.
func TestStateWithoutRequestsSurvivesAKill(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		receiver := pctest.WithCallbacks(pctest.ToHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ })))
		slow := pctest.WithAnalyticsBehavior(func(b *pctest.AnalyticsBehavior) { b.QueueTime, b.RunTime = time.Hour, time.Hour })
		dir := t.TempDir()
		srv, err := pctest.New(pctest.WithStateDir(dir), receiver, slow)
		if err != nil {
			t.Fatal(err)
		}
		orderReport(t, srv)
		export := newCaller(t, srv).start(pctest.Payments, "")
		revoked := newCaller(t, srv)
		killed := func(what string, act func(), check func(next *pctest.Server)) {
			t.Helper()
			time.Sleep(2 * time.Second) // all that was before is written
			act()
			time.Sleep(2 * time.Second)
			// What the process would leave behind if it ended here.
			copied := t.TempDir()
			if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			next, err := pctest.New(pctest.WithStateDir(copied), receiver, slow)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			check(next)
			synctest.Wait() // for calls that are due
			if err := next.Close(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		killed("a product", func() { seed(t, srv) }, func(next *pctest.Server) {
			if n := len(next.Ingestion().Products()); n != 1 {
				t.Errorf("%d products are left", n)
			}
		})
		killed("the end of an export", func() {
			if err := srv.Payouts().Finish(export, pctest.Failed()); err != nil {
				t.Fatal(err)
			}
		}, func(next *pctest.Server) {
			if got := next.Payouts().Exports()[0].Status; got != "Failed" {
				t.Errorf("the export is %s", got)
			}
		})
		killed("a revoked token", func() { srv.RevokeToken(revoked.token) }, func(next *pctest.Server) {
			revoked.http = &http.Client{Transport: next.Transport()}
			if resp, _ := revoked.do(t.Context(), "GET", "/v1.0/payouts/payments/x"); resp.StatusCode != 401 {
				t.Errorf("it is answered with %s", resp.Status)
			}
		})
		killed("a call", func() { time.Sleep(3 * time.Hour) }, func(*pctest.Server) {})
		if calls != 1 {
			t.Errorf("the receiver was called %d times", calls)
		}
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// A server that does not come about leaves nobody behind who calls.
func TestStateThatCannotBeUsedCallsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		receiver := pctest.WithCallbacks(pctest.ToHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls++ })))
		dir := t.TempDir()
		srv, err := pctest.New(pctest.WithStateDir(dir), receiver)
		if err != nil {
			t.Fatal(err)
		}
		orderReport(t, srv)
		if err := srv.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "upload-0"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := pctest.New(pctest.WithStateDir(dir), receiver); err == nil {
			t.Fatal("a damaged file is taken")
		}
		time.Sleep(24 * time.Hour)
		if calls != 0 {
			t.Errorf("the receiver was called %d times", calls)
		}
	})
}

func TestStateThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv := pctest.NewServer(t, pctest.WithStateDir(dir))
	if err := srv.Close(); err != nil {
		t.Fatal(err)
	}
	damage := func(name, content string) string {
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(copied, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return copied
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		file:                         "file",
		damage("identity.json", "{"): "identity.json",
		damage("identity.json", `{"pctestIdentity": 1, "tokenKey": "eA=="}`): "damaged",
		damage("state.json", "x"):                                            "damaged",
		damage("state.json", `{"pctestState": 9}`):                           "version 9",
		damage("state.json", `{"pctestState": 1, "tokens": {}, "rest": {}}`): "snapshot",
	} {
		_, err := pctest.New(pctest.WithStateDir(path))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := pctest.New(pctest.WithStateDir(dir), pctest.WithSnapshot([]byte("{}"))); err == nil {
		t.Error("a snapshot and a directory go together")
	}
	// None of the failures has left the directory locked.
	again := pctest.NewServer(t, pctest.WithStateDir(dir))
	if other, err := pctest.New(pctest.WithStateDir(dir)); err == nil {
		t.Error("a directory is used twice")
		_ = other.Close()
	}
	_ = again

	bad := damage("ca.pem", "x")
	if err := os.WriteFile(filepath.Join(bad, "ca-key.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	broken := pctest.NewServer(t, pctest.WithStateDir(bad))
	if _, err := broken.AuthorityPEM(); err == nil || !strings.Contains(err.Error(), "ca.pem") {
		t.Errorf("a damaged authority: %v", err)
	}
}

func TestStateThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "dir")
	srv, err := pctest.New(pctest.WithStateDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	newCaller(t, srv).start(pctest.Payments, "")
	if err := srv.Close(); err == nil {
		t.Error("nobody is told that the state is lost")
	}
}

func TestSpeed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := pctest.NewServer(t, pctest.WithSpeed(8640), pctest.WithBehavior(func(b *pctest.Behavior) {
			b.Steps = []pctest.Step{pctest.QueuedFor(time.Hour), pctest.ProcessingFor(23 * time.Hour), pctest.Completed()}
		}))
		c := newCaller(t, srv)
		id := c.start(pctest.Payments, "")
		time.Sleep(9 * time.Second)
		if got := c.get(pctest.Payments, id).Status; got != "Processing" {
			t.Errorf("after nine seconds it is %s", got)
		}
		time.Sleep(time.Second)
		link := c.link(pctest.Payments, id)
		// Neither the token nor the link has aged by a day.
		time.Sleep(30 * time.Minute)
		if resp, _ := c.download(link); resp.StatusCode != 200 {
			t.Errorf("half an hour later the link answers %s", resp.Status)
		}
		if got := c.get(pctest.Payments, id).Status; got != "Completed" {
			t.Errorf("it is %s", got)
		}
	})
	for _, bad := range []float64{-1, math.NaN(), math.Inf(1)} {
		if _, err := pctest.New(pctest.WithSpeed(bad)); err == nil {
			t.Errorf("a clock runs %v times as fast", bad)
		}
	}
}

func TestSpeedMakesCallbacksComeSooner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		called := make(chan time.Time, 1)
		receiver := pctest.ToHandler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called <- time.Now() }))
		srv := pctest.NewServer(t, pctest.WithSpeed(60), pctest.WithCallbacks(receiver), pctest.WithAnalyticsBehavior(func(b *pctest.AnalyticsBehavior) {
			b.QueueTime, b.RunTime = time.Hour, time.Hour
		}))
		began := time.Now()
		orderReport(t, srv)
		if d := (<-called).Sub(began); d < 2*time.Minute || d > 2*time.Minute+time.Second {
			t.Errorf("two hours took %v", d)
		}
	})
}

func TestFaultsAreReadFromAFile(t *testing.T) {
	t.Parallel()
	list, err := pctest.ParseFaults([]byte(`[{"status": 503, "times": 2, "retryAfter": "2s"}, {"host": "*.blob.core.windows.net", "cutAfter": 10}]`))
	if err != nil {
		t.Fatal(err)
	}
	srv := pctest.NewServer(t)
	for _, f := range list {
		srv.Inject(f)
	}
	c := newCaller(t, srv)
	for _, want := range []int{503, 503, 404} {
		if resp, _ := c.do(t.Context(), "GET", "/v1.0/payouts/payments/x"); resp.StatusCode != want {
			t.Errorf("%s, want %d", resp.Status, want)
		}
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	var again []pctest.Fault
	if err := json.Unmarshal(text, &again); err != nil || len(again) != 2 {
		t.Errorf("%s is read back as %v, %v", text, again, err)
	}
	if _, err := pctest.ParseFaults([]byte(`{}`)); err == nil {
		t.Error("a fault that does nothing is taken")
	}
}
