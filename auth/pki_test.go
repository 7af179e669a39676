package auth_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// pki is a root, an intermediate authority and two certificates of it.
type pki struct {
	root, middle       *x509.Certificate
	key, otherKey      *rsa.PrivateKey
	cert, otherCert    *x509.Certificate
	rootKey, middleKey *rsa.PrivateKey
}

// testPKI is made once: keys take long.
var testPKI = sync.OnceValue(func() *pki {
	var p pki
	for _, k := range []**rsa.PrivateKey{&p.key, &p.otherKey, &p.rootKey, &p.middleKey} {
		var err error
		if *k, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			panic(err)
		}
	}
	p.root = issue("Contoso Root", 1, &p.rootKey.PublicKey, nil, p.rootKey, time.Hour)
	p.middle = issue("Contoso Issuing", 2, &p.middleKey.PublicKey, p.root, p.rootKey, time.Hour)
	p.cert = issue("reports.contoso.example", 3, &p.key.PublicKey, p.middle, p.middleKey, time.Hour)
	p.otherCert = issue("other.contoso.example", 4, &p.otherKey.PublicKey, p.middle, p.middleKey, time.Hour)
	return &p
})

// issue signs a certificate; without a parent it signs itself.
func issue(name string, serial int64, pub *rsa.PublicKey, parent *x509.Certificate, signer *rsa.PrivateKey, life time.Duration) *x509.Certificate {
	now := time.Now()
	t := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-2 * time.Hour), NotAfter: now.Add(life),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: serial < 3,
	}
	if parent == nil {
		parent = t
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, signer)
	if err != nil {
		panic(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return c
}

func pemOf(blocks ...any) []byte {
	var out bytes.Buffer
	for _, b := range blocks {
		switch v := b.(type) {
		case *x509.Certificate:
			_ = pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: v.Raw})
		case *rsa.PrivateKey:
			der, err := x509.MarshalPKCS8PrivateKey(v)
			if err != nil {
				panic(err)
			}
			_ = pem.Encode(&out, &pem.Block{Type: "PRIVATE KEY", Bytes: der})
		case *pem.Block:
			_ = pem.Encode(&out, v)
		case string:
			out.WriteString(v)
		}
	}
	return out.Bytes()
}

func pfxOf(t testing.TB, enc *pkcs12.Encoder, key any, password string, cert *x509.Certificate, others ...*x509.Certificate) []byte {
	t.Helper()
	b, err := enc.Encode(key, cert, others, password)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// file writes a file into a directory of the test.
func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// federatedToken is what another identity provider gives a workload.
func federatedToken(t testing.TB, issuer, subject, audience string, key *rsa.PrivateKey) string {
	t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	now := time.Now()
	text := part(map[string]any{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": issuer, "sub": subject, "aud": audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	digest := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// jwtPart decodes the header (0) or the claims (1) of a JWT.
func jwtPart(t testing.TB, token string, part int) map[string]any {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
