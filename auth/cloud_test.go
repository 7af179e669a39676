package auth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
	"github.com/partnercenter-go/partnercenter/internal/transport"
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

func TestTokensAreGivenToHostsOfTheCloudOnly(t *testing.T) {
	global, china, own, open := auth.GlobalCloud(), auth.ChinaCloud(), auth.GlobalCloud(), auth.Cloud{Name: "open"}
	own.Hosts = append(own.Hosts, "Gateway.example", "gateway.example:8443")
	for _, c := range []struct {
		cloud     *auth.Cloud
		authority string
		host      string
		given     bool
	}{
		{&global, "", "api.partner.microsoft.com", true},
		{&global, "", "API.Partner.microsoft.com:443", true},
		{&global, "", "", true},
		{&global, "", "127.0.0.1:8080", true},
		{&global, "", "[::1]:8080", true},
		{&global, "", "localhost", true},
		{&global, "", "api.partner.microsoft.com:8443", false},
		{&global, "", "partner.partnercenterapi.microsoftonline.cn", false},
		{&global, "", "api.partner.microsoft.com.evil.example", false},
		{&global, "", "evil.example", false},
		{&global, "", "127.0.0.1.evil.example", false},
		{&global, "", "gateway.example", false},
		{&global, "https://login.private.example", "gateway.example", false},
		{&own, "", "gateway.example", true},
		{&own, "", "gateway.example:8443", true},
		{&own, "", "gateway.example:8444", false},
		{&china, "", "partner.partnercenterapi.microsoftonline.cn", true},
		{&china, "", "api.partner.microsoft.com", false},
		{&open, "", "anything.example", true},
		// Without a cloud the authority tells which it is.
		{nil, "", "api.partnercenter.microsoft.com", true},
		{nil, "", "graph.microsoft.com", true},
		{nil, "", "evil.example", false},
		{nil, "https://login.windows.net", "evil.example", false},
		{nil, "https://login.microsoftonline.us", "api.partner.microsoft.com", true},
		{nil, "https://login.microsoftonline.us", "evil.example", false},
		{nil, "https://login.partner.microsoftonline.cn", "api.partner.microsoft.com", false},
		{nil, "https://login.private.example", "gateway.example", true},
	} {
		name := "none"
		if c.cloud != nil {
			name = c.cloud.Name
		}
		t.Run(name+" "+c.authority+" "+c.host, func(t *testing.T) {
			srv := entra.New(everywhere())
			opts := local(srv)
			opts.Cloud, opts.Authority = c.cloud, c.authority
			s := clientCredentials(t, confidentialApp(), opts)
			req := auth.TokenRequest{Host: c.host}
			if c.cloud == &china {
				req.Resource = china.Resources[0]
			}
			// The second call finds the token in memory, which is no reason to give it away.
			for _, known := range []bool{false, true} {
				if known {
					req := req
					req.Host = ""
					get(t, s, req)
				}
				if c.given {
					get(t, s, req)
					continue
				}
				e := refused(t, s, req)
				if !errors.Is(e, auth.ErrWrongCloud) || !strings.Contains(e.Error(), c.host) || !strings.Contains(e.Advice, "Cloud.Hosts") {
					t.Errorf("got %v", e)
				}
				if n := srv.Count(entra.Token); !known && n != 0 {
					t.Errorf("%d tokens were asked for", n)
				}
			}
		})
	}
}

// A source of somebody's own is restricted when a cloud is named; one of ours stays what it
// is below another cache. Neither is told the host, because the token is for all callers.
func TestCloudOfACachedSource(t *testing.T) {
	cloud := auth.GlobalCloud()
	src := numbered()
	s := closing(t, auth.Cached(src, &auth.Options{Cloud: &cloud}))
	want(t, s, auth.TokenRequest{Resource: resource, Host: "api.partner.microsoft.com"}, "token-1")
	for _, req := range []auth.TokenRequest{
		{Resource: resource, Host: "evil.example"},
		{Resource: "https://partner.partnercenterapi.microsoftonline.cn"},
	} {
		if e := refused(t, s, req); !errors.Is(e, auth.ErrWrongCloud) {
			t.Errorf("%+v: got %v", req, e)
		}
	}
	if diff := cmp.Diff([]auth.TokenRequest{{Resource: resource}}, src.calls); diff != "" {
		t.Error(diff)
	}
	free := closing(t, auth.Cached(numbered(), nil))
	want(t, free, auth.TokenRequest{Resource: resource, Host: "anything.example"}, "token-1")
	picky := closing(t, auth.Cached(clientCredentials(t, confidentialApp(), local(entra.New(directory()))), nil))
	get(t, picky, auth.TokenRequest{Host: "api.partner.microsoft.com"})
	if e := refused(t, picky, auth.TokenRequest{Host: "evil.example"}); !errors.Is(e, auth.ErrWrongCloud) {
		t.Errorf("the source below has said no, got %v", e)
	}
}

// The whole way: a client whose endpoint has a slip in its name.
func TestASlipInTheEndpointSendsNoToken(t *testing.T) {
	srv := entra.New(directory())
	var asked []string
	api := roundTripper(func(r *http.Request) (*http.Response, error) {
		asked = append(asked, r.URL.Host)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("[]")), Request: r}, nil
	})
	s := clientCredentials(t, confidentialApp(), local(srv))
	call := func(endpoint string) error {
		c, err := transport.New(s, &pc.Options{Endpoint: endpoint, Transport: api}, transport.Defaults{APIVersion: "v1.0", Resource: resource})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Do(t.Context(), transport.Request{Method: http.MethodGet, Path: "/x"})
		return err
	}
	if err := call("https://API.partner.microsoft.com:443"); err != nil {
		t.Fatal(err)
	}
	for _, endpoint := range []string{"https://api.partner.rnicrosoft.com", "https://api.partner.microsoft.com:8443"} {
		if err := call(endpoint); !errors.Is(err, auth.ErrWrongCloud) {
			t.Errorf("%s: got %v", endpoint, err)
		}
	}
	if len(asked) != 1 {
		t.Errorf("requests were sent to %q", asked)
	}
}
