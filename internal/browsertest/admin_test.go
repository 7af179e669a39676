package browsertest

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/payouts"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// console is the fake with its page, and a client of the fake.
type console struct {
	*pctest.Server
	t      *testing.T
	tab    context.Context //nolint:containedctx // it ends with the test
	client *payouts.Client
}

// openConsole opens the fake's page in a browser.
func openConsole(t *testing.T) *console {
	t.Helper()
	fake := pctest.NewServer(t)
	_, at := serve(t, fake.Handler(pctest.AdminLoopback))
	client, err := payouts.New(fake.TokenSource(), fake.Options())
	if err != nil {
		t.Fatal(err)
	}
	c := &console{fake, t, newTab(t), client}
	// Questions of the page are answered with yes.
	chromedp.ListenTarget(c.tab, func(event any) {
		if _, asked := event.(*page.EventJavascriptDialogOpening); asked {
			go func() { _ = chromedp.Run(c.tab, page.HandleJavaScriptDialog(true)) }()
		}
	})
	run(t, c.tab, chromedp.EmulateViewport(1280, 1400), chromedp.Navigate(at+"/_pctest/"), chromedp.WaitVisible(`body[data-ready]`, chromedp.ByQuery))
	return c
}

func (c *console) start(kind payouts.Kind) *pc.Poller[payouts.Export] {
	c.t.Helper()
	poller, err := c.client.StartExport(c.t.Context(), payouts.ExportRequest{Kind: kind})
	if err != nil {
		c.t.Fatal(err)
	}
	return poller
}

// shows waits until an element has a text.
func shows(selector, text string) chromedp.Action {
	return holds(`[...document.querySelectorAll(` + quote(selector) + `)].some((e) => e.textContent.includes(` + quote(text) + `))`)
}

// lacks waits until no element has it.
func lacks(selector, text string) chromedp.Action {
	return holds(`![...document.querySelectorAll(` + quote(selector) + `)].some((e) => e.textContent.includes(` + quote(text) + `))`)
}

// labelled selects a button by what a screen reader says.
func labelled(label string) string { return `button[aria-label=` + quote(label) + `]` }

