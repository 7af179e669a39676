package auth_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// polls are the times at which the client asked whether the user has signed in, since start.
func polls(srv *entra.Server, start time.Time) []time.Duration {
	var out []time.Duration
	for _, r := range srv.Requests() {
		if r.GrantType == "device_code" {
			out = append(out, r.At.Sub(start).Round(time.Second))
		}
	}
	return out
}

func noShow(context.Context, auth.DeviceCode) error { return nil }

func TestDeviceCodeSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		s := signIn(publicApp())
		s.Claims = `{"access_token":{"acrs":{"essential":true}}}`
		start := time.Now()
		got, err := auth.SignInWithDeviceCode(t.Context(), s, func(_ context.Context, c auth.DeviceCode) error {
			if c.UserCode == "" || !strings.Contains(c.Message, c.UserCode) || !strings.Contains(c.Message, c.VerificationURL) ||
				!near(c.ExpiresOn, start.Add(15*time.Minute)) {
				t.Errorf("shown: %+v", c)
			}
			time.AfterFunc(12*time.Second, func() {
				if err := srv.ApproveDevice(c.UserCode, mfaUPN); err != nil {
					t.Error(err)
				}
			})
			return nil
		}, local(srv))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}, polls(srv, start)); diff != "" {
			t.Errorf("asked at (-want +got):\n%s", diff)
		}
		r := stored(t, s)
		if got.Username != mfaUPN || got.TenantID != tenantID || !slices.Contains(got.AMR, "mfa") || r.ClientID != publicID || r.SignedInAt.IsZero() {
			t.Errorf("signed in %+v, stored %v", got, r)
		}
		if claims, ok := srv.Check(got.Token.Value.Reveal()); !ok || claims.UPN != mfaUPN {
			t.Errorf("claims %+v, valid %t", claims, ok)
		}
	})
}

func TestExactRequestsOfADeviceCodeSignIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tap wiretap
		srv := entra.New(directory())
		opts := &auth.Options{Transport: inProcess{handler: tap.wrap(srv)}}
		if _, err := auth.SignInWithDeviceCode(t.Context(), signIn(publicApp()), func(_ context.Context, c auth.DeviceCode) error {
			return srv.ApproveDevice(c.UserCode, upn)
		}, opts); err != nil {
			t.Fatal(err)
		}
		const host = "https://login.microsoftonline.com/"
		code := field(t, tap.text[len(tap.text)-1], "device_code")
		want := "POST " + host + tenantID + "/oauth2/v2.0/devicecode\n  client_id=" + publicID + "\n  scope=" + resource + "/.default openid offline_access profile\n" +
			"POST " + host + tenantID + "/oauth2/v2.0/token\n  client_id=" + publicID + "\n  client_info=1\n  device_code=" + code + "\n  grant_type=device_code\n  scope=" + resource + "/.default openid offline_access profile\n"
		_, got, _ := strings.Cut(tap.String(), "openid-configuration?\n")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	})
}

func TestPaceOfADeviceCodeSignIn(t *testing.T) {
	sec := func(n ...int) []time.Duration {
		var out []time.Duration
		for _, s := range n {
			out = append(out, time.Duration(s)*time.Second)
		}
		return out
	}
	slow := &entra.OAuthError{Code: "slow_down", STS: 70021, Text: "Slower."}
	for _, c := range []struct {
		name   string
		adjust func(*entra.Config)
		faults []entra.Fault
		decide func(*entra.Server, auth.DeviceCode) error // after a minute and a half
		opts   auth.Options
		want   error
		asked  []time.Duration
	}{
		{
			name: "a longer interval", adjust: func(c *entra.Config) { c.DeviceInterval = 40 * time.Second },
			asked: sec(40, 80, 120),
		},
		{
			name: "slow_down counts from then on",
			faults: []entra.Fault{
				{Endpoint: entra.Token, Error: slow},
				{Endpoint: entra.Token, Error: slow},
			},
			asked: sec(5, 15, 30, 45, 60, 75, 90),
		},
		{
			name:   "no interval means five seconds",
			adjust: func(c *entra.Config) { c.DeviceInterval = 30 * time.Second; c.DeviceLifetime = 31 * time.Second },
			faults: []entra.Fault{{Endpoint: entra.DeviceCode, Omit: []string{"interval"}}, {Endpoint: entra.Token, Times: -1, Error: &entra.OAuthError{Code: "authorization_pending", STS: 70016}}},
			want:   auth.ErrSignInExpired, asked: sec(5, 10, 15, 20, 25, 30),
		},
		{
			name:   "declined",
			decide: func(s *entra.Server, c auth.DeviceCode) error { return s.DeclineDevice(c.UserCode) },
			adjust: func(c *entra.Config) { c.DeviceInterval = 60 * time.Second },
			want:   auth.ErrDenied, asked: sec(60, 120),
		},
		{
			name:   "declined as RFC 8628 has it",
			faults: []entra.Fault{{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "access_denied", STS: 65004}}},
			want:   auth.ErrDenied, asked: sec(5),
		},
		{
			name: "nobody signs in", adjust: func(c *entra.Config) { c.DeviceLifetime = 62 * time.Second; c.DeviceInterval = 20 * time.Second },
			want: auth.ErrSignInExpired, asked: sec(20, 40, 60),
		},
		{
			name:   "expired as the service sees it",
			faults: []entra.Fault{{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "expired_token", STS: 70020}}},
			want:   auth.ErrSignInExpired, asked: sec(5),
		},
		{
			name: "trouble on the way", opts: auth.Options{MaxRetries: -1},
			faults: []entra.Fault{{Endpoint: entra.Token, Status: 500}, {Endpoint: entra.Token, Drop: true}, {Endpoint: entra.Token, Status: 429, RetryAfter: "33"}},
			asked:  sec(5, 15, 30, 63, 96),
		},
		{
			name:   "another refusal ends it",
			faults: []entra.Fault{{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "unauthorized_client", STS: 700016}}},
			want:   auth.ErrBadConfiguration, asked: sec(5),
		},
		{
			name:   "redeemed by a lost answer",
			adjust: func(c *entra.Config) { c.DeviceInterval = 60 * time.Second },
			opts:   auth.Options{MaxRetries: -1},
			faults: []entra.Fault{{Endpoint: entra.Token, Error: &entra.OAuthError{Code: "authorization_pending", STS: 70016}}, {Endpoint: entra.Token, DropAfter: true}},
			want:   auth.ErrCodeReplayed, asked: sec(60, 120, 185),
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := directory()
				if c.adjust != nil {
					c.adjust(&cfg)
				}
				srv := entra.New(cfg)
				s := signIn(publicApp())
				opts := c.opts
				opts.Transport = inProcess{handler: srv}
				for _, f := range c.faults {
					srv.Inject(f)
				}
				start := time.Now()
				timer := time.NewTimer(0)
				timer.Stop()
				_, err := auth.SignInWithDeviceCode(t.Context(), s, func(_ context.Context, code auth.DeviceCode) error {
					timer = time.AfterFunc(88*time.Second, func() {
						if c.decide != nil {
							if err := c.decide(srv, code); err != nil {
								t.Error(err)
							}
							return
						}
						if err := srv.ApproveDevice(code.UserCode, upn); err != nil {
							t.Error(err)
						}
					})
					return nil
				}, &opts)
				timer.Stop()
				if !errors.Is(err, c.want) || c.want != nil && err == nil {
					t.Errorf("got %v, want %v", err, c.want)
				}
				if diff := cmp.Diff(c.asked, polls(srv, start)); diff != "" {
					t.Errorf("asked at (-want +got):\n%s", diff)
				}
				if c.want != nil {
					nothingStored(t, s)
				} else {
					stored(t, s)
				}
			})
		})
	}
}

func TestDeviceCodeSignInEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := entra.New(directory())
		gone := errors.New("the user pressed Ctrl-C")
		ctx, cancel := context.WithCancelCause(t.Context())
		start := time.Now()
		time.AfterFunc(12*time.Second, func() { cancel(gone) })
		if _, err := auth.SignInWithDeviceCode(ctx, signIn(publicApp()), noShow, local(srv)); !errors.Is(err, gone) || time.Since(start) != 12*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		// In the middle of a question.
		ctx, cancel = context.WithCancelCause(t.Context())
		opts := local(srv)
		inner := opts.Transport
		opts.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/token") {
				cancel(gone)
				return nil, r.Context().Err()
			}
			return inner.RoundTrip(r)
		})
		if _, err := auth.SignInWithDeviceCode(ctx, signIn(publicApp()), noShow, opts); !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	})
}

func TestDeviceCodeSignInsThatCannotWork(t *testing.T) {
	broken := errors.New("the terminal is gone")
	srv := entra.New(directory())
	down := &entra.Fault{Endpoint: entra.DeviceCode, Error: &entra.OAuthError{Code: "unauthorized_client", STS: 700016}}
	for _, c := range []struct {
		name  string
		app   auth.App
		show  auth.ShowDeviceCode
		opts  *auth.Options
		fault *entra.Fault
		want  string
	}{
		{"credential", confidentialApp(), noShow, local(srv), nil, "public clients"},
		{"nothing to show it with", publicApp(), nil, local(srv), nil, "no function"},
		{"no application", auth.App{}, noShow, local(srv), nil, "App.TenantID"},
		{"authority", publicApp(), noShow, &auth.Options{Authority: "x"}, nil, "authority"},
		{"not a public client", auth.App{TenantID: tenantID, ClientID: clientID}, noShow, local(srv), nil, "allow public client flows"},
		{"cannot be shown", publicApp(), func(context.Context, auth.DeviceCode) error { return broken }, local(srv), nil, "the terminal is gone"},
		{"refused", publicApp(), noShow, local(srv), down, "700016"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.fault != nil {
				srv.Inject(*c.fault)
			}
			s := signIn(c.app)
			_, err := auth.SignInWithDeviceCode(t.Context(), s, c.show, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	s := signIn(publicApp())
	s.Store = &moody{TokenStore: s.Store, load: func(int) error { return broken }}
	if _, err := auth.SignInWithDeviceCode(t.Context(), s, noShow, local(srv)); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestDeviceCodeSignInThatCannotBeSaved(t *testing.T) {
	srv := entra.New(directory())
	synctest.Test(t, func(t *testing.T) {
		s := signIn(publicApp())
		s.Store = &moody{TokenStore: s.Store, save: func(int, func() (auth.Version, error)) (auth.Version, error) { return "", auth.ErrTooLarge }}
		_, err := auth.SignInWithDeviceCode(t.Context(), s, func(_ context.Context, c auth.DeviceCode) error { return srv.ApproveDevice(c.UserCode, upn) }, local(srv))
		if !errors.Is(err, auth.ErrNotSaved) || !errors.Is(err, auth.ErrTooLarge) {
			t.Errorf("got %v", err)
		}
	})
}
