package ingestion_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

const recordedBase = "/v1.0/ingestion"

// TestRequestsAreThoseRecorded does with this package what the client of each
// recording has done, on the recorded answers, and compares the requests by method,
// path, query and meaning of the body. What differs, and is meant to:
//
//   - The recorded client sends If-Match: * with everything, this one the etag that
//     was read, and only where the service knows versions.
//   - It asks for the first page with an empty $skipToken, this one without.
//   - It sends $expand=$expand=FileSasUri, which is malformed, this one
//     $expand=FileSasUri.
//   - It puts the offer id into the product's ID as well, writes externalIds and
//     AzureOfferID, SubType and ID: spellings that the service corrects.
//   - It forgets members of listings that it has read; this one sends them back.
//   - It has not always said isModularPublishing.
//   - It escapes more of a query than there is need for.
func TestRequestsAreThoseRecorded(t *testing.T) {
	t.Parallel()
	folder := os.Getenv("PARTNERCENTER_SPEC")
	if folder == "" {
		t.Skip("PARTNERCENTER_SPEC is not set: it names the folder with recordings/")
	}
	files, err := filepath.Glob(filepath.Join(folder, "recordings", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings (%v)", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []recorded
			if err := json.Unmarshal(specFile(t, "recordings/"+name), &all); err != nil {
				t.Fatal(err)
			}
			again(t, all)
		})
	}
}

