package bench

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

const (
	entraTenant   = "aaaaaaaa-0000-4000-8000-%012d"
	entraClient   = "cccccccc-0000-4000-8000-000000000001"
	entraSecret   = "not a secret"
	entraResource = "https://api.partner.microsoft.com"
)

// directory starts a fake Entra ID with so many tenants on loopback TLS.
func directory(tb testing.TB, tenants int) (*entra.Server, *httptest.Server) {
	tb.Helper()
	cfg := entra.Config{
		Apps:      []entra.App{{ClientID: entraClient, Secrets: []entra.AppSecret{{Value: partnercenter.NewSecret(entraSecret)}}}},
		Resources: []entra.Resource{{Audience: entraResource}},
	}
	for i := range tenants {
		cfg.Tenants = append(cfg.Tenants, entra.Tenant{ID: fmt.Sprintf(entraTenant, i)})
	}
	fake := entra.New(cfg)
	srv := httptest.NewTLSServer(fake)
	tb.Cleanup(srv.Close)
	return fake, srv
}

// tokens gets a token for a tenant; the empty tenant is the client's own.
type tokens func(ctx context.Context, tenant string) error

// ours gets tokens from this module's source.
func ours(tb testing.TB, srv *httptest.Server) tokens {
	tb.Helper()
	src, err := auth.NewClientCredentials(auth.App{
		TenantID: fmt.Sprintf(entraTenant, 0), ClientID: entraClient,
		Credential: auth.ClientSecret(partnercenter.NewSecret(entraSecret)),
	}, &auth.Options{Authority: srv.URL, Transport: srv.Client().Transport})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = src.Close() })
	return func(ctx context.Context, tenant string) error {
		_, err := src.Token(ctx, partnercenter.TokenRequest{Resource: entraResource, TenantID: tenant})
		return err
	}
}

// msal gets tokens from MSAL alone, with its own cache.
func msal(tb testing.TB, srv *httptest.Server) tokens {
	tb.Helper()
	cred, err := confidential.NewCredFromSecret(entraSecret)
	if err != nil {
		tb.Fatal(err)
	}
	client, err := confidential.New(srv.URL+"/"+fmt.Sprintf(entraTenant, 0), entraClient, cred,
		confidential.WithHTTPClient(srv.Client()), confidential.WithInstanceDiscovery(false))
	if err != nil {
		tb.Fatal(err)
	}
	scopes := []string{entraResource + "/.default"}
	return func(ctx context.Context, tenant string) error {
		if tenant == "" {
			_, err := client.AcquireTokenByCredential(ctx, scopes)
			return err
		}
		_, err := client.AcquireTokenByCredential(ctx, scopes, confidential.WithTenantID(tenant))
		return err
	}
}

// tokenContenders are measured in one run, because only the ratio means something.
var tokenContenders = []struct {
	name string
	make func(testing.TB, *httptest.Server) tokens
}{{"msal", msal}, {"ours", ours}}

