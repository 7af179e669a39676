package auth_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/partnercenter-go/partnercenter/auth"
)

func TestSourcesDescribeThemselves(t *testing.T) {
	s := clientCredentials(t, confidentialApp(), &auth.Options{Transport: silent(t)})
	const want = "client credentials of application " + clientID
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for how, got := range map[string]string{
		"%v": fmt.Sprintf("%v", s), "%+v": fmt.Sprintf("%+v", s), "String": s.String(), "LogValue": s.LogValue().String(),
	} {
		if got != want {
			t.Errorf("%s gives %q, want %q", how, got, want)
		}
	}
	if got := fmt.Sprintf("%#v", s); got != "auth.Source("+want+")" {
		t.Errorf("%%#v gives %q", got)
	}
	if got := string(b); got != `"`+want+`"` {
		t.Errorf("JSON is %s", got)
	}
}

func TestKindsAreNamed(t *testing.T) {
	seen := map[string]bool{}
	for k := auth.KindUnknown; k <= auth.KindBadAnswer; k++ {
		if name := k.String(); name == "" || seen[name] {
			t.Errorf("kind %d is called %q", k, name)
		} else {
			seen[name] = true
		}
	}
	if got := auth.Kind(99).String(); got != auth.KindUnknown.String() {
		t.Errorf("a kind of the future is called %q", got)
	}
}
