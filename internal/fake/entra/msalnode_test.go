package entra_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

// The fake and this module's clients could share a misunderstanding. Microsoft's client for
// Node (https://github.com/AzureAD/microsoft-authentication-library-for-js) knows nothing of
// either: it fetches the discovery documents, checks answers and keeps its cache its own way.

const (
	nodeTenant   = "aaaaaaaa-2222-4222-8333-444444444444"
	nodeApp      = "cccccccc-2222-4222-8333-444444444444"
	nodeOpenApp  = "dddddddd-2222-4222-8333-444444444444"
	nodeSecret   = "canary~Secret+1&%"
	nodeUser     = "reports@contoso.example"
	nodeResource = "https://api.partner.microsoft.com"
	nodeRedirect = "https://app.contoso.example/callback"
)

// withoutNode skips the test, except where nothing may be skipped.
func withoutNode(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// msalNode is the fake, and the script beside it.
type msalNode struct {
	*entra.Server
	t     *testing.T
	in    *json.Encoder
	out   *bufio.Scanner
	polls chan struct{} // one for each answered question whether a device is approved
}

// startMSALNode starts the script, which serves flows until the test ends.
func startMSALNode(t *testing.T, dir string, change func(*entra.Config)) *msalNode {
	t.Helper()
	cfg := entra.Config{
		Tenants: []entra.Tenant{{ID: nodeTenant, Domains: []string{"contoso.example"}}},
		Apps: []entra.App{
			{ClientID: nodeApp, Secrets: []entra.AppSecret{{Value: pc.NewSecret(nodeSecret)}}, RedirectURIs: []string{nodeRedirect}, Roles: []string{"Reports.Read"}},
			{ClientID: nodeOpenApp, PublicClient: true},
		},
		Users:          []entra.User{{UPN: nodeUser, TenantID: nodeTenant, RequireMFA: true}},
		Resources:      []entra.Resource{{Audience: nodeResource}},
		DeviceInterval: time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	n := &msalNode{Server: entra.New(cfg), t: t, polls: make(chan struct{}, 64)}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.ServeHTTP(w, r)
		if strings.HasSuffix(r.PostForm.Get("grant_type"), "device_code") {
			n.polls <- struct{}{}
		}
	}))
	t.Cleanup(srv.Close)

	trust := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(trust, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]string{
		"base": srv.URL, "tenant": nodeTenant, "confidential": nodeApp, "secret": nodeSecret, "open": nodeOpenApp, "scope": nodeResource + "/.default",
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute) // cleanups need it
	cmd := exec.CommandContext(ctx, "node", filepath.Join(dir, "flows.mjs"))
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "NODE_EXTRA_CA_CERTS=" + trust, "MSALNODE=" + string(settings)}
	var problems strings.Builder
	cmd.Stderr = &problems
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
		cancel()
		if problems.Len() > 0 {
			t.Logf("node says:\n%s", problems.String())
		}
	})
	n.in, n.out = json.NewEncoder(in), bufio.NewScanner(out)
	n.out.Buffer(nil, 1<<20)
	return n
}

// installMSALNode installs what the lock file pins into a folder of the test.
func installMSALNode(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			withoutNode(t, "this test runs Microsoft's client for Node: install "+program+" (Debian: apt-get install nodejs npm)")
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "msalnode"))); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		withoutNode(t, fmt.Sprintf("npm cannot install Microsoft's client for Node: %v\n%s", err, out))
	}
	return dir
}

// answer is a line of the script.
type answer struct {
	Ask    json.RawMessage `json:"ask"`
	Done   json.RawMessage `json:"done"`
	Failed *struct {
		Code    string `json:"code"`
		Subcode string `json:"subcode"`
		Text    string `json:"text"`
		Claims  string `json:"claims"`
	} `json:"failed"`
}

// tokenOutcome is what the script tells about a token.
type tokenOutcome struct {
	Token     string
	FromCache bool
	Scopes    []string
	Tenant    string
	ExpiresIn int
	User      string
}

func (n *msalNode) say(v any) {
	n.t.Helper()
	if err := n.in.Encode(v); err != nil {
		n.t.Fatal(err)
	}
}

