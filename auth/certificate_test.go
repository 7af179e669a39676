package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"software.sslmate.com/src/go-pkcs12"

	pc "github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/auth"
	"github.com/partnercenter-go/partnercenter/internal/fake/entra"
)

func TestCertificateFilesOfEveryForm(t *testing.T) {
	p := testPKI()
	chain := []string{"reports.contoso.example", "Contoso Issuing", "Contoso Root"}
	for _, c := range []struct {
		name     string
		data     []byte
		password string
		chain    []string
	}{
		{"pem, key last", pemOf(p.cert, p.key), "", chain[:1]},
		{"pem, key first", pemOf(p.key, p.cert), "", chain[:1]},
		{"pem, PKCS #1 key", pemOf(p.cert, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(p.key)}), "", chain[:1]},
		{"pem with text around", pemOf("Bag Attributes\n  friendlyName: x\n", p.key, "subject=CN=reports\n", p.cert), "", chain[:1]},
		{"pem, chain in order", pemOf(p.key, p.cert, p.middle, p.root), "", chain},
		{"pem, chain in reverse", pemOf(p.root, p.middle, p.cert, p.key), "", chain},
		{"pem, a stranger among them", pemOf(p.otherCert, p.root, p.key, p.cert, p.middle, p.middle), "", chain},
		{"pem, another authority of the same name", pemOf(issue("Contoso Issuing", 2, &p.otherKey.PublicKey, p.root, p.rootKey, time.Hour), p.cert, p.middle, p.key), "", chain[:2]},
		{"pem, password given for nothing", pemOf(p.cert, p.key), "unused", chain[:1]},
		{"pfx, modern", pfxOf(t, pkcs12.Modern, p.key, "päss word", p.cert, p.root, p.middle), "päss word", chain},
		{"pfx, legacy DES", pfxOf(t, pkcs12.LegacyDES, p.key, "pw", p.cert, p.middle), "pw", chain[:2]},
		{"pfx, legacy RC2", pfxOf(t, pkcs12.LegacyRC2, p.key, "pw", p.cert), "pw", chain[:1]},
		{"pfx without a password", pfxOf(t, pkcs12.Modern, p.key, "", p.cert), "", chain[:1]},
		{"pfx, wrong certificate first", pfxOf(t, pkcs12.Modern, p.key, "pw", p.middle, p.cert, p.root), "pw", chain},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := auth.ParseCertificate(c.data, pc.NewSecret(c.password))
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, c := range got.Chain() {
				names = append(names, c.Subject.CommonName)
			}
			for i, issuer := range got.Chain()[1:] {
				if err := got.Chain()[i].CheckSignatureFrom(issuer); err != nil {
					t.Errorf("certificate %d is not from the next: %v", i, err)
				}
			}
			if diff := cmp.Diff(c.chain, names); diff != "" {
				t.Errorf("chain (-want +got):\n%s", diff)
			}
			if got.Leaf() != got.Chain()[0] || got.IsZero() {
				t.Error("the leaf is not the first of the chain")
			}
		})
	}
}

