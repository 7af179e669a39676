package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// tape records the answers to GET requests and plays them back, so that only the
// client is measured.
type tape struct {
	from     http.RoundTripper // nil: play
	answers  map[string][]byte
	requests int
}

func (p *tape) RoundTrip(req *http.Request) (*http.Response, error) {
	p.requests++
	key := req.URL.String()
	if p.from != nil {
		resp, err := p.from.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			return nil, err
		}
		p.answers[key] = body
	}
	body, ok := p.answers[key]
	if !ok {
		return nil, fmt.Errorf("%s was not recorded", req.URL.Path)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, ContentLength: -1, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// BenchmarkListing10000 turns the pages of 10,000 products, which come a few at a
// time as recorded in 2025. The goal is one request per page. The contender is the
// least that one can write by hand: a loop around encoding/json.
func BenchmarkListing10000(b *testing.B) {
	const products = 10_000
	srv := pctest.NewServer(b)
	for n := range products {
		if _, err := srv.Ingestion().AddProduct(pctest.Product{Type: "AzureContainer", OfferID: fmt.Sprintf("offer-%05d", n)}); err != nil {
			b.Fatal(err)
		}
	}
	pages := &tape{from: srv.Transport(), answers: make(map[string][]byte)}
	client := publisher(b, srv, pages)
	count := func() int {
		found := 0
		for _, err := range client.Products().All(b.Context(), ingestion.Filter{}) {
			if err != nil {
				b.Fatal(err)
			}
			found++
		}
		return found
	}
	if n := count(); n != products {
		b.Fatalf("%d products", n)
	}
	pages.from = nil

	measure := func(b *testing.B, list func() int) {
		b.ReportAllocs()
		pages.requests = 0
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for b.Loop() {
			if n := list(); n != products {
				b.Fatalf("%d products", n)
			}
		}
		runtime.ReadMemStats(&after)
		if want := b.N * len(pages.answers); pages.requests != want {
			b.Fatalf("%d requests for %d pages", pages.requests, want)
		}
		b.ReportMetric(float64(len(pages.answers)), "pages")
		b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/products, "allocs/item")
	}
	b.Run("partnercenter", func(b *testing.B) { measure(b, count) })
	b.Run("by-hand", func(b *testing.B) { measure(b, func() int { return byHand(b, pages) }) })
}

// byHand lists the products as one would without a client.
func byHand(b *testing.B, wire http.RoundTripper) int {
	found := 0
	for next := "v1.0/ingestion/products"; next != ""; {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://api.partner.microsoft.com/"+next, http.NoBody)
		if err != nil {
			b.Fatal(err)
		}
		resp, err := wire.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		var page struct {
			NextLink string `json:"nextLink"`
			Value    []struct {
				ID          string `json:"id"`
				Name        string `json:"name"`
				Type        string `json:"resourceType"`
				ExternalIDs []struct {
					Type  string `json:"type"`
					Value string `json:"value"`
				} `json:"externalIDs"`
			} `json:"value"`
		}
		err = json.NewDecoder(resp.Body).Decode(&page)
		_ = resp.Body.Close()
		if err != nil {
			b.Fatal(err)
		}
		found += len(page.Value)
		next = page.NextLink
	}
	return found
}

func publisher(b *testing.B, srv *pctest.Server, wire http.RoundTripper) *ingestion.Client {
	b.Helper()
	client, err := ingestion.New(srv.AppOnlyTokenSource(), &partnercenter.Options{Transport: wire})
	if err != nil {
		b.Fatal(err)
	}
	return client
}

// wide is a listing with 200 members, most of which nobody knows.
func wide(id, etag string) string {
	var s strings.Builder
	s.WriteString(`{"resourceType":"AzureListing","title":"T","summary":"S","listingUris":[],"languageCode":"en-us"`)
	for n := range 193 {
		fmt.Fprintf(&s, `,"member%03d":{"value":%d.50,"list":["a","b"],"on":true}`, n, n)
	}
	fmt.Fprintf(&s, `,"@odata.etag":%s,"id":%q}`, etag, id)
	return s.String()
}

// BenchmarkRoundTrip200 reads a resource of 200 members, changes one and writes it
// for sending. The contender is a map, which keeps neither order nor numbers.
func BenchmarkRoundTrip200(b *testing.B) {
	text := []byte(wide("l", `"\"e\""`))
	b.Run("partnercenter", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var r ingestion.Resource[ingestion.Listing]
			if err := json.Unmarshal(text, &r); err != nil {
				b.Fatal(err)
			}
			r.Data.Title = "another"
			if _, err := ingestion.Wire(&r); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(text)))
		for b.Loop() {
			var m map[string]any
			if err := json.Unmarshal(text, &m); err != nil {
				b.Fatal(err)
			}
			m["title"] = "another"
			if _, err := json.Marshal(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("through-the-service", func(b *testing.B) {
		ctx := context.WithoutCancel(b.Context())
		srv := pctest.NewServer(b)
		product, err := srv.Ingestion().AddProduct(pctest.Product{Type: "AzureContainer", OfferID: "wide"})
		if err != nil {
			b.Fatal(err)
		}
		p := publisher(b, srv, srv.Transport()).Product(product.ID)
		instance, err := p.Branches().Draft(ctx, ingestion.ModuleListing, "")
		if err != nil {
			b.Fatal(err)
		}
		r, err := p.Listings().Draft(ctx, instance)
		if err != nil {
			b.Fatal(err)
		}
		full := new(ingestion.Resource[ingestion.Listing])
		if err := json.Unmarshal([]byte(wide(r.ID, `"\"e\""`)), full); err != nil {
			b.Fatal(err)
		}
		if _, err := p.Listings().Update(ctx, full, ingestion.Overwrite()); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for n := 0; b.Loop(); n++ {
			if r, err = p.Listings().Get(ctx, r.ID); err != nil {
				b.Fatal(err)
			}
			r.Data.Title = fmt.Sprint("title ", n)
			if _, err = p.Listings().Update(ctx, r); err != nil {
				b.Fatal(err)
			}
		}
		if raw, err := srv.Ingestion().Resource(product.ID, "listings", r.ID); err != nil || !strings.Contains(string(raw), `"member192":{"value":192.50,`) {
			b.Fatalf("something was lost: %v", err)
		}
	})
}
