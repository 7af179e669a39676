package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// What a platform with many customers asks for: tokens of every tenant for every API.
var identityResources = []string{
	"https://api.partner.microsoft.com", "https://api.partnercenter.microsoft.com", "https://graph.microsoft.com",
}

// identityWorkers is how many calls are under way at once where many tokens are fetched.
const identityWorkers = 16

// wanted names a token.
type wanted struct{ tenant, resource string }

// identityDirectory starts a fake Entra ID on loopback TLS and names all tokens it can give.
func identityDirectory(tb testing.TB, tenants int, resources []string) (*entra.Server, *httptest.Server, []wanted) {
	tb.Helper()
	cfg := entra.Config{
		Apps: []entra.App{{ClientID: entraClient, Secrets: []entra.AppSecret{{Value: partnercenter.NewSecret(entraSecret)}}}},
	}
	for _, r := range resources {
		cfg.Resources = append(cfg.Resources, entra.Resource{Audience: r})
	}
	var all []wanted
	for i := range tenants {
		id := fmt.Sprintf(entraTenant, i)
		cfg.Tenants = append(cfg.Tenants, entra.Tenant{ID: id})
		for _, r := range resources {
			all = append(all, wanted{id, r})
		}
	}
	fake := entra.New(cfg)
	srv := httptest.NewTLSServer(fake)
	tb.Cleanup(srv.Close)
	keepConnections(tb, srv)
	return fake, srv, all
}

// keepConnections lets the server's client keep as many connections as there are workers.
// Two, the default, would make parallel callers pay for a handshake with nearly every
// request, from which HTTP/2 spares them in earnest.
func keepConnections(tb testing.TB, srv *httptest.Server) {
	tb.Helper()
	tr, ok := srv.Client().Transport.(*http.Transport)
	if !ok {
		tb.Fatal("the test server's client has another transport")
	}
	tr.MaxIdleConnsPerHost = identityWorkers
}

// getter gets one token.
type getter func(ctx context.Context, w wanted) error

// identityContenders are measured in one run: only the ratios mean something. All are
// made once and serve all tenants, as their documentation advises.
var identityContenders = []struct {
	name string
	make func(testing.TB, *httptest.Server) getter
}{{"azidentity", azidentityGetter}, {"msal", msalGetter}, {"ours", ourGetter}}

func azidentityGetter(tb testing.TB, srv *httptest.Server) getter {
	tb.Helper()
	cred, err := azidentity.NewClientSecretCredential(fmt.Sprintf(entraTenant, 0), entraClient, entraSecret, &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{
			Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: srv.URL},
			Transport: srv.Client(),
		},
		DisableInstanceDiscovery:   true,
		AdditionallyAllowedTenants: []string{"*"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	scopes := scopesOf(identityResources)
	return func(ctx context.Context, w wanted) error {
		_, err := cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: scopes[w.resource], TenantID: w.tenant})
		return err
	}
}

func msalGetter(tb testing.TB, srv *httptest.Server) getter {
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
	scopes, home := scopesOf(identityResources), fmt.Sprintf(entraTenant, 0)
	return func(ctx context.Context, w wanted) error {
		if w.tenant == home { // the option costs more than the rest of the call
			_, err := client.AcquireTokenByCredential(ctx, scopes[w.resource])
			return err
		}
		_, err := client.AcquireTokenByCredential(ctx, scopes[w.resource], confidential.WithTenantID(w.tenant))
		return err
	}
}

func ourGetter(tb testing.TB, srv *httptest.Server) getter {
	tb.Helper()
	src, err := auth.NewClientCredentials(auth.App{
		TenantID: fmt.Sprintf(entraTenant, 0), ClientID: entraClient,
		Credential: auth.ClientSecret(partnercenter.NewSecret(entraSecret)),
	}, &auth.Options{Authority: srv.URL, Transport: srv.Client().Transport})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = src.Close() })
	return func(ctx context.Context, w wanted) error {
		_, err := src.Token(ctx, partnercenter.TokenRequest{Resource: w.resource, TenantID: w.tenant})
		return err
	}
}

// scopesOf keeps the contenders from paying for what a program prepares once.
func scopesOf(resources []string) map[string][]string {
	scopes := make(map[string][]string, len(resources))
	for _, r := range resources {
		scopes[r] = []string{r + "/.default"}
	}
	return scopes
}

// fetchAll gets every token once, with so many workers.
func fetchAll(ctx context.Context, get getter, all []wanted, workers int) error {
	work, failed := make(chan wanted), make(chan error, workers)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			var first error
			for w := range work {
				if err := get(ctx, w); err != nil && first == nil {
					first = err
				}
			}
			failed <- first
		})
	}
	for _, w := range all {
		work <- w
	}
	close(work)
	wg.Wait()
	close(failed)
	for err := range failed {
		if err != nil {
			return err
		}
	}
	return nil
}

// reportRatios reports the median of each contender and how many times faster ours, the
// last one, is.
func reportRatios(b *testing.B, times [][]time.Duration, calls int) {
	b.Helper()
	ours := median(times[len(times)-1])
	for i, c := range identityContenders {
		m := median(times[i])
		b.ReportMetric(m/float64(calls), c.name+"-ns/token")
		if i < len(times)-1 {
			b.ReportMetric(m/ours, "times-faster-than-"+c.name)
		}
	}
	b.ReportMetric(0, "ns/op") // of all contenders together: says nothing
}

