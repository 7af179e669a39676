package ingestion

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// made is a recording of what the recordings at hand do not show.
type made []interaction

func (m *made) say(after time.Duration, method, path, ask string, status int, answer string) {
	var i interaction
	i.Request.Method, i.Request.URL = method, apiHost+Prefix+path
	if ask != "" {
		i.Request.Body = &ask
	}
	i.Response.Status = status
	i.Response.Headers = map[string][]string{"date": {time.Unix(1.7e9, 0).UTC().Add(after).Format(http.TimeFormat)}}
	if answer != "" {
		i.Response.Body = &answer
		i.Response.Headers["content-type"] = []string{"application/json; charset=utf-8"}
	}
	*m = append(*m, i)
}

const (
	lookup    = "/products?%24filter=externalIDs%2FAny%28i%3Ai%2Ftype+eq+%27AzureOfferId%27+and+i%2Fvalue+eq+%27a%27%29"
	offer     = `{"resourceType":"AzureApplication","name":"A","externalIDs":[{"type":"AzureOfferId","value":"a"}],"id":"p-1"}`
	other     = `{"resourceType":"AzureContainer","name":"B","externalIDs":[{"type":"AzureOfferId","value":"b"}],"id":"p-2"}`
	driven    = `{"resourceType":"AzureTestDriveVariant","state":"Inactive","@odata.etag":"\"74019fd5-0000-0100-0000-65a03c650000\"","id":"testdrive"}`
	none      = `{"value":[]}`
	firstPage = "/products?%24skipToken="
)

// The last page may be empty; the service says so only when it is asked for it.
func TestReplayOfAnEmptyLastPage(t *testing.T) {
	t.Parallel()
	var m made
	m.say(0, http.MethodGet, firstPage, "", http.StatusOK, `{"nextLink":"v1.0/ingestion/products?$skipToken=AA","value":[`+offer+`]}`)
	m.say(0, http.MethodGet, firstPage+"AA", "", http.StatusOK, `{"nextLink":"v1.0/ingestion/products?$skipToken=BB","value":[`+other+`]}`)
	m.say(0, http.MethodGet, firstPage+"BB", "", http.StatusOK, none)
	m.say(0, http.MethodGet, lookup, "", http.StatusOK, `{"value":[`+offer+`]}`)
	m.say(0, http.MethodGet, "/products/p-1/variants", "", http.StatusOK, none)
	for from := range m {
		play(t, m[from:])
	}
}

// What somebody else has deleted is not found any more.
func TestReplayOfAProductThatVanishes(t *testing.T) {
	t.Parallel()
	var m made
	m.say(0, http.MethodGet, lookup, "", http.StatusOK, `{"value":[`+offer+`]}`)
	m.say(time.Minute, http.MethodGet, lookup, "", http.StatusOK, none)
	play(t, m)
}

// The plan for test drives may come to light in the list of plans, in the very second
// in which it was not there yet, and its version may come from any region.
func TestReplayOfATestDriveThatAppears(t *testing.T) {
	t.Parallel()
	var m made
	m.say(0, http.MethodPost, "/products", strings.Replace(offer, `,"id":"p-1"`, "", 1), http.StatusCreated, offer)
	m[0].Response.Headers["location"] = []string{apiHost + Prefix + "/products/p-1"}
	m.say(0, http.MethodGet, "/products/p-1/variants", "", http.StatusOK, none)
	m.say(0, http.MethodGet, "/products/p-1/variants", "", http.StatusOK, `{"value":[`+driven+`]}`)
	play(t, m)
}

// A plan that was there before may be listed before its draft is.
func TestReplayOfADraftThatAppears(t *testing.T) {
	t.Parallel()
	var m made
	m.say(0, http.MethodGet, "/products/p-1/variants", "", http.StatusOK, `{"value":[`+driven+`]}`)
	for _, listed := range []string{none, none, `{"value":[{"resourceType":"Branch","friendlyName":"Main","type":"Main","module":"Listing","currentDraftInstanceID":"i-1","variantID":"testdrive"}]}`} {
		own := `[{"resourceType":"Branch","friendlyName":"Main","type":"Main","module":"Listing","currentDraftInstanceID":"i-0"}`
		if listed != none {
			own += ","
		}
		m.say(0, http.MethodGet, "/products/p-1/branches/getByModule(module=Listing)", "", http.StatusOK, strings.Replace(listed, "[", own, 1))
	}
	play(t, m)
}

// A resource of another version, and with other words, was changed by somebody else;
// a version that comes back was not.
func TestReplayOfAResourceThatSomebodyChanges(t *testing.T) {
	t.Parallel()
	plan := func(name, etag string) string {
		return `{"value":[{"resourceType":"AzureSkuVariant","friendlyName":"` + name + `","externalID":"a","@odata.etag":"\"` + etag + `-0000-0800-0000-65a03c650000\"","id":"v-1"}]}`
	}
	var m made
	for _, seen := range [][2]string{{"A", "74019fd5"}, {"A", "74019fd5"}, {"B", "74019fd6"}, {"B", "74019fd6"}} {
		m.say(0, http.MethodGet, "/products/p-1/variants", "", http.StatusOK, plan(seen[0], seen[1]))
	}
	play(t, m)
}

func TestSettingsOfRecordings(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]bool{
		"%24expand=%24expand%3DFileSasUri": true, "$expand=$expand=FileSasUri": true, "$expand=FileSasUri": false, "": false,
	} {
		var m made
		m.say(0, http.MethodGet, "/products/p-1/listings/l-1/images?"+query, "", http.StatusOK, `{"value":[{"fileSasUri":"https://files.example/1?sp=rwl"}]}`)
		if got := settingsOf(m, DefaultSettings()).LinksForMalformedExpand; got != want {
			t.Errorf("%q: %t", query, got)
		}
	}
}

func TestDelaysOfRecordings(t *testing.T) {
	t.Parallel()
	without, with := none, `{"value":[{"variantID":"v-1"}]}`
	for name, tt := range map[string]struct {
		looks    []string
		from, to time.Duration
	}{
		"at once":     {[]string{with}, 0, 0},
		"never asked": {nil, 0, 0},
		"later":       {[]string{without, without, with}, 20 * time.Second, 30 * time.Second},
		"never there": {[]string{without, without}, 20 * time.Second, time.Hour},
	} {
		var m made
		m.say(0, http.MethodPost, "/products/p-1/variants", "", http.StatusCreated, `{"id":"v-1"}`)
		for n, look := range tt.looks {
			m.say(time.Duration(n+1)*10*time.Second, http.MethodGet, "/products/p-1/branches/getByModule(module=Listing)", "", http.StatusOK, look)
		}
		m.say(time.Minute, http.MethodDelete, "/products/p-1/variants/v-1", "", http.StatusNoContent, "")
		m.say(time.Hour, http.MethodGet, "/products/p-1/branches/getByModule(module=Listing)", "", http.StatusOK, without)
		got := settingsOf(m, DefaultSettings()).BranchDelay
		if tt.to == 0 && got != 0 || tt.to > 0 && (got <= tt.from || got >= tt.to) {
			t.Errorf("%s: %v, want a time between %v and %v", name, got, tt.from, tt.to)
		}
	}
}