func TestCertificateFilesThatAreOfNoUse(t *testing.T) {
	p := testPKI()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecDER, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	ecPKCS8, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	broken := *p.key
	broken.D = big.NewInt(3)
	for _, c := range []struct {
		name     string
		data     []byte
		password string
		want     string
	}{
		{"nothing", nil, "", "is empty"},
		{"text", []byte("canary"), "", "neither PEM nor"},
		{"pem without key", pemOf(p.cert), "", "no private key"},
		{"pem without certificate", pemOf(p.key), "", "no certificates"},
		{"pem with two keys", pemOf(p.cert, p.key, p.otherKey), "", "multiple private key"},
		{"pem with another's key", pemOf(p.cert, p.otherKey), "", "belongs to the private key"},
		{"pem, encrypted", pemOf(p.cert, &pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: []byte("x")}), "", "is encrypted"},
		{"pem, encrypted the old way", pemOf(p.cert, &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"DEK-Info": "DES-EDE3-CBC,00"}, Bytes: []byte("x")}), "", "is encrypted"},
		{"pem, elliptic curve", pemOf(p.cert, &pem.Block{Type: "EC PRIVATE KEY", Bytes: ecDER}), "", "RSA keys only"},
		{"pem, elliptic curve as PKCS #8", pemOf(p.cert, &pem.Block{Type: "PRIVATE KEY", Bytes: ecPKCS8}), "", "RSA keys only"},
		{"pem, damaged certificate", pemOf(p.key, &pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")}), "", "could not be parsed"},
		{"pfx, wrong password", pfxOf(t, pkcs12.Modern, p.key, "canary-password", p.cert), "wrong", "password of the PFX file is wrong"},
		{"pfx, cut", pfxOf(t, pkcs12.Modern, p.key, "pw", p.cert)[:500], "pw", "neither PEM nor"},
		{"pfx, certificates only", mustTrustStore(t, p.cert), "pw", "private key missing"},
		{"pfx with another's key", pfxOf(t, pkcs12.Modern, p.otherKey, "pw", p.cert), "pw", "belongs to the private key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := auth.ParseCertificate(c.data, pc.NewSecret(c.password))
			if err == nil || !strings.Contains(err.Error(), c.want) || !got.IsZero() {
				t.Fatalf("got %v, %v; want an error with %q", got, err, c.want)
			}
			if strings.Contains(err.Error(), "canary") {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
	if _, err := auth.NewCertificate([]*x509.Certificate{nil, p.cert}, &broken); err == nil || !strings.Contains(err.Error(), "not usable") {
		t.Errorf("a damaged key: %v", err)
	}
	if _, err := auth.NewCertificate([]*x509.Certificate{p.cert}, nil); err == nil {
		t.Error("a nil key was accepted")
	}
}

func mustTrustStore(t *testing.T, c *x509.Certificate) []byte {
	t.Helper()
	b, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{c}, "pw")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestOfCertificatesWithTheSameKeyTheFreshestCounts(t *testing.T) {
	p := testPKI()
	renewed := issue("reports.contoso.example", 9, &p.key.PublicKey, p.middle, p.middleKey, 48*time.Hour)
	for _, order := range [][]*x509.Certificate{{p.cert, renewed}, {renewed, p.cert}} {
		c, err := auth.NewCertificate(order, p.key)
		if err != nil {
			t.Fatal(err)
		}
		if c.Leaf().SerialNumber.Int64() != 9 {
			t.Errorf("serial %v", c.Leaf().SerialNumber)
		}
	}
}

func TestCertificatesPrintWithoutTheirKey(t *testing.T) {
	p := testPKI()
	c, err := auth.NewCertificate([]*x509.Certificate{p.cert}, p.key)
	if err != nil {
		t.Fatal(err)
	}
	app := confidentialApp()
	app.Credential = auth.ClientCertificate(c, nil)
	digits := []string{p.key.D.String(), fmt.Sprintf("%x", p.key.D), p.key.Primes[0].String(), fmt.Sprintf("%x", p.key.Primes[0])}
	for _, v := range []any{c, &c, app, []any{c}, struct{ hidden auth.Certificate }{c}, auth.Certificate{}} {
		for how, text := range printings(t, v) {
			for _, d := range digits {
				if strings.Contains(text, d) {
					t.Errorf("%T as %s shows the key", v, how)
				}
			}
		}
	}
	if s := fmt.Sprint(c); s != "CN=reports.contoso.example, serial 3, valid until "+p.cert.NotAfter.UTC().Format(time.RFC3339) {
		t.Errorf("printed as %q", s)
	}
	if s := (auth.Certificate{}).String(); s != "no certificate" || (auth.Certificate{}).Leaf() != nil {
		t.Errorf("nothing prints as %q", s)
	}
}

// certified is the directory with an application that knows certificates.
func certified() entra.Config {
	p, cfg := testPKI(), directory()
	cfg.Apps[0].Secrets = nil
	cfg.Apps[0].Certificates = []*x509.Certificate{p.cert}
	return cfg
}

func withCredential(c auth.ClientCredential) auth.App {
	app := confidentialApp()
	app.Credential = c
	return app
}

func certificate(t testing.TB) auth.Certificate {
	t.Helper()
	p := testPKI()
	c, err := auth.NewCertificate([]*x509.Certificate{p.root, p.middle, p.cert}, p.key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Both ways in which an assertion comes about, MSAL's and the password grant's own, must
// look the same and convince the same server.
func TestCertificateProvesTheApplicationsIdentity(t *testing.T) {
	for _, withChain := range []bool{false, true} {
		for name, source := range map[string]func(testing.TB, auth.App, *auth.Options) *auth.Source{
			"client credentials": clientCredentials,
			"password": func(t testing.TB, app auth.App, o *auth.Options) *auth.Source {
				t.Helper()
				return usernamePassword(t, app, user(), o)
			},
		} {
			t.Run(fmt.Sprintf("%s, chain %t", name, withChain), func(t *testing.T) {
				var tap wiretap
				srv := listen(t, certified(), tap.wrap)
				app := withCredential(auth.ClientCertificate(certificate(t), &auth.CertificateOptions{SendChain: withChain}))
				s := source(t, app, srv.opts)
				start := time.Now().Truncate(time.Second)
				tok := get(t, s, auth.TokenRequest{})
				if claims, ok := srv.Check(tok.Value.Reveal()); !ok || claims.AppID != clientID {
					t.Errorf("claims %+v, valid %t", claims, ok)
				}
				assertion := field(t, tap.text[len(tap.text)-1], "client_assertion")
				if typ := field(t, tap.text[len(tap.text)-1], "client_assertion_type"); typ != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
					t.Errorf("client_assertion_type is %q", typ)
				}
				header, claims := jwtPart(t, assertion, 0), jwtPart(t, assertion, 1)
				x5c, sent := header["x5c"].([]any)
				if sent != withChain || withChain && len(x5c) != 3 {
					t.Errorf("x5c: %t, %d certificates", sent, len(x5c))
				}
				delete(header, "x5c")
				var names []string
				for k := range header {
					names = append(names, k)
				}
				if len(names) != 3 || header["alg"] != "PS256" || header["typ"] != "JWT" || header["x5t#S256"] == nil {
					t.Errorf("header %v", header)
				}
				begin, _ := claims["nbf"].(float64)
				end, _ := claims["exp"].(float64)
				signed := time.Unix(int64(begin), 0)
				if claims["aud"] != srv.url+"/"+tenantID+"/oauth2/v2.0/token" || claims["iss"] != clientID || claims["sub"] != clientID ||
					claims["jti"] == "" || end-begin != 600 || signed.Before(start) || signed.After(time.Now()) {
					t.Errorf("claims %v", claims)
				}
				get(t, s, auth.TokenRequest{Rejected: tok.Value})
				if again := jwtPart(t, field(t, tap.text[len(tap.text)-1], "client_assertion"), 1); again["jti"] == claims["jti"] {
					t.Error("an assertion was used twice")
				}
			})
		}
	}
}

// field finds a field in a form that a wiretap has noted.
func field(t testing.TB, text, name string) string {
	t.Helper()
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "  "+name+"="); ok {
			return strings.TrimSuffix(v, "\n")
		}
	}
	return ""
}

func TestRegistrationThatTrustsANameNeedsTheChain(t *testing.T) {
	p, cfg := testPKI(), certified()
	roots := x509.NewCertPool()
	roots.AddCert(p.root)
	cfg.Apps[0].Certificates = nil
	cfg.Apps[0].Trusts = []entra.Trust{{Subject: "reports.contoso.example", Roots: roots}}
	srv := listen(t, cfg, nil)
	e := refused(t, clientCredentials(t, withCredential(auth.ClientCertificate(certificate(t), nil)), srv.opts), auth.TokenRequest{})
	if !errors.Is(e, auth.ErrBadClientCredential) || !e.HasSTSCode(700027) || !strings.Contains(e.Advice, "certificate") {
		t.Errorf("without the chain: %v", e)
	}
	get(t, clientCredentials(t, withCredential(auth.ClientCertificate(certificate(t), &auth.CertificateOptions{SendChain: true})), srv.opts), auth.TokenRequest{})
}

func TestWrongCertificateIsRefused(t *testing.T) {
	p := testPKI()
	other, err := auth.NewCertificate([]*x509.Certificate{p.otherCert}, p.otherKey)
	if err != nil {
		t.Fatal(err)
	}
	srv := listen(t, certified(), nil)
	e := refused(t, clientCredentials(t, withCredential(auth.ClientCertificate(other, nil)), srv.opts), auth.TokenRequest{})
	if !errors.Is(e, auth.ErrBadClientCredential) || !e.HasSTSCode(700027) {
		t.Errorf("got %v", e)
	}
}

func TestCertificatesOutOfTheirTimeNeedNoRequest(t *testing.T) {
	p := testPKI()
	expired := issue("reports", 7, &p.key.PublicKey, p.middle, p.middleKey, -time.Minute)
	old, err := auth.NewCertificate([]*x509.Certificate{expired}, p.key)
	if err != nil {
		t.Fatal(err)
	}
	early := *p.cert
	early.NotBefore = time.Now().Add(time.Hour)
	young, err := auth.NewCertificate([]*x509.Certificate{&early}, p.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cert auth.Certificate
		want string
	}{{old, "expired"}, {young, "clock"}, {auth.Certificate{}, "is empty"}} {
		if _, err := auth.NewClientCredentials(withCredential(auth.ClientCertificate(c.cert, nil)), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
		srv := entra.New(certified())
		provided := auth.ClientCertificateFunc(func(context.Context) (auth.Certificate, error) { return c.cert, nil }, nil)
		s := clientCredentials(t, withCredential(provided), local(srv))
		if _, err := s.Token(t.Context(), auth.TokenRequest{Resource: resource}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("from a function: got %v, want %q", err, c.want)
		}
		if n := len(srv.Requests()); n != 0 {
			t.Errorf("%d requests were sent", n)
		}
	}
}

func TestReplacedCertificateNeedsNoRestart(t *testing.T) {
	p := testPKI()
	first, second := pemOf(p.cert, p.key), pfxOf(t, pkcs12.Modern, p.otherKey, "pw", p.otherCert)
	path := file(t, "app.pem", first)
	now := first
	for name, c := range map[string]auth.ClientCredential{
		"file": auth.ClientCertificateFile(path, pc.NewSecret("pw"), nil),
		"function": auth.ClientCertificateFunc(func(context.Context) (auth.Certificate, error) {
			return auth.ParseCertificate(now, pc.NewSecret("pw"))
		}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			write := func(data []byte) {
				now = data
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(first)
			srv := listen(t, certified(), nil)
			s := clientCredentials(t, withCredential(c), srv.opts)
			tok := get(t, s, auth.TokenRequest{})
			cfg := certified()
			cfg.Apps[0].Certificates = []*x509.Certificate{p.otherCert}
			srv.SetApp(cfg.Apps[0])
			if e := refused(t, s, auth.TokenRequest{Rejected: tok.Value}); !e.HasSTSCode(700027) {
				t.Errorf("got %v", e)
			}
			write(second)
			get(t, s, auth.TokenRequest{Rejected: tok.Value})
		})
	}
}

func TestCertificateSourcesThatFail(t *testing.T) {
	vault := errors.New("vault is sealed")
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		cred auth.ClientCredential
		want string
		is   error
	}{
		{"nil function", auth.ClientCertificateFunc(nil, nil), "nil function", nil},
		{"nil assertion function", auth.ClientAssertion(nil), "nil function", nil},
		{"no path", auth.ClientCertificateFile("", pc.Secret{}, nil), "path of the client certificate", nil},
		{"no file", auth.ClientCertificateFile(filepath.Join(dir, "none"), pc.Secret{}, nil), "none", os.ErrNotExist},
		{"a directory", auth.ClientCertificateFile(dir, pc.Secret{}, nil), "reading the client certificate", nil},
		{"not a certificate", auth.ClientCertificateFile(file(t, "text", []byte("canary")), pc.Secret{}, nil), "text", nil},
		{"too large", auth.ClientCertificateFile(file(t, "large", make([]byte, 1<<20+1)), pc.Secret{}, nil), "larger than 1 MiB", nil},
		{"no token file", auth.WorkloadIdentityFile(filepath.Join(dir, "none")), "workload identity token", os.ErrNotExist},
		{"empty token file", auth.WorkloadIdentityFile(file(t, "token", []byte("\n"))), "is empty", nil},
		{"token file with something else", auth.WorkloadIdentityFile(file(t, "token", []byte("canary"))), "not a signed JWT", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := auth.NewClientCredentials(withCredential(c.cred), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	for _, c := range []struct {
		name string
		cred auth.ClientCredential
		want string
		is   error
	}{
		{"failing function", auth.ClientCertificateFunc(func(context.Context) (auth.Certificate, error) { return auth.Certificate{}, vault }, nil), "vault is sealed", vault},
		{"failing assertion", auth.ClientAssertion(func(context.Context, auth.AssertionRequest) (pc.Secret, error) {
			return pc.NewSecret("canary"), fmt.Errorf("canary: %w", vault)
		}), "vault is sealed", vault},
		{"empty assertion", auth.ClientAssertion(func(context.Context, auth.AssertionRequest) (pc.Secret, error) { return pc.Secret{}, nil }), "is empty", nil},
		{"assertion with a line break", auth.ClientAssertion(func(context.Context, auth.AssertionRequest) (pc.Secret, error) {
			return pc.NewSecret("canary.b.c\n"), nil
		}), "not a signed JWT", nil},
	} {
		for flow, source := range map[string]*auth.Source{
			"client credentials": clientCredentials(t, withCredential(c.cred), local(entra.New(certified()))),
			"password":           usernamePassword(t, withCredential(c.cred), user(), local(entra.New(certified()))),
		} {
			t.Run(c.name+", "+flow, func(t *testing.T) {
				_, err := source.Token(t.Context(), auth.TokenRequest{Resource: resource})
				if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") || c.is != nil && !errors.Is(err, c.is) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			})
		}
	}
}
