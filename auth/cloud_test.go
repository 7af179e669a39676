package auth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// everywhere is a directory that knows the APIs of all clouds.
func everywhere() entra.Config {
	cfg := directory()
	for _, c := range []auth.Cloud{auth.GlobalCloud(), auth.ChinaCloud()} {
		for _, r := range c.Resources {
			cfg.Resources = append(cfg.Resources, entra.Resource{Audience: r})
		}
	}
	return cfg
}

func TestCloudsSignInAtTheirOwnHost(t *testing.T) {
	for name, host := range map[string]string{
		"global": "login.microsoftonline.com", "USGovernment": "login.microsoftonline.us", "china": "login.partner.microsoftonline.cn",
	} {
		t.Run(name, func(t *testing.T) {
			cloud, err := auth.CloudByName(name)
			if err != nil {
				t.Fatal(err)
			}
			srv := entra.New(everywhere())
			opts := local(srv)
			opts.Cloud = &cloud
			s := clientCredentials(t, confidentialApp(), opts)
			for range 2 {
				get(t, s, auth.TokenRequest{Resource: cloud.Resources[0]})
			}
			for _, r := range srv.Requests() {
				if r.Host != host {
					t.Errorf("%s was asked, want %s", r.Host, host)
				}
			}
			if n := srv.Count(entra.Token); n != 1 {
				t.Errorf("%d token requests, want 1", n)
			}
		})
	}
	if _, err := auth.CloudByName("germany"); err == nil || !strings.Contains(err.Error(), "global, usgovernment, china") {
		t.Errorf("got %v", err)
	}
}

func TestTokensForAnotherCloudsAPIAreRefused(t *testing.T) {
	srv := entra.New(everywhere())
	china, opts := auth.ChinaCloud(), local(srv)
	opts.Cloud = &china
	s := clientCredentials(t, confidentialApp(), opts)
	e := refused(t, s, auth.TokenRequest{})
	if !errors.Is(e, auth.ErrWrongCloud) || !strings.Contains(e.Error(), "china") || !strings.Contains(e.Advice, "Cloud.Resources") {
		t.Errorf("got %v", e)
	}
	signedOut := signIn(publicApp())
	_, consent := auth.NewConsent(signedOut, "http://localhost", opts)
	_, device := auth.SignInWithDeviceCode(t.Context(), signedOut, noShow, opts)
	if !errors.Is(consent, auth.ErrWrongCloud) || !errors.Is(device, auth.ErrWrongCloud) {
		t.Errorf("sign-ins: %v, %v", consent, device)
	}
	if n := len(srv.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
	// Later changes of the caller's value have no effect on the source.
	china.Resources[0] = resource
	if e := refused(t, s, auth.TokenRequest{}); !errors.Is(e, auth.ErrWrongCloud) {
		t.Errorf("got %v", e)
	}
}

func TestEveryFieldOfACloudCanBeChanged(t *testing.T) {
	srv := entra.New(everywhere())
	cloud := auth.ChinaCloud()
	cloud.Authority, cloud.Resources = auth.DefaultAuthority, append(cloud.Resources, resource+"/")
	opts := local(srv)
	opts.Cloud = &cloud
	get(t, clientCredentials(t, confidentialApp(), opts), auth.TokenRequest{})
	opts.Authority = "https://login.microsoftonline.us" // stronger than the cloud's
	cloud.Resources = nil                               // any
	get(t, clientCredentials(t, confidentialApp(), opts), auth.TokenRequest{})
	reqs := srv.Requests()
	if first, last := reqs[0].Host, reqs[len(reqs)-1].Host; first != "login.microsoftonline.com" || last != "login.microsoftonline.us" {
		t.Errorf("asked %s and %s", first, last)
	}
	if auth.ChinaCloud().Authority == auth.DefaultAuthority || len(auth.ChinaCloud().Resources) != 1 {
		t.Error("the change has reached the next value")
	}
}

// closer is a request body that knows whether it was closed.
type closer struct {
	io.Reader
	closed bool
}

func (c *closer) Close() error { c.closed = true; return nil }

func TestTokensAreSentToHostsOfTheCloudOnly(t *testing.T) {
	for _, c := range []struct {
		cloud auth.Cloud
		url   string
		token bool
		sent  bool
	}{
		{auth.GlobalCloud(), "https://api.partner.microsoft.com/v1.0/payouts", true, true},
		{auth.GlobalCloud(), "https://API.Partner.microsoft.com:443/", true, true},
		{auth.GlobalCloud(), "https://api.partner.microsoft.com:8443/", true, false},
		{auth.GlobalCloud(), "https://partner.partnercenterapi.microsoftonline.cn/", true, false},
		{auth.GlobalCloud(), "https://api.partner.microsoft.com.evil.example/", true, false},
		{auth.ChinaCloud(), "https://api.partner.microsoft.com/", true, false},
		{auth.ChinaCloud(), "https://partner.partnercenterapi.microsoftonline.cn/v1/customers", true, true},
		{auth.ChinaCloud(), "https://account.blob.core.chinacloudapi.cn/file?sig=x", false, true},
		{auth.ChinaCloud(), "http://127.0.0.1:8080/", true, true},
		{auth.Cloud{Name: "own"}, "https://anything.example/", true, true},
		{auth.Cloud{Name: "own", Hosts: []string{"gateway.example"}}, "https://gateway.example/", true, true},
	} {
		sent := false
		guard := c.cloud.Guard(roundTripper(func(*http.Request) (*http.Response, error) {
			sent = true
			return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
		}))
		body := &closer{Reader: strings.NewReader("x")}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.url, body)
		if err != nil {
			t.Fatal(err)
		}
		if c.token {
			req.Header.Set("Authorization", "Bearer canary")
		}
		resp, err := guard.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		if sent != c.sent || sent == errors.Is(err, auth.ErrWrongCloud) {
			t.Errorf("%s to %s: sent %t, error %v", c.cloud.Name, c.url, sent, err)
		}
		if err != nil && (!body.closed || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "sig=")) {
			t.Errorf("body closed %t, error %v", body.closed, err)
		}
	}
}

// idler counts the calls of CloseIdleConnections.
type idler struct {
	roundTripper
	calls int
}

func (i *idler) CloseIdleConnections() { i.calls++ }

func TestGuardIsTransparent(t *testing.T) {
	var i idler
	(&http.Client{Transport: auth.GlobalCloud().Guard(&i)}).CloseIdleConnections()
	(&http.Client{Transport: auth.GlobalCloud().Guard(roundTripper(nil))}).CloseIdleConnections()
	if i.calls != 1 {
		t.Errorf("%d calls, want 1", i.calls)
	}
	srv := listen(t, directory(), nil)
	client := &http.Client{Transport: auth.GlobalCloud().Guard(nil)}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err == nil { // nobody trusts the test's certificate
		_ = resp.Body.Close()
		t.Error("nil does not mean the default transport")
	}
}