// BenchmarkIdentityWarm is a call whose token is at hand. The contenders take turns, so
// that a busy machine hits all alike.
func BenchmarkIdentityWarm(b *testing.B) {
	for _, shape := range []struct {
		tenants   int
		resources []string
	}{{1, identityResources[:1]}, {1000, identityResources}} {
		b.Run(fmt.Sprintf("tenants=%d/resources=%d", shape.tenants, len(shape.resources)), func(b *testing.B) {
			_, srv, all := identityDirectory(b, shape.tenants, shape.resources)
			gets := make([]getter, len(identityContenders))
			for i, c := range identityContenders {
				gets[i] = c.make(b, srv)
				if err := fetchAll(b.Context(), gets[i], all, identityWorkers); err != nil {
					b.Fatal(err)
				}
			}
			const calls = 500
			times := make([][]time.Duration, len(gets))
			for round := 0; b.Loop(); round++ {
				for i, get := range gets {
					start := time.Now()
					for k := range calls {
						// A stride that visits all before it comes back.
						if err := get(b.Context(), all[(round*calls+k)*7%len(all)]); err != nil {
							b.Fatal(err)
						}
					}
					times[i] = append(times[i], time.Since(start))
				}
			}
			reportRatios(b, times, calls)
			for i, c := range identityContenders {
				n := testing.AllocsPerRun(100, func() { _ = gets[i](b.Context(), all[0]) })
				b.ReportMetric(n, c.name+"-allocs/token")
			}
		})
	}
}

// BenchmarkIdentityStampede is a thousand goroutines that all need the same token at once,
// from a server that takes 50 ms.
func BenchmarkIdentityStampede(b *testing.B) {
	const callers = 1000
	same := make([]wanted, callers)
	times := make([][]time.Duration, len(identityContenders))
	requests := make([]int, len(identityContenders))
	rounds := 0
	for b.Loop() {
		rounds++
		for i, c := range identityContenders {
			fake, srv, all := identityDirectory(b, 1, identityResources[:1])
			fake.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Delay: 50 * time.Millisecond})
			for k := range same {
				same[k] = all[0]
			}
			get := c.make(b, srv)
			start := time.Now()
			if err := fetchAll(b.Context(), get, same, callers); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(start))
			requests[i] += fake.Count(entra.Token)
			srv.Close()
		}
	}
	reportRatios(b, times, callers)
	for i, c := range identityContenders {
		b.ReportMetric(float64(requests[i])/float64(rounds), c.name+"-requests")
	}
}

// answerTime is how long the authority below takes for a token, a fast answer over the
// internet.
const answerTime = 10 * time.Millisecond

// authority is the least that all contenders take for Entra ID. The fake signs its tokens,
// which takes longer than anything a client does.
type authority struct{ documents, tokens atomic.Int64 }

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	base := "https://" + r.Host + "/" + tenant
	if rest != "oauth2/v2.0/token" {
		a.documents.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]string{
			"issuer": base + "/v2.0", "authorization_endpoint": base + "/oauth2/v2.0/authorize", "token_endpoint": base + "/oauth2/v2.0/token",
		})
		return
	}
	n := a.tokens.Add(1)
	timer := time.NewTimer(answerTime)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	_, _ = fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"%d%s"}`, n, strings.Repeat("x", 1500))
}

// BenchmarkIdentityCold gets the first token of a thousand tenants for three APIs each,
// with several workers.
func BenchmarkIdentityCold(b *testing.B) {
	tenants := 1000
	if testing.Short() {
		tenants = 50
	}
	_, _, all := identityDirectory(b, tenants, identityResources)
	times := make([][]time.Duration, len(identityContenders))
	requests := make([]int64, len(identityContenders))
	documents := make([]int64, len(identityContenders))
	rounds := 0
	for b.Loop() {
		rounds++
		for i, c := range identityContenders {
			var a authority
			srv := httptest.NewTLSServer(&a)
			keepConnections(b, srv)
			get := c.make(b, srv)
			start := time.Now()
			if err := fetchAll(b.Context(), get, all, identityWorkers); err != nil {
				b.Fatal(err)
			}
			times[i] = append(times[i], time.Since(start))
			requests[i] += a.tokens.Load()
			documents[i] += a.documents.Load()
			srv.Close()
		}
	}
	reportRatios(b, times, len(all))
	for i, c := range identityContenders {
		b.ReportMetric(float64(requests[i])/float64(rounds), c.name+"-requests")
		b.ReportMetric(float64(documents[i])/float64(rounds), c.name+"-documents")
	}
}

// What must hold on any machine is a test: one request for each token, however many ask.
func TestAStampedeOverManyTenantsAsksOnceForEach(t *testing.T) {
	fake, srv, all := identityDirectory(t, 10, identityResources)
	fake.Inject(entra.Fault{Endpoint: entra.Token, Times: -1, Delay: 20 * time.Millisecond})
	if err := fetchAll(t.Context(), ourGetter(t, srv), slices.Repeat(all, 40), 600); err != nil {
		t.Fatal(err)
	}
	if n := fake.Count(entra.Token); n != len(all) {
		t.Errorf("%d token requests for %d different tokens", n, len(all))
	}
}