func TestAdminPageShowsAndSteers(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	c.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Processing(1_000_000)}})
	c.Payouts().NextExport(pctest.Script{Steps: []pctest.Step{pctest.Processing(1_000_000)}})
	first, second := c.start(payouts.Earnings), c.start(payouts.Payments)
	for _, p := range []*pc.Poller[payouts.Export]{first, second} {
		if _, _, err := p.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	exports := c.Payouts().Exports()

	// Live: nobody has reloaded the page.
	run(t, c.tab, shows("#export-rows", exports[0].ID), shows("#export-rows", "Processing"), shows("#request-rows", "/v1.0/payouts/payments"))
	c.shoot("light", false)
	c.shoot("dark", true)

	complete := labelled("Complete export " + exports[0].ID)
	run(t, c.tab, chromedp.Click(complete, chromedp.ByQuery), shows("#said", "Completed"),
		chromedp.WaitEnabled(labelled("Fail export "+exports[1].ID), chromedp.ByQuery),
		holds(`document.querySelector(`+quote(complete)+`).disabled`))
	run(t, c.tab, chromedp.Click(labelled("Fail export "+exports[1].ID), chromedp.ByQuery), shows("#export-rows", "Failed"))
	if e, err := first.Wait(t.Context(), nil); err != nil || e.Status != payouts.Completed {
		t.Errorf("the completed export is %v: %v", e.Status, err)
	}
	if _, err := second.Wait(t.Context(), nil); err == nil {
		t.Error("the failed export has not failed")
	}
	// What is deleted has nothing left to be done about.
	if err := c.client.DeleteExport(t.Context(), payouts.Earnings, exports[0].ID); err != nil {
		t.Fatal(err)
	}
	run(t, c.tab, shows("#export-rows", "deleted"), holds(`document.querySelector(`+quote(labelled("Expire links of export "+exports[0].ID))+`).disabled`))

	before := c.Now()
	run(t, c.tab, chromedp.Click(`button[data-advance="24h"]`, chromedp.ByQuery), shows("#said", "24h"))
	if d := c.Now().Sub(before); d.Hours() < 24 {
		t.Errorf("the clock is %v further", d)
	}

	// A token that is revoked is refused.
	token, err := c.AppOnlyTokenSource().Token(t.Context(), pc.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if status := c.ask(token.Value); status != http.StatusNotFound {
		t.Fatalf("asking for an export that does not exist answers %d", status)
	}
	run(t, c.tab, chromedp.Click(labelled("Revoke "+pctest.Fingerprint(token.Value)), chromedp.ByQuery), shows("#said", "is revoked"))
	if status := c.ask(token.Value); status != http.StatusUnauthorized {
		t.Errorf("with a revoked token the answer is %d", status)
	}

	run(t, c.tab, chromedp.SetValue("#only", "payments", chromedp.ByQuery), chromedp.SendKeys("#only", " ", chromedp.ByQuery),
		lacks("#request-rows", "transactionhistory"))
	c.shoot("after", false)

	run(t, c.tab, chromedp.Click(`button[data-act="reset"]`, chromedp.ByQuery), shows("#said", "forgotten"), shows("#export-rows", "none yet"))
	if n := len(c.Payouts().Exports()); n != 0 {
		t.Errorf("%d exports are left", n)
	}
}

// ask asks for an export with a token.
func (c *console) ask(token pc.Secret) int {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, "https://api.partner.microsoft.com/v1.0/payouts/payments/00000000-0000-4000-8000-000000000000", http.NoBody)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	resp, err := c.Transport().RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// A page that has been left open goes on with the server that takes over.
func TestAdminPageOutlivesTheServer(t *testing.T) {
	t.Parallel()
	first, next := pctest.NewServer(t), pctest.NewServer(t)
	handler := make(chan http.Handler, 1)
	handler <- first.Handler(pctest.AdminLoopback)
	_, at := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := <-handler
		handler <- h
		h.ServeHTTP(w, r)
	}))
	tab := newTab(t)
	ask := func(s *pctest.Server, path string) string {
		t.Helper()
		token, err := s.AppOnlyTokenSource().Token(t.Context(), pc.TokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://api.partner.microsoft.com/v1.0/payouts/payments/"+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
		resp, err := s.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return pctest.Fingerprint(token.Value)
	}
	for range 3 {
		ask(first, "before")
	}
	run(t, tab, chromedp.Navigate(at+"/_pctest/"), shows("#request-rows", "/payments/before"))

	revocable := ask(next, "after")
	<-handler
	handler <- next.Handler(pctest.AdminLoopback)
	run(t, tab, shows("#request-rows", "/payments/after"), lacks("#request-rows", "/payments/before"),
		chromedp.WaitEnabled(labelled("Revoke "+revocable), chromedp.ByQuery))
}

// Faults are added and removed with the keyboard alone.
func TestAdminPageWorksByKeyboard(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	focused := `document.activeElement.textContent.trim()`
	var order []string
	for range 6 {
		var name string
		run(t, c.tab, chromedp.KeyEvent(kb.Tab), chromedp.Evaluate(focused, &name))
		order = append(order, name)
	}
	if got := strings.Join(order, "|"); !strings.HasPrefix(got, "Skip to the exports|Skip to the faults|Skip to the requests|+1 hour|+1 day|Reset") {
		t.Fatalf("the keyboard visits %q", got)
	}
	for skip, next := range map[string]string{"faults": "fault-text", "requests": "only"} {
		run(t, c.tab, chromedp.Focus(`.skip[href="#`+skip+`"]`, chromedp.ByQuery), chromedp.KeyEvent(kb.Enter), chromedp.KeyEvent(kb.Tab),
			holds(`document.activeElement.id === `+quote(next)))
	}
	run(t, c.tab,
		chromedp.Focus("#fault-text", chromedp.ByQuery),
		chromedp.Evaluate(`document.activeElement.select()`, nil),
		chromedp.KeyEvent(`{"status": 503, "times": 7}`),
		chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter),
		shows("#fault-rows", `"times":7`), shows("#said", "waits"),
	)
	// The list is redrawn every second, and the focus stays.
	run(t, c.tab, chromedp.Focus(labelled("Remove fault 1"), chromedp.ByQuery))
	c.start2xx()
	run(t, c.tab, shows("#fault-rows", "1 hit"), holds(`document.activeElement.getAttribute("aria-label") === "Remove fault 1"`),
		chromedp.KeyEvent(kb.Enter), lacks("#fault-rows", `"times":7`))

	// A mistake is told, and nothing is added.
	run(t, c.tab,
		chromedp.SetValue("#fault-text", `{"stauts": 503}`, chromedp.ByQuery), chromedp.Focus("#fault-text", chromedp.ByQuery),
		chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter),
		shows("#said.bad", "stauts"),
	)
}