// BenchmarkWarmToken is what every attempt of every request pays. The ratio runs take
// both in turns, so that a busy machine hits both alike.
func BenchmarkWarmToken(b *testing.B) {
	for _, tenants := range []int{1, 1000} {
		_, srv := directory(b, tenants)
		names := make([]string, tenants)
		for i := range names {
			if tenants > 1 {
				names[i] = fmt.Sprintf(entraTenant, i)
			}
		}
		batch := make([]func(int, testing.TB), len(tokenContenders))
		for i, c := range tokenContenders {
			get := c.make(b, srv)
			batch[i] = func(n int, tb testing.TB) {
				for k := range n {
					if err := get(b.Context(), names[k%tenants]); err != nil {
						tb.Fatal(err)
					}
				}
			}
			batch[i](tenants, b)
			b.Run(fmt.Sprintf("tenants=%d/%s", tenants, c.name), func(b *testing.B) {
				b.ReportAllocs()
				for k := 0; b.Loop(); k++ {
					if err := get(b.Context(), names[k%tenants]); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("tenants=%d/%s/parallel", tenants, c.name), func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for k := 0; pb.Next(); k++ {
						if err := get(b.Context(), names[k%tenants]); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
		b.Run(fmt.Sprintf("tenants=%d/ratio", tenants), func(b *testing.B) {
			const n = 1000
			var times [2][]time.Duration
			for b.Loop() {
				for i, run := range batch {
					start := time.Now()
					run(n, b)
					times[i] = append(times[i], time.Since(start))
				}
			}
			one, other := median(times[0]), median(times[1])
			b.ReportMetric(one/n, "msal-ns/call")
			b.ReportMetric(other/n, "ours-ns/call")
			b.ReportMetric(one/other, "times-faster")
		})
	}
}

// BenchmarkColdStampede starts a thousand goroutines that all need the same token and
// reports how many token requests that takes.
func BenchmarkColdStampede(b *testing.B) {
	const callers = 1000
	for _, c := range tokenContenders {
		b.Run(c.name, func(b *testing.B) {
			requests, rounds := 0, 0
			for b.Loop() {
				b.StopTimer()
				fake, srv := directory(b, 1)
				fake.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Delay: 50 * time.Millisecond})
				get := c.make(b, srv)
				b.StartTimer()
				if err := stampede(b.Context(), get, callers); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				requests += fake.Count(entra.Token)
				rounds++
				srv.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(requests)/float64(rounds), "token-requests")
		})
	}
}

// stampede runs callers at once and returns one of their errors.
func stampede(ctx context.Context, get tokens, callers int) error {
	var wg sync.WaitGroup
	failed := make(chan error, callers)
	for range callers {
		wg.Go(func() {
			if err := get(ctx, ""); err != nil {
				failed <- err
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// BenchmarkColdTenants gets the first token of a hundred tenants, one after the other.
func BenchmarkColdTenants(b *testing.B) {
	const tenants = 100
	for _, c := range tokenContenders {
		b.Run(c.name, func(b *testing.B) {
			requests, rounds := 0, 0
			for b.Loop() {
				b.StopTimer()
				fake, srv := directory(b, tenants)
				get := c.make(b, srv)
				b.StartTimer()
				for i := range tenants {
					if err := get(b.Context(), fmt.Sprintf(entraTenant, i)); err != nil {
						b.Fatal(err)
					}
				}
				b.StopTimer()
				requests += fake.Count(entra.Token)
				rounds++
				srv.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(requests)/float64(rounds)/tenants, "token-requests/tenant")
		})
	}
}

// BenchmarkNewTenants is what keeping a first token costs by itself, with an issuer that
// takes no time: the cost for each tenant must not grow with their number.
func BenchmarkNewTenants(b *testing.B) {
	issuer := partnercenter.TokenSourceFunc(func(context.Context, partnercenter.TokenRequest) (partnercenter.Token, error) {
		return partnercenter.Token{Value: partnercenter.NewSecret("token"), ExpiresOn: time.Now().Add(time.Hour)}, nil
	})
	for _, tenants := range []int{1000, 4000, 16_000} {
		b.Run(fmt.Sprintf("tenants=%d", tenants), func(b *testing.B) {
			names := make([]string, tenants)
			for i := range names {
				names[i] = fmt.Sprintf(entraTenant, i)
			}
			for b.Loop() {
				src := auth.Cached(issuer, &auth.Options{MaxEntries: 2 * tenants})
				for _, name := range names {
					if _, err := src.Token(b.Context(), partnercenter.TokenRequest{Resource: entraResource, TenantID: name}); err != nil {
						b.Fatal(err)
					}
				}
				_ = src.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*tenants), "ns/tenant")
		})
	}
}

// The two properties that must not depend on the machine are a test.
func TestTokensAreCheap(t *testing.T) {
	fake, srv := directory(t, 1)
	fake.Inject(entra.Fault{Endpoint: entra.Token, Delay: 20 * time.Millisecond})
	get := ours(t, srv)
	if err := stampede(t.Context(), get, 1000); err != nil {
		t.Fatal(err)
	}
	if n := fake.Count(entra.Token); n != 1 {
		t.Errorf("%d token requests for 1000 callers, want 1", n)
	}
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { _ = get(ctx, "") }); n != 0 {
		t.Errorf("a warm call allocates %v times, want 0", n)
	}
	if rt, ok := srv.Client().Transport.(*http.Transport); ok {
		rt.CloseIdleConnections()
	}
}
