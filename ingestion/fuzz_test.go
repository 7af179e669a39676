package ingestion_test

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

// Whatever the service sends: what is read and not changed goes back as it came,
// one change leaves the rest, and what is printed can be read.
func FuzzResourceRoundTrip(f *testing.F) {
	f.Add([]byte(`{"resourceType":"AzureListing","title":"T","listingContacts":[{"x":1e3}],"@odata.etag":"\"1\"","id":"i"}`))
	f.Add([]byte(`{"title":1,"Title":null,"title":[],"keywords":[null],"listingContacts":[null,{}],"":0}`))
	f.Add([]byte("{\"a\":\"\\ud800\",\"b\":-0.0,\"password\":\"p\"}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var r ingestion.Resource[ingestion.Listing]
		if err := r.UnmarshalJSON(raw); err != nil {
			if json.Valid(raw) && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
				t.Fatalf("an object was refused: %v", err)
			}
			return
		}
		back, err := r.WireForTest()
		if err != nil {
			t.Fatal(err)
		}
		if want, got := members(t, raw), members(t, back); !equalMembers(want, got) {
			t.Fatalf("read %s, sent %s", raw, back)
		}
		old := r.Data.Title
		r.Data.Title = old + "!"
		changed, err := r.WireForTest()
		if err != nil {
			t.Fatal(err)
		}
		var again ingestion.Resource[ingestion.Listing]
		if err := again.UnmarshalJSON(changed); err != nil || again.Data.Title != strings.ToValidUTF8(old+"!", "\ufffd") {
			t.Fatalf("changed to %q, read back as %q (%v) from %s", r.Data.Title, again.Data.Title, err, changed)
		}
		want, got := without(members(t, raw), "title"), without(members(t, changed), "title")
		if !equalMembers(want, got) {
			t.Fatalf("read %s, sent %s", raw, changed)
		}
		printed, err := json.Marshal(r)
		if err != nil || !json.Valid(printed) {
			t.Fatalf("printed %s (%v)", printed, err)
		}
	})
}

// pair is a member as text.
type pair struct{ name, value string }

// members lists an object's members in order.
func members(t *testing.T, raw []byte) []pair {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(raw))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	var out []pair
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			t.Fatal(err)
		}
		text, _ := name.(string)
		out = append(out, pair{text, compact(t, string(value))})
	}
	return out
}

func without(pairs []pair, name string) []pair {
	var out []pair
	for _, p := range pairs {
		if !strings.EqualFold(p.name, name) {
			out = append(out, p)
		}
	}
	return out
}

func equalMembers(a, b []pair) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A link of the service can be anything. The token goes to the configured host or
// nowhere, and a listing ends.
func FuzzNextLink(f *testing.F) {
	for _, link := range []string{"v1.0/ingestion/products?$skipToken=a+/==", "/x", "https://evil.example/", "//evil.example/x", "?a", "\\\\evil", "http://api.partner.microsoft.com/", "https://u@api.partner.microsoft.com/", "%zz", " "} {
		f.Add(link)
	}
	f.Fuzz(func(t *testing.T, link string) {
		quoted, err := json.Marshal(link)
		if err != nil {
			t.Skip()
		}
		s := &hosts{service: answers(ok(`{"nextLink":`+string(quoted)+`,"value":[{"id":"a"}]}`), ok(`{"nextLink":`+string(quoted)+`,"value":[]}`))}
		_, err = collect(newClient(t, s).Products().All(t.Context(), ingestion.Filter{}))
		if link != "" && err == nil {
			t.Errorf("%q: a link that leads back to itself was followed without complaint", link)
		}
		if len(s.seen()) > 2 {
			t.Errorf("%q: %d requests", link, len(s.seen()))
		}
		for _, u := range s.urls {
			if u.Scheme != "https" || u.Host != "api.partner.microsoft.com" && u.Host != "api.partner.microsoft.com:443" && !strings.EqualFold(u.Hostname(), "api.partner.microsoft.com") || u.User != nil {
				t.Errorf("%q led to %s", link, (&url.URL{Scheme: u.Scheme, Host: u.Host}).String())
			}
		}
	})
}
