package pctest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// A server that runs for months does not keep every file that it has made: the links
// work all the same, and nobody can tell that a file was made twice.
func TestFilesAreMadeAgain(t *testing.T) {
	t.Parallel()
	srv := NewServer(t, WithData(Data{Rows: 50}), optionFunc(func(c *config) { c.kept = 1 })) // the latest only
	token, err := srv.TokenSource().Token(t.Context(), partnercenter.TokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	send := func(method, address string) (http.Header, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, address, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if req.URL.Host == string(API) {
			req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
		}
		resp, err := srv.Transport().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode/100 != 2 {
			t.Fatalf("%s %s: %s, %v: %s", method, req.URL.Path, resp.Status, err, body)
		}
		return resp.Header, body
	}
	const base = "https://" + string(API) + "/v1.0/payouts/payments"
	links := make([]string, 3)
	for i := range links {
		_, body := send(http.MethodPost, base)
		var list struct {
			Value []struct {
				ID   string `json:"requestId"`
				Link string `json:"blobLocation"`
			} `json:"value"`
		}
		for list.Value == nil || list.Value[0].Link == "" {
			if err := json.Unmarshal(body, &list); err != nil {
				t.Fatal(err)
			}
			_, body = send(http.MethodGet, base+"/"+list.Value[0].ID)
		}
		links[i] = list.Value[0].Link
	}
	seen := make(map[string][]byte)
	tags := make(map[string]string)
	for range 3 {
		for _, link := range links {
			header, body := send(http.MethodGet, link)
			if seen[link] != nil && (!bytes.Equal(seen[link], body) || tags[link] != header.Get("ETag")) {
				t.Errorf("%s is another file, or has the ETag %s after %s", link, header.Get("ETag"), tags[link])
			}
			seen[link], tags[link] = body, header.Get("ETag")
		}
	}
}

// TestBehaviorIsPassedOnWhole fills every field, so that one which is forgotten on
// the way to the fake or back shows.
func TestBehaviorIsPassedOnWhole(t *testing.T) {
	t.Parallel()
	var b Behavior
	fill(t, reflect.ValueOf(&b).Elem())
	b.Steps = []Step{Queued(1), ProcessingFor(time.Second), CompletedWithNullLink(2), CompletedWithoutLink(1)}
	if got := behaviorOf(b.settings()); !reflect.DeepEqual(b, got) {
		t.Errorf("%+v came back as %+v", b, got)
	}
}

func TestIngestionBehaviorIsPassedOnWhole(t *testing.T) {
	t.Parallel()
	b := IngestionBehavior{
		ErrorShape: new(ShapeText), ToPreview: []SubmissionStep{InDraft().For(time.Second), Shows("a", "b").Polls(3)}, ToLive: []SubmissionStep{InStore()},
	}
	for _, f := range reflect.ValueOf(&b).Elem().Fields() {
		if f.IsZero() {
			fill(t, f)
		}
	}
	s := b.settings()
	if got := ingestionBehaviorOf(&s); !reflect.DeepEqual(b, got) {
		t.Errorf("%+v came back as %+v", b, got)
	}
}

func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(t, f)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(2)
	case reflect.String:
		v.SetString("x")
	case reflect.Slice:
		switch v.Type().Elem().Kind() {
		case reflect.String:
			v.Set(reflect.ValueOf([]string{"x"}))
		case reflect.Int:
			v.Set(reflect.ValueOf([]int{2}))
		default: // steps, which the tests fill
		}
	default:
		t.Fatalf("the test does not know how to fill a %s", v.Type())
	}
}