// start2xx sends a request that meets the fault.
func (c *console) start2xx() {
	c.t.Helper()
	token, err := c.TokenSource().Token(c.t.Context(), pc.TokenRequest{})
	if err != nil {
		c.t.Fatal(err)
	}
	if status := c.ask(token.Value); status != http.StatusServiceUnavailable {
		c.t.Fatalf("the fault has answered %d", status)
	}
}

// A page of another origin must not be able to press the buttons of this one.
func TestAdminRefusesOtherSites(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	_, other := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<title>other</title>")
	}))
	var at string
	run(t, c.tab, chromedp.Location(&at), chromedp.Navigate(other))
	before := c.Now()
	var outcome string
	run(t, c.tab, chromedp.Evaluate(`fetch(`+quote(strings.TrimSuffix(at, "/")+"/clock")+`, {method: "POST", mode: "no-cors", body: '{"advance": "1000h"}'}).then(() => "sent", (e) => String(e))`, &outcome,
		chromedp.EvalAsValue, awaitPromise))
	if outcome != "sent" {
		t.Fatalf("the other page could not send its request: %s", outcome)
	}
	if d := c.Now().Sub(before); d.Hours() > 1 {
		t.Errorf("another site has moved the clock by %v", d)
	}
}

// shoot takes a picture for whoever wants to look at the page: BROWSERTEST_SCREENSHOTS
// names the folder.
func (c *console) shoot(name string, dark bool) {
	c.t.Helper()
	dir := os.Getenv("BROWSERTEST_SCREENSHOTS")
	if dir == "" {
		return
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	var picture []byte
	run(c.t, c.tab,
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.FullScreenshot(&picture, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func TestAdminPageSteersReportsAndSubmissions(t *testing.T) {
	t.Parallel()
	c := openConsole(t)
	reports, err := analytics.New(c.AppOnlyTokenSource(), analytics.Marketplace, c.Options())
	if err != nil {
		t.Fatal(err)
	}
	query, err := reports.CreateQuery(t.Context(), analytics.QueryRequest{Name: "usage", Text: "SELECT OfferName, RawUsage FROM ISVUsage TIMESPAN LAST_MONTH"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reports.CreateReport(t.Context(), analytics.ReportRequest{Name: "usage-now", QueryID: query.ID, ExecuteNow: true}); err != nil {
		t.Fatal(err)
	}
	offers, err := ingestion.New(c.AppOnlyTokenSource(), c.Options())
	if err != nil {
		t.Fatal(err)
	}
	product, err := c.Ingestion().AddProduct(pctest.Product{Type: "AzureApplication", OfferID: "my-offer"})
	if err != nil {
		t.Fatal(err)
	}
	request := ingestion.SubmissionRequest{Targets: ingestion.ToPreview()}
	for _, module := range []ingestion.Module{ingestion.ModuleListing, ingestion.ModuleResellerConfiguration} {
		id, err := offers.Product(product.ID).Branches().Draft(t.Context(), module, "")
		if err != nil {
			t.Fatal(err)
		}
		request.Resources = append(request.Resources, ingestion.TypeValue{Type: string(module), Value: id})
	}
	submission, err := offers.Product(product.ID).Submissions().Create(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	execution := c.Analytics().Reports()[0].Runs[0].ID

	run(t, c.tab, shows("#report-rows", "usage-now"), shows("#report-rows", "Pending"), shows("#submission-rows", "my-offer"), shows("#submission-rows", "InDraft"),
		chromedp.Click(labelled("Complete execution "+execution), chromedp.ByQuery), shows("#report-rows", "Completed"),
		chromedp.Click(labelled("Fail submission "+submission.ID), chromedp.ByQuery), shows("#submission-rows", "Failed"))
	c.shoot("steered", true)
	if got := c.Analytics().Reports()[0].Runs[0].Status; got != "Completed" {
		t.Errorf("the execution is %s", got)
	}
	if got := c.Ingestion().Products()[0].Submissions[0].Substate; got != "Failed" {
		t.Errorf("the submission is %s", got)
	}
}
