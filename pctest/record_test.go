package pctest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/pctest"
)

// spyTB is a test that fails without failing the one that looks at it.
type spyTB struct {
	testing.TB
	errors   []string
	fatal    string
	cleanups []func()
}

func (s *spyTB) Helper()          {}
func (s *spyTB) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }
func (s *spyTB) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}
func (s *spyTB) Fatalf(format string, args ...any) {
	s.fatal = fmt.Sprintf(format, args...)
	panic(s)
}

func TestBrokenRulesFailTheTest(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		do   func(c *caller, link string)
		want string
	}{
		"bearer at the blob host": {func(c *caller, link string) {
			if resp, body := c.download(link, "Authorization", "Bearer "+c.token.Reveal()); resp.StatusCode != 403 {
				t.Errorf("%s: %s", resp.Status, body)
			}
		}, "Authorization header was sent to the blob host"},
		"ids at the blob host": {func(c *caller, link string) { c.download(link, "ms-correlationid", "x") }, "ms-correlationid was sent to the blob host"},
		"bearer abroad": {func(c *caller, _ string) {
			if _, _, err := c.try(c.t.Context(), http.MethodGet, "https://evil.example/x", "Authorization", "Bearer "+c.token.Reveal()); err == nil {
				t.Error("a foreign host answers")
			}
		}, "foreign host evil.example"},
		"bearer over http": {func(c *caller, _ string) {
			if _, _, err := c.try(c.t.Context(), http.MethodGet, "http://api.partner.microsoft.com/x", "Authorization", "Bearer "+c.token.Reveal()); err == nil {
				t.Error("plain http works")
			}
		}, "over plain http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spy := &spyTB{TB: t}
			srv := pctest.NewServer(spy, pctest.WithData(pctest.Data{Rows: 3}))
			c := newCaller(t, srv)
			link := c.link(pctest.Earnings, c.start(pctest.Earnings, ""))
			c.download(link)
			if v := srv.Violations(); len(v) != 0 {
				t.Fatalf("a proper download breaks rules: %q", v)
			}
			tt.do(c, link)
			for _, f := range spy.cleanups {
				f()
			}
			if len(spy.errors) != 1 || !strings.Contains(spy.errors[0], tt.want) || strings.Contains(spy.errors[0], c.token.Reveal()) {
				t.Errorf("errors %q", spy.errors)
			}
		})
	}
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]pctest.Data{
		"months":   {Months: 121},
		"share":    {RefundPercent: 101},
		"program":  {Programs: []string{"a", "a"}},
		"currency": {Currencies: []string{"euro"}},
		"column":   {EarningColumns: []string{"colour"}},
		"column 2": {PaymentColumns: []string{"colour"}},
	} {
		if _, err := pctest.New(pctest.WithData(d)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	spy := &spyTB{TB: t}
	func() {
		defer func() { _ = recover() }()
		pctest.NewServer(spy, pctest.WithData(pctest.Data{Months: -1}))
	}()
	if !strings.Contains(spy.fatal, "Months is -1; use 1 to 120") {
		t.Errorf("fatal %q", spy.fatal)
	}
	srv := pctest.NewServer(t, nil, pctest.WithBehavior(nil))
	srv.Payouts().Configure(nil)
	if err := srv.Payouts().SetData(pctest.Data{Months: 121}); err == nil {
		t.Error("SetData accepts anything")
	}
	if _, err := srv.Payouts().ExpectedEarnings("("); err == nil {
		t.Error("ExpectedEarnings accepts anything")
	}
	if _, err := srv.Payouts().ExpectedPayments("earningAmount ge 1"); err == nil {
		t.Error("ExpectedPayments accepts fields of earnings")
	}
}

func TestRequestsAreRecordedWithoutSecrets(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	link := c.link(pctest.Earnings, c.start(pctest.Earnings, query("earningForDate ge 2024-01-01")))
	c.download(link)
	form := "grant_type=client_credentials&client_id=" + srv.ClientID() + "&client_secret=" + srv.ClientSecret().Reveal() + "&unknown=" + srv.Password().Reveal()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://login.microsoftonline.com/"+srv.TenantID()+"/oauth2/v2.0/token", strings.NewReader(form))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	req.Header.Set("Cookie", "session=canary-cookie-value")
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}

	all := srv.Requests()
	text := fmt.Sprintf("%+v", all)
	for _, q := range all {
		text += string(q.Body)
	}
	_, sig, _ := strings.Cut(link, "sig=")
	for name, secret := range map[string]string{
		"token": c.token.Reveal(), "signature": sig, "client secret": srv.ClientSecret().Reveal(), "password": srv.Password().Reveal(), "cookie": "canary-cookie-value",
	} {
		if secret == "" || strings.Contains(text, secret) {
			t.Errorf("the %s is recorded", name)
		}
	}
	posts := all.To(pctest.API).On("post", "/v1.0/payouts/*").Answered(202)
	if len(posts) != 1 || posts[0].Query.Get("$filter") != "earningForDate ge 2024-01-01" || !posts[0].Bearer ||
		posts[0].Fingerprint != pctest.Fingerprint(c.token) || posts[0].Service != "api" || posts[0].Header.Get("Authorization") != "Bearer [redacted]" {
		t.Errorf("recorded %+v", posts)
	}
	blobs := all.To(pctest.Blob)
	if len(blobs) != 1 || blobs[0].Query.Get("sig") != "[redacted]" || blobs[0].Query.Get("sp") != "r" || blobs[0].Bearer || blobs[0].Sent == 0 || blobs[0].Fault {
		t.Errorf("recorded %+v", blobs)
	}
	logins := all.To(pctest.Login)
	if len(logins) != 1 || !strings.Contains(string(logins[0].Body), "grant_type=client_credentials") || !strings.Contains(string(logins[0].Body), "client_secret=%5Bredacted%5D") {
		t.Errorf("recorded %+v %s", logins, logins[0].Body)
	}
	logins[0].Header.Set("X", "y")
	if srv.Requests().To(pctest.Login)[0].Header.Get("X") != "" {
		t.Error("the record can be changed from outside")
	}
	if n := len(all.Where(func(q pctest.Request) bool { return q.Method == http.MethodGet })); n != 3 {
		t.Errorf("%d GETs", n)
	}
	srv.ForgetRequests()
	if n := len(srv.Requests()); n != 0 {
		t.Errorf("%d requests after forgetting", n)
	}
}

func TestRequestsCanBeCounted(t *testing.T) {
	t.Parallel()
	srv := pctest.NewServer(t)
	c := newCaller(t, srv)
	c.download(c.link(pctest.Payments, c.start(pctest.Payments, "?$filter=paymentAmount%20gt%201")))
	spy := &spyTB{TB: t}
	posts := srv.Requests().On("POST", "*").Want(spy, 1)
	if len(spy.errors) != 0 || len(posts) != 1 {
		t.Errorf("%v fail although there is one", spy.errors)
	}
	srv.Requests().Want(spy, 2)
	if len(spy.errors) != 1 || !strings.Contains(spy.errors[0], "POST https://api.partner.microsoft.com/v1.0/payouts/payments?%24filter=paymentAmount+gt+1 -> 202\n") ||
		!strings.Contains(spy.errors[0], "https://pctestexports.blob.core.windows.net/exports/") || !strings.Contains(spy.errors[0], "sig=%5Bredacted%5D") {
		t.Errorf("the failure says %q", spy.errors)
	}
}
