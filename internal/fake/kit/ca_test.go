package kit_test

import (
	"crypto/x509"
	"testing"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

func TestAuthorityIssuesForItsNames(t *testing.T) {
	t.Parallel()
	ca, err := kit.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	key, err := ca.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := kit.ReadAuthority(ca.PEM(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := again.Leaf("*.blob.core.windows.net", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"a.blob.core.windows.net": true, "127.0.0.1": true, "contoso.example": false} {
		_, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: ca.Pool(), DNSName: name})
		if (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, err := kit.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := leaf.Leaf.Verify(x509.VerifyOptions{Roots: other.Pool()}); err == nil {
		t.Error("another authority vouches for it")
	}
	if _, err := kit.ReadAuthority(other.PEM(), key); err == nil {
		t.Error("a key that does not fit is taken")
	}
	if _, err := kit.ReadAuthority([]byte("x"), key); err == nil {
		t.Error("nonsense is taken")
	}
}