// again makes the calls of a recording.
func again(t *testing.T, all []recorded) {
	t.Helper()
	read := make(map[string]string) // resources as last read or written, by id
	for n, r := range all {
		u, err := url.Parse(r.Request.URL)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(u.Path, recordedBase) {
			continue // a file on its way to the blob store, which is another pipeline
		}
		where := fmt.Sprintf("interaction %d, %s %s", n, r.Request.Method, u.Path)
		wire := answers(answer{status: r.Response.Status, body: text(r.Response.Body)})
		err = repeat(t, newClient(t, wire), r, u, read)
		if failed := r.Response.Status >= http.StatusBadRequest; failed != (err != nil) {
			t.Errorf("%s: %v", where, err)
		}
		requests := wire.seen()
		if len(requests) != 1 {
			t.Fatalf("%s: %d requests: %v", where, len(requests), err)
		}
		got := requests[0]
		if got.Method != r.Request.Method || got.Path != u.EscapedPath() {
			t.Errorf("%s: %s %s", where, got.Method, got.Path)
		}
		if diff := cmp.Diff(meaningOfQuery(t, u.RawQuery), meaningOfQuery(t, got.Query)); diff != "" {
			t.Errorf("%s: query (-recorded +sent):\n%s", where, diff)
		}
		compareBodies(t, where, r, got, read)
		remember(read, text(r.Response.Body))
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// remember keeps the resources of an answer.
func remember(read map[string]string, body string) {
	var list struct {
		ID    string            `json:"id"`
		Value []json.RawMessage `json:"value"`
	}
	if json.Unmarshal([]byte(body), &list) != nil {
		return
	}
	if list.ID != "" {
		read[list.ID] = body
	}
	for _, item := range list.Value {
		remember(read, string(item))
	}
}

// repeat makes the call that an interaction stands for.
func repeat(t *testing.T, c *ingestion.Client, r recorded, u *url.URL, read map[string]string) error {
	t.Helper()
	ctx, body := t.Context(), text(r.Request.Body)
	path := strings.Split(strings.TrimPrefix(u.Path, recordedBase+"/"), "/")
	get := r.Request.Method == http.MethodGet
	if len(path) == 1 {
		if get {
			return repeatList(t, c, u)
		}
		want := mustParse[ingestion.Product](t, strings.Replace(body, "externalIds", "externalIDs", 1)).Data
		_, err := c.Products().Create(ctx, ingestion.NewProduct(want.Type, want.OfferID(), want.Name))
		return err
	}
	p := c.Product(path[1])
	argument := path[len(path)-1]
	if _, after, ok := strings.Cut(argument, "="); ok {
		argument = strings.TrimSuffix(after, ")")
	}
	switch kind := r.Request.Method + " " + strings.Join(path[2:min(len(path), 3)], "/"); {
	case kind == "DELETE ":
		return c.Products().Delete(ctx, path[1])
	case kind == "GET ":
		_, err := c.Products().Get(ctx, path[1])
		return err
	case kind == "GET setup":
		_, err := p.Setup().Get(ctx)
		return err
	case kind == "POST setup":
		_, err := p.Setup().Set(ctx, inWords(t, ingestion.ProductSetup{}, body))
		return err
	case kind == "GET branches":
		_, err := p.Branches().Page(ctx, ingestion.Module(argument), "")
		return err
	case kind == "GET variants" && len(path) == 3:
		_, err := p.Variants().Page(ctx, "")
		return err
	case kind == "POST variants":
		_, err := p.Variants().Create(ctx, inWords(t, ingestion.Variant{}, body))
		return err
	case kind == "DELETE variants":
		return p.Variants().Delete(ctx, argument)
	case len(path) >= 5 && path[2] == "listings" && path[4] == "images":
		return repeatImage(t, p.Images(path[3], ingestion.ExpandFileSASURI), r, argument, read)
	case kind == "GET listings" && strings.HasPrefix(path[3], "getByInstanceID"):
		_, err := p.Listings().InstancePage(ctx, argument, "")
		return err
	case kind == "PUT listings":
		return repeatListing(t, p, body, argument, read)
	default:
		t.Fatalf("this test does not know %s %s", r.Request.Method, u.Path)
		return nil
	}
}

func repeatList(t *testing.T, c *ingestion.Client, u *url.URL) error {
	t.Helper()
	query := u.Query()
	filter, next := ingestion.Filter{}, ""
	if f := query.Get("$filter"); f != "" {
		parts := strings.Split(f, "'")
		if len(parts) == 5 && strings.HasPrefix(f, "externalIDs/Any") {
			filter = ingestion.OfferIDIs(parts[3])
		} else {
			filter = ingestion.RawFilter(f)
		}
	}
	if token := query.Get("$skipToken"); token != "" {
		next = strings.TrimPrefix(recordedBase, "/") + "/products?$skipToken=" + token // as the service links
	}
	_, err := c.Products().Page(t.Context(), filter, next)
	return err
}

// repeatListing changes, in the listing that was read before, what the client has
// said of it.
func repeatListing(t *testing.T, p ingestion.ProductScope, body, id string, read map[string]string) error {
	t.Helper()
	if read[id] == "" {
		t.Fatalf("listing %s was never read", id)
	}
	r := mustParse[ingestion.Listing](t, read[id])
	r.Data = inWords(t, r.Data, body)
	_, err := p.Listings().Update(t.Context(), r)
	return err
}

// inWords fills in the fields of data that a body speaks of, one by one, as a caller
// would: nothing of the body's own text goes along.
func inWords[T any](t *testing.T, data T, body string) T {
	t.Helper()
	said := spokenMembers(t, body)
	to, from := reflect.ValueOf(&data).Elem(), reflect.ValueOf(mustParse[T](t, body).Data)
	for n := range to.NumField() {
		name, _, _ := strings.Cut(to.Type().Field(n).Tag.Get("json"), ",")
		if _, ok := said[strings.ToLower(name)]; ok {
			to.Field(n).Set(from.Field(n))
		}
	}
	return data
}

func repeatImage(t *testing.T, images ingestion.Media[ingestion.ListingImage], r recorded, id string, read map[string]string) error {
	t.Helper()
	ctx := t.Context()
	switch r.Request.Method {
	case http.MethodGet:
		_, err := images.Page(ctx, "")
		return err
	case http.MethodPost:
		_, err := images.Create(ctx, inWords(t, ingestion.ListingImage{}, text(r.Request.Body)))
		return err
	case http.MethodPut:
		if read[id] == "" {
			t.Fatalf("image %s was never read", id)
		}
		image := mustParse[ingestion.ListingImage](t, read[id])
		image.Data = inWords(t, image.Data, text(r.Request.Body))
		_, err := images.Update(ctx, image)
		return err
	default:
		return images.Delete(ctx, id)
	}
}

// meaningOfQuery decodes a query and takes out what differs on purpose.
func meaningOfQuery(t *testing.T, query string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	if values.Get("$skipToken") == "" {
		values.Del("$skipToken")
	}
	if expand := values.Get("$expand"); expand != "" {
		values.Set("$expand", strings.TrimPrefix(expand, "$expand="))
	}
	return values
}

// compareBodies wants every member that was recorded in what was sent, with the
// same value; what is sent beyond that must have been read before, or be a default.
func compareBodies(t *testing.T, where string, r recorded, got sent, read map[string]string) {
	t.Helper()
	want, have := spokenMembers(t, text(r.Request.Body)), spokenMembers(t, got.Body)
	before := spokenMembers(t, read[strings.ToLower(fmt.Sprint(have["id"]))])
	if r.Request.Method == http.MethodPost {
		delete(want, "id") // the service makes ids
	}
	if _, said := want["ismodularpublishing"]; !said {
		delete(have, "ismodularpublishing")
	}
	for name, value := range want {
		sentValue := have[name]
		if empty(value) && empty(sentValue) {
			continue
		}
		if diff := cmp.Diff(value, sentValue); diff != "" {
			t.Errorf("%s: %s (-recorded +sent):\n%s", where, name, diff)
		}
	}
	for name, value := range have {
		if _, ok := want[name]; !ok && name != "id" && !cmp.Equal(value, before[name]) {
			t.Errorf("%s: %s: %v is sent, but was neither recorded nor read", where, name, value)
		}
	}
	if etag := before["@odata.etag"]; r.Request.Method == http.MethodPut && etag != got.Header.Get("If-Match") {
		t.Errorf("%s: If-Match %q, and the etag was %q", where, got.Header.Get("If-Match"), etag)
	}
}

func empty(v any) bool {
	return v == nil || v == "" || cmp.Equal(v, []any{})
}

// spokenMembers decodes an object; names are in lower case, since the service does not
// look at theirs.
func spokenMembers(t *testing.T, body string) map[string]any {
	t.Helper()
	if body == "" {
		return nil
	}
	var in map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(body)))
	dec.UseNumber()
	if err := dec.Decode(&in); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	out := make(map[string]any, len(in))
	for name, value := range in {
		if list, ok := value.([]any); ok && strings.EqualFold(name, "externalIDs") {
			for _, pair := range list {
				if m, ok := pair.(map[string]any); ok && strings.EqualFold(fmt.Sprint(m["type"]), ingestion.ExternalOfferID) {
					m["type"] = ingestion.ExternalOfferID
				}
			}
		}
		if name == "@odata.etag" {
			out[name] = value
			continue
		}
		out[strings.ToLower(name)] = value
	}
	return out
}
