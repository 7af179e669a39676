package partnercenter_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

const canary = "canary-value"

// holder keeps a secret where fmt cannot call its methods.
type holder struct {
	Exported partnercenter.Secret
	hidden   partnercenter.Secret
	pointer  *partnercenter.Secret
	nested   struct {
		inner struct{ secret partnercenter.Secret }
	}
	slice   []partnercenter.Secret
	mapped  map[string]partnercenter.Secret
	keyed   map[partnercenter.Secret]string
	array   [1]partnercenter.Secret
	boxed   any
	token   partnercenter.Token
	request partnercenter.TokenRequest
}

func newHolder() *holder {
	s := partnercenter.NewSecret(canary)
	h := &holder{
		Exported: s, hidden: s, pointer: &s, slice: []partnercenter.Secret{s},
		mapped: map[string]partnercenter.Secret{"k": s}, keyed: map[partnercenter.Secret]string{s: "v"}, array: [1]partnercenter.Secret{s}, boxed: s,
		token: partnercenter.Token{Value: s}, request: partnercenter.TokenRequest{Rejected: s},
	}
	h.nested.inner.secret = s
	return h
}

func TestSecretIsNeverPrinted(t *testing.T) {
	h := newHolder()
	s := h.Exported
	values := map[string]any{
		"value": s, "pointer": &s, "slice": h.slice, "map": h.mapped, "map key": h.keyed, "array": h.array,
		"struct": *h, "pointer to struct": h, "token": h.token, "pointer to token": &h.token, "token request": h.request,
		"any in a slice": []any{s, &s, h}, "error": fmt.Errorf("refused %v %+v: %w", s, h, errors.New("x")),
	}
	for name, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%U", "%e", "%p", "%T", "%10s", "%-3.2v", "%w"} {
			wantNoCanary(t, name+" with "+verb, fmt.Sprintf(verb, v))
		}
		wantNoCanary(t, name+" with Sprint", fmt.Sprint(v))
		if b, err := json.Marshal(v); err == nil {
			wantNoCanary(t, name+" as JSON", string(b))
		}
		if b, err := xml.Marshal(v); err == nil {
			wantNoCanary(t, name+" as XML", string(b))
		}
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(v); err == nil {
			wantNoCanary(t, name+" as gob", b.String())
		}
		b.Reset()
		slog.New(slog.NewTextHandler(&b, nil)).Info("m", "v", v, slog.Group("g", "v", v))
		slog.New(slog.NewJSONHandler(&b, nil)).With("v", v).Info("m", "v", v)
		wantNoCanary(t, name+" in a log", b.String())
		b.Reset()
		if err := template.Must(template.New("").Parse(`{{.}} {{printf "%#v" .}}`)).Execute(&b, v); err == nil {
			wantNoCanary(t, name+" in a template", b.String())
		}
		func() {
			defer func() { wantNoCanary(t, name+" in a panic", fmt.Sprint(recover())) }()
			panic(v)
		}()
	}
	// Two different values print the same, which makes go-cmp dig deeper.
	wantNoCanary(t, "a difference", cmp.Diff(s, partnercenter.NewSecret("other")))
	wantNoCanary(t, "a difference of tokens", cmp.Diff(h.token, partnercenter.Token{}))
}

// wantNoCanary looks for the text and for its bytes in hexadecimal and decimal.
func wantNoCanary(tb testing.TB, where, text string) {
	tb.Helper()
	for _, form := range []string{canary, fmt.Sprintf("%x", canary[:4]), fmt.Sprintf("%X", canary[:4]), "99 97 110 97"} {
		if strings.Contains(text, form) {
			tb.Errorf("%s shows the secret: %s", where, text)
		}
	}
}

func TestSecretShowsThatThereIsOne(t *testing.T) {
	s := partnercenter.NewSecret(canary)
	for verb, want := range map[string]string{"%v": "[redacted]", "%s": "[redacted]", "%#v": "[redacted]", "%d": "[redacted]"} {
		if got := fmt.Sprintf(verb, s); got != want {
			t.Errorf("%s: %q", verb, got)
		}
	}
	b, err := json.Marshal(map[string]partnercenter.Secret{"set": s, "empty": {}})
	if want := `{"empty":"","set":"[redacted]"}`; err != nil || string(b) != want {
		t.Errorf("%s %v", b, err)
	}
	b, err = json.Marshal(struct {
		S partnercenter.Secret `json:"s,omitzero"`
	}{})
	if err != nil || string(b) != "{}" {
		t.Errorf("%s %v", b, err)
	}
	if got := slog.AnyValue(s).Resolve(); got.Kind() != slog.KindString || got.String() != "[redacted]" {
		t.Errorf("a handler of slog gets %v", got)
	}
	if got := fmt.Sprint(partnercenter.Secret{}); got != "" {
		t.Errorf("an empty secret prints %q", got)
	}
}

func TestSecretReveals(t *testing.T) {
	s := partnercenter.NewSecret(canary)
	if s.Reveal() != canary || s.IsZero() {
		t.Error("the value is lost")
	}
	for _, empty := range []partnercenter.Secret{{}, partnercenter.NewSecret("")} {
		if empty.Reveal() != "" || !empty.IsZero() || !empty.Equal(partnercenter.Secret{}) || empty.Equal(s) || s.Equal(empty) {
			t.Error("an empty secret is not empty")
		}
	}
	if !s.Equal(partnercenter.NewSecret(canary)) || s.Equal(partnercenter.NewSecret(canary+"x")) || s.Equal(partnercenter.NewSecret("Canary-value")) {
		t.Error("Equal does not compare the values")
	}
	var back struct {
		S partnercenter.Secret `json:"s"`
	}
	if err := json.Unmarshal([]byte(`{"s":"x"}`), &back); err == nil {
		t.Error("a redacted text must not be read back as a secret")
	}
}
