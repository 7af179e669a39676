package ingestion_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

// desk is a service whose answers are scripted for each route: one after the other,
// the last one again and again. What is not scripted is an empty listing.
type desk struct {
	mu     sync.Mutex
	script map[string][]answer // by method and path below the product
	seen   []string
	bodies []string
}

// echo is the body of an answer that repeats what it was sent.
const echo = "echo"

func (d *desk) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	body := ""
	if req.Body != nil {
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		_ = req.Body.Close()
		body = string(raw)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	path := strings.TrimPrefix(req.URL.Path, "/v1.0/ingestion/products/p")
	key := req.Method + " " + path
	d.seen = append(d.seen, key)
	if req.Method != http.MethodGet {
		d.bodies = append(d.bodies, body)
	}
	a := ok(`{"value":[]}`) // of what nobody has thought of
	if list := d.script[key]; len(list) > 0 {
		a = list[0]
		if len(list) > 1 {
			d.script[key] = list[1:]
		}
	}
	if a.body == echo {
		a.body = body
	}
	if a.status == 0 {
		return nil, io.ErrUnexpectedEOF // the connection broke
	}
	resp := &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Request-Id": {"r-" + fmt.Sprint(len(d.seen))}}, Request: req,
		ContentLength: -1, Body: io.NopCloser(strings.NewReader(a.body)),
	}
	for k, v := range a.header {
		resp.Header.Set(k, v)
	}
	return resp, nil
}

// changed returns the requests that were to change something.
func (d *desk) changed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, line := range d.seen {
		if !strings.HasPrefix(line, "GET ") {
			out = append(out, line)
		}
	}
	return out
}

func (d *desk) set(key string, answers ...answer) *desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.script[key] = answers
	return d
}

const (
	getSubmissions = "GET /submissions"
	postSubmission = "POST /submissions"
	getSubmission  = "GET /submissions/2"
	promote        = "POST /submissions/2/promote"
	workflow       = "GET /submissions/2/workflowdetails"
	validations    = "GET /submissions/2/validations"
	reports        = "GET /submissions/2/reports"
)

// newDesk is an offer with one plan and one submission, which is live.
func newDesk() *desk {
	d := &desk{script: map[string][]answer{}}
	d.set("GET ", ok(`{"resourceType":"AzureApplication","name":"Mine","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}],"id":"p"}`))
	d.set("GET /variants", ok(`{"value":[{"resourceType":"AzureTestDriveVariant","id":"testdrive"},{"resourceType":"AzureSkuVariant","externalID":"plan-1","id":"v"}]}`))
	for _, module := range []string{"Availability", "Listing", "Package", "Property"} {
		own := fmt.Sprintf(`{"type":"Main","module":%q,"currentDraftInstanceID":"own-%s"}`, module, module)
		all := fmt.Sprintf(`{"type":"Private","module":%q,"currentDraftInstanceID":"x"},{"type":"Main","module":%q,"currentDraftInstanceID":"x","variantID":"testdrive"},%s`, module, module, own)
		if module != "Property" {
			all += fmt.Sprintf(`,{"type":"Main","module":%q,"currentDraftInstanceID":"plan-%s","variantID":"V"}`, module, module)
		}
		d.set("GET /branches/getByModule(module="+module+")", ok(`{"value":[`+all+`]}`))
	}
	d.set("GET /branches/getByModule(module=ResellerConfiguration)", ok(`{"value":[{"currentDraftInstanceID":"reseller"}]}`))
	d.set(getSubmissions, ok(`{"value":[`+state("1", "Published", "InStore")+`]}`))
	d.set(postSubmission, answer{status: 201, body: state("2", "InProgress", "InDraft")})
	d.set(promote, ok(`{}`))
	return d
}

// state is a submission with its id for a release number.
func state(id, state, substate string) string {
	return fmt.Sprintf(`{"resourceType":"Submission","id":%q,"releaseNumber":%s,"state":%q,"substate":%q}`, id, id, state, substate)
}

// at scripts the states of the submission.
func (d *desk) at(states ...string) *desk {
	list := make([]answer, len(states))
	for i, s := range states {
		a, b, _ := strings.Cut(s, "/")
		list[i] = ok(state("2", a, b))
	}
	return d.set(getSubmission, list...)
}

func steps(environment, itemState string, steps ...string) string {
	list := make([]string, len(steps))
	for i, s := range steps {
		name, state, _ := strings.Cut(s, "=")
		list[i] = fmt.Sprintf(`{"name":%q,"state":%q,"startDateTimeInUtc":"0001-01-01T00:00:00"}`, name, state)
	}
	return fmt.Sprintf(`{"type":"Push","state":%q,"targetEnvironment":%q,"workflowSteps":[%s]}`, itemState, environment, strings.Join(list, ","))
}

func listing(items ...string) answer { return ok(`{"value":[` + strings.Join(items, ",") + `]}`) }

func begin(t *testing.T, d *desk, r ingestion.PublishRequest) *ingestion.Publication {
	t.Helper()
	p, err := newClient(t, d).Product("p").Publish(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