func (n *msalNode) hear() answer {
	n.t.Helper()
	if !n.out.Scan() {
		n.t.Fatalf("node has ended: %v", n.out.Err())
	}
	var a answer
	if err := json.Unmarshal(n.out.Bytes(), &a); err != nil {
		n.t.Fatalf("%v in %s", err, n.out.Bytes())
	}
	return a
}

// asked reads what the flow needs a user for.
func (n *msalNode) asked(into any) {
	n.t.Helper()
	a := n.hear()
	if a.Ask == nil {
		n.t.Fatalf("the flow did not ask: %+v", a.Failed)
	}
	if err := json.Unmarshal(a.Ask, into); err != nil {
		n.t.Fatal(err)
	}
}

// result reads a flow's outcome.
func (n *msalNode) result(into any) {
	n.t.Helper()
	a := n.hear()
	if a.Failed != nil {
		n.t.Fatalf("the flow has failed: %+v", *a.Failed)
	}
	if err := json.Unmarshal(a.Done, into); err != nil {
		n.t.Fatal(err)
	}
}

// check holds a token against the fake's own books and the client's view of it.
func (n *msalNode) check(o tokenOutcome, user string) entra.Claims {
	n.t.Helper()
	c, ok := n.Check(o.Token)
	if !ok || c.Audience != nodeResource || c.TenantID != nodeTenant || !strings.EqualFold(c.UPN, user) {
		n.t.Errorf("the token is %+v, accepted %t", c, ok)
	}
	if o.User != user || user != "" && o.Tenant != nodeTenant {
		n.t.Errorf("the client takes it for one of user %q in tenant %q", o.User, o.Tenant)
	}
	if o.ExpiresIn < 3500 || o.ExpiresIn > 3600 {
		n.t.Errorf("the client thinks that it lives %d seconds", o.ExpiresIn)
	}
	return c
}

func TestMSALNode(t *testing.T) {
	dir := installMSALNode(t)
	for name, flow := range map[string]func(*testing.T, string){
		"signs in with a secret":           msalNodeSignsInWithASecret,
		"signs in with a certificate":      msalNodeSignsInWithACertificate,
		"redeems a code":                   msalNodeRedeemsACode,
		"with another verifier is refused": msalNodeWithAnotherVerifierIsRefused,
		"redeems a refresh token":          msalNodeRedeemsARefreshToken,
		"signs in with a device code":      msalNodeSignsInWithADeviceCode,
	} {
		t.Run(name, func(t *testing.T) { flow(t, dir) })
	}
}

func msalNodeSignsInWithASecret(t *testing.T, dir string) {
	n := startMSALNode(t, dir, nil)
	n.say(map[string]string{"flow": "clientSecret"})
	var got []tokenOutcome
	n.result(&got)
	for _, o := range got {
		if c := n.check(o, ""); !slices.Equal(c.Roles, []string{"Reports.Read"}) {
			t.Errorf("roles %v", c.Roles)
		}
	}
	if got[0].Token != got[1].Token || !got[1].FromCache || got[2].Token == got[0].Token {
		t.Error("the client does not keep the token, or gets the same one twice")
	}
	if c := n.Count(entra.Token); c != 2 {
		t.Errorf("%d token requests, want 2", c)
	}

	n.Inject(entra.Fault{Endpoint: entra.Token, Error: &entra.OAuthError{
		Code: "interaction_required", STS: 50076, SubCode: "basic_action", Text: "More is needed.", Claims: `{"access_token":{"x":null}}`,
	}})
	n.say(map[string]string{"flow": "clientSecret"})
	a := n.hear()
	if a.Failed == nil || a.Failed.Code != "interaction_required" || a.Failed.Subcode != "basic_action" ||
		a.Failed.Claims != `{"access_token":{"x":null}}` || !strings.Contains(a.Failed.Text, "AADSTS50076") {
		t.Errorf("the client reads a refusal as %+v", a.Failed)
	}
}

func msalNodeSignsInWithACertificate(t *testing.T, dir string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "msal-node"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	n := startMSALNode(t, dir, func(c *entra.Config) { c.Apps[0].Certificates = []*x509.Certificate{cert} })
	sum := sha256.Sum256(der)
	n.say(map[string]string{
		"flow": "certificate", "thumbprint": hex.EncodeToString(sum[:]),
		"key":   string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
		"chain": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
	})
	var got []tokenOutcome
	n.result(&got)
	n.check(got[0], "")
}

func msalNodeRedeemsACode(t *testing.T, dir string) {
	for _, rotation := range []entra.Rotation{entra.Lenient, entra.Strict} {
		n := startMSALNode(t, dir, func(c *entra.Config) { c.Rotation = rotation })
		n.say(map[string]string{"flow": "code", "redirectUri": nodeRedirect})
		var page struct{ URL string }
		n.asked(&page)
		back, err := n.Visit(page.URL, entra.Decision{UPN: nodeUser})
		if err != nil {
			t.Fatal(err)
		}
		n.say(map[string]string{"answer": back})
		var got struct {
			Tokens []tokenOutcome
			Replay struct {
				Code, Text string
			}
		}
		n.result(&got)
		for i, o := range got.Tokens {
			if c := n.check(o, nodeUser); !slices.Contains(c.AMR, "mfa") {
				t.Errorf("token %d: amr %v lacks the second factor of the sign-in", i, c.AMR)
			}
		}
		if !got.Tokens[1].FromCache || got.Tokens[2].Token == got.Tokens[0].Token {
			t.Error("the client does not keep the token, or does not get a new one with its refresh token")
		}
		if got.Replay.Code != "invalid_grant" || !strings.Contains(got.Replay.Text, "AADSTS54005") {
			t.Errorf("the second redemption of the code: %+v", got.Replay)
		}
	}
}

func msalNodeWithAnotherVerifierIsRefused(t *testing.T, dir string) {
	n := startMSALNode(t, dir, nil)
	n.say(map[string]string{"flow": "wrongVerifier", "redirectUri": nodeRedirect})
	var page struct{ URL string }
	n.asked(&page)
	back, err := n.Visit(page.URL, entra.Decision{UPN: nodeUser})
	if err != nil {
		t.Fatal(err)
	}
	n.say(map[string]string{"answer": back})
	if a := n.hear(); a.Failed == nil || a.Failed.Code != "invalid_grant" || !strings.Contains(a.Failed.Text, "AADSTS501481") {
		t.Errorf("the fake answered %s, %+v", a.Done, a.Failed)
	}
}

func msalNodeRedeemsARefreshToken(t *testing.T, dir string) {
	n := startMSALNode(t, dir, func(c *entra.Config) { c.Rotation = entra.Strict })
	token, err := n.IssueRefreshToken(nodeApp, nodeUser, []string{"pwd", "mfa"})
	if err != nil {
		t.Fatal(err)
	}
	request := map[string]string{"flow": "refresh", "refreshToken": token}
	n.say(request)
	var got tokenOutcome
	n.result(&got)
	if c := n.check(got, nodeUser); !slices.Contains(c.AMR, "mfa") {
		t.Errorf("amr %v", c.AMR)
	}
	n.say(request)
	if a := n.hear(); a.Failed == nil || a.Failed.Code != "invalid_grant" {
		t.Errorf("a spent token on a strict server: %s, %+v", a.Done, a.Failed)
	}
}

func msalNodeSignsInWithADeviceCode(t *testing.T, dir string) {
	n := startMSALNode(t, dir, nil)
	n.say(map[string]string{"flow": "device"})
	var shown struct {
		UserCode, VerificationURI, Message string
		Interval, ExpiresIn                int
	}
	n.asked(&shown)
	if shown.UserCode == "" || !strings.Contains(shown.Message, shown.UserCode) || shown.Interval != 1 || shown.ExpiresIn != 900 || shown.VerificationURI == "" {
		t.Errorf("the client shows %+v", shown)
	}
	<-n.polls // it has been told that the user has not signed in yet
	if err := n.ApproveDevice(shown.UserCode, nodeUser); err != nil {
		t.Fatal(err)
	}
	var got tokenOutcome
	n.result(&got)
	n.check(got, nodeUser)

	n.say(map[string]string{"flow": "device"})
	n.asked(&shown)
	if err := n.DeclineDevice(shown.UserCode); err != nil {
		t.Fatal(err)
	}
	if a := n.hear(); a.Failed == nil || !strings.Contains(a.Failed.Code+a.Failed.Text, "declined") {
		t.Errorf("a user who declines: %s, %+v", a.Done, a.Failed)
	}
}
