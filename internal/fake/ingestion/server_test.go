package ingestion

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

const hour = time.Hour

// seeded adds an Azure application with a managed plan.
func (r *rig) seeded() (product, variant string) {
	r.t.Helper()
	p, err := r.s.AddProduct([]byte(`{"resourceType":"AzureApplication","name":"Mine","externalIDs":[{"type":"AzureOfferID","value":"my-offer"}]}`))
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := r.s.AddVariant(p, []byte(`{"resourceType":"AzureSkuVariant","externalID":"basic","friendlyName":"Basic","subType":"managed-application"}`))
	if err != nil {
		r.t.Fatal(err)
	}
	return p, v
}

func (r *rig) instance(product, module, variant string) string {
	r.t.Helper()
	for _, b := range r.json(http.MethodGet, "/products/"+product+"/branches/getByModule(module="+module+")", "").objects("value") {
		if b.text("variantID") == variant {
			return b.text("currentDraftInstanceID")
		}
	}
	r.t.Fatalf("no draft of %s", module)
	return ""
}

// submit makes a submission of listing and reseller configuration.
func (r *rig) submit(product string) object {
	r.t.Helper()
	return r.json(http.MethodPost, "/products/"+product+"/submissions",
		submissionBody(r.instance(product, "Listing", ""), r.instance(product, "ResellerConfiguration", "")))
}

func TestMalformedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, v := r.seeded()
	at := "/products/" + p
	listing := r.one(at + "/listings/getByInstanceID(instanceID=" + r.instance(p, "Listing", "") + ")")
	config := r.one(at + "/packageConfigurations/getByInstanceID(instanceID=" + r.instance(p, "Package", v) + ")")
	pack := r.json(http.MethodPost, at+"/packages", `{"resourceType":"AzureApplicationPackage","fileName":"a.zip"}`)
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		says               string
		header             []string
	}{
		"unknown path":                 {method: "GET", path: "/offers", status: 404},
		"another path":                 {method: "GET", path: apiHost + "/v1.0/ingestions/products", status: 404},
		"unknown segment":              {method: "GET", path: at + "/listings/a/b/c/d", status: 404},
		"function without name":        {method: "GET", path: at + "/branches/getByModule(x=Listing)", status: 404},
		"unknown module":               {method: "GET", path: at + "/branches/getByModule(module=Prices)", status: 400, says: "Prices"},
		"wrong method":                 {method: "PUT", path: "/products", body: "{}", status: 405},
		"PUT of a product":             {method: "PUT", path: at, body: "{}", status: 405},
		"unknown product":              {method: "GET", path: "/products/x", status: 404, says: "ICH50404"},
		"unknown variant":              {method: "DELETE", path: at + "/variants/x", status: 404},
		"unknown instance":             {method: "GET", path: at + "/listings/getByInstanceID(instanceID=x)", status: 404},
		"instance of another module":   {method: "GET", path: at + "/listings/getByInstanceID(instanceID=" + r.instance(p, "Property", "") + ")", status: 404},
		"unknown submission":           {method: "GET", path: at + "/submissions/1", status: 404},
		"images of no listing":         {method: "GET", path: at + "/listings/x/images", status: 404},
		"no token":                     {method: "GET", path: at, status: 401, header: []string{"Authorization", ""}},
		"bad token":                    {method: "GET", path: at, status: 401, header: []string{"Authorization", "Bearer bad"}},
		"no body":                      {method: "POST", path: "/products", status: 400, says: "ICH50400"},
		"body no object":               {method: "POST", path: "/products", body: "[]", status: 400},
		"body no JSON":                 {method: "POST", path: "/products", body: "{", status: 400},
		"two objects":                  {method: "POST", path: "/products", body: "{}{}", status: 400},
		"body too deep":                {method: "POST", path: "/products", body: `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}", status: 400},
		"body too large":               {method: "POST", path: "/products", body: strings.Repeat(" ", maxBody+1), status: 413},
		"not JSON by type":             {method: "POST", path: "/products", body: "{}", status: 415, header: []string{"Content-Type", "text/plain"}},
		"product without type":         {method: "POST", path: "/products", body: `{"name":"n"}`, status: 400, says: "resourceType"},
		"product without name":         {method: "POST", path: "/products", body: `{"resourceType":"AzureApplication"}`, status: 400, says: "Name"},
		"name no string":               {method: "POST", path: "/products", body: `{"resourceType":"AzureApplication","name":1}`, status: 400, says: "name"},
		"offer id in use":              {method: "POST", path: "/products", body: `{"resourceType":"AzureContainer","name":"n","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}]}`, status: 409, says: "InvalidState"},
		"listing of another type":      {method: "PUT", path: at + "/listings/" + listing.text("id"), body: `{"resourceType":"AzureProperty"}`, status: 400, says: "resourceType"},
		"listing with another id":      {method: "PUT", path: at + "/listings/" + listing.text("id"), body: `{"resourceType":"AzureListing","ID":"x"}`, status: 400, says: "id"},
		"keywords no array":            {method: "PUT", path: at + "/listings/" + listing.text("id"), body: `{"resourceType":"AzureListing","keywords":"a"}`, status: 400, says: "keywords"},
		"language twice":               {method: "POST", path: at + "/listings/createWithInstanceID(instanceID=" + r.instance(p, "Listing", "") + ")", body: `{"resourceType":"AzureListing","languageCode":"EN-US"}`, status: 409},
		"plan without id":              {method: "POST", path: at + "/variants", body: `{"resourceType":"AzureSkuVariant","friendlyName":"x"}`, status: 400, says: "externalID"},
		"plan id in use":               {method: "POST", path: at + "/variants", body: `{"resourceType":"AzureSkuVariant","friendlyName":"x","externalID":"basic"}`, status: 409},
		"plan changes id":              {method: "PUT", path: at + "/variants/" + v, body: `{"resourceType":"AzureSkuVariant","friendlyName":"x","externalID":"other"}`, status: 400, says: "externalID"},
		"unknown state":                {method: "PUT", path: at + "/variants/" + v, body: `{"resourceType":"AzureSkuVariant","state":"Gone"}`, status: 400, says: "state"},
		"reseller state OptIn":         {method: "POST", path: at + "/resellerConfiguration", body: `{"resourceType":"ResellerConfiguration","ResellerChannelState":"OptIn"}`, status: 400, says: "resellerChannelState"},
		"unknown lead configuration":   {method: "POST", path: at + "/leadconfiguration", body: `{"resourceType":"PaperLeadConfiguration"}`, status: 400},
		"image already uploaded":       {method: "POST", path: at + "/listings/" + listing.text("id") + "/images", body: `{"resourceType":"ListingImage","fileName":"a.png","state":"Uploaded"}`, status: 400, says: "state"},
		"image without name":           {method: "POST", path: at + "/listings/" + listing.text("id") + "/images", body: `{"resourceType":"ListingImage"}`, status: 400, says: "fileName"},
		"package without type":         {method: "POST", path: at + "/packages", body: `{"fileName":"a.zip"}`, status: 400, says: "resourceType"},
		"package without its file":     {method: "PUT", path: at + "/packages/" + pack.text("id"), body: `{"resourceType":"AzureApplicationPackage","State":"Uploaded"}`, status: 400, says: "has not been uploaded"},
		"tenant no GUID":               {method: "PUT", path: at + "/packageconfigurations/" + config.text("id"), body: `{"resourceType":"AzureManagedApplicationPackageConfiguration","publicAzureTenantID":"x"}`, status: 400, says: "Enter a valid GUID"},
		"principal no GUID":            {method: "PUT", path: at + "/packageconfigurations/" + config.text("id"), body: `{"resourceType":"AzureManagedApplicationPackageConfiguration","publicAzureAuthorizations":[{"principalID":"x"}]}`, status: 400, says: "Enter a valid GUID"},
		"package that is not there":    {method: "PUT", path: at + "/packageconfigurations/" + config.text("id"), body: `{"resourceType":"AzureManagedApplicationPackageConfiguration","packageReferences":[{"type":"AzureApplicationPackage","value":"x"}]}`, status: 400, says: "packageReferences"},
		"configuration of other type":  {method: "PUT", path: at + "/packageconfigurations/" + config.text("id"), body: `{"resourceType":"AzureSolutionTemplatePackageConfiguration"}`, status: 400},
		"properties of a branch":       {method: "GET", path: at + "/properties?branchId=x", status: 400, says: "not applicable for this product"},
		"filter with gt":               {method: "GET", path: "/products?$filter=name+gt+'a'", status: 400, says: "only eq"},
		"token of nobody":              {method: "GET", path: "/products?$skipToken=abc", status: 400, says: "skipToken"},
		"submission of nothing":        {method: "POST", path: at + "/submissions", body: `{"resourceType":"SubmissionCreationRequest","targets":[{"type":"Scope","value":"preview"}]}`, status: 400, says: "resources"},
		"submission to nowhere":        {method: "POST", path: at + "/submissions", body: `{"resourceType":"SubmissionCreationRequest","resources":[{"type":"Listing","value":"x"}]}`, status: 400, says: "targets"},
		"submission straight to live":  {method: "POST", path: at + "/submissions", body: strings.Replace(submissionBody(r.instance(p, "Listing", ""), r.instance(p, "ResellerConfiguration", "")), "preview", "live", 1), status: 400, says: "live"},
		"submission of unknown drafts": {method: "POST", path: at + "/submissions", body: submissionBody("x", r.instance(p, "ResellerConfiguration", "")), status: 400, says: "does not exist"},
		"submission of unknown plans":  {method: "POST", path: at + "/submissions", body: `{"resourceType":"SubmissionCreationRequest","targets":[{"type":"Scope","value":"preview"}],"variantResources":[{"variantID":"x","resources":[]}]}`, status: 400, says: "variantResources"},
	} {
		t.Run(name, func(t *testing.T) {
			w := r.do(c.method, c.path, c.body, c.header...)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("Request-Id") == "" {
				t.Error("there is no request-id")
			}
		})
	}
}

// The rows of the table of states: what may be done in which.
func TestStatesAllowWhatTheyDo(t *testing.T) {
	t.Parallel()
	const endless = 1000 * hour
	for _, c := range []struct {
		step                    Step
		cancel, replace, promte int
	}{
		{Prepare(endless), 204, 409, 409},
		{Run(PhaseValidation, endless), 204, 409, 409},
		{Fail(PhaseValidation), 204, 201, 409},
		{Fail(PhaseCertification), 204, 201, 409},
		{Ready(), 409, 201, 200},
		{Run(PhaseCertification, endless), 409, 409, 409},
		{Step{State: published, Substate: published}, 409, 201, 409},
		{Live(), 409, 201, 409},
	} {
		t.Run(c.step.State+" "+c.step.Substate, func(t *testing.T) {
			t.Parallel()
			for what, want := range map[string]int{"cancel": c.cancel, "replace": c.replace, "promote": c.promte} {
				r := newRig(t, nil)
				p, _ := r.seeded()
				if err := r.s.Next(Script{Steps: []Step{c.step}}); err != nil {
					t.Fatal(err)
				}
				at := "/products/" + p + "/submissions"
				sub := r.submit(p)
				if sub.text("state") != c.step.State || sub.text("substate") != c.step.Substate {
					t.Fatalf("it is %s", sub.append(nil))
				}
				var got int
				switch what {
				case "cancel":
					got = r.do(http.MethodDelete, at+"/"+sub.text("id"), "").Code
				case "replace":
					got = r.do(http.MethodPost, at, submissionBody(r.instance(p, "Listing", ""), r.instance(p, "ResellerConfiguration", ""))).Code
				case "promote":
					got = r.do(http.MethodPost, at+"/"+sub.text("id")+"/promote", "").Code
				}
				if got != want {
					t.Errorf("%s: %d, not %d", what, got, want)
				}
			}
		})
	}
}

// A submission by the clock, with all that it shows on its way.
func TestSubmissionByTheClock(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, v := r.seeded()
	before := r.instance(p, "Listing", "")
	sub := r.submit(p)
	path := "/products/" + p + "/submissions/" + sub.text("id")
	if n := sub.text("id"); !regexp.MustCompile(`^[0-9]{19}$`).MatchString(n) {
		t.Errorf("id %s", n)
	}
	if r.instance(p, "Listing", "") == before {
		t.Error("the draft has kept its instance id")
	}
	if r.instance(p, "ResellerConfiguration", "") != p+"-ResellerInstance" {
		t.Error("the reseller's instance has another name")
	}
	modules := map[string]bool{}
	for _, x := range sub.objects("resources") {
		modules[x.text("type")] = true
	}
	if !modules["Property"] || !modules["Package"] || !modules["Availability"] {
		t.Errorf("only named modules are in the answer: %v", modules)
	}
	if plans := sub.objects("variantResources"); len(plans) != 1 || plans[0].text("variantID") != v || len(plans[0].objects("resources")) != 3 {
		t.Errorf("plans: %v", plans)
	}
	for _, c := range []struct {
		after                                time.Duration
		state, substate, update, ready, when string
	}{
		{0, inProgress, inDraft, "Running", "false", "1601-01-01T00:00:00Z"},
		{time.Minute, inProgress, submitted, "Completed", "true", "1601-01-01T00:00:00Z"},
		{8 * time.Minute, inProgress, submitted, "Completed", "true", "1601-01-01T00:00:00Z"},
		{39 * time.Second, published, readyToPublish, "Completed", "true", ""},
	} {
		r.clock.Advance(c.after)
		got := r.json(http.MethodGet, path, "")
		if got.text("state") != c.state || got.text("substate") != c.substate || string(got.get("areResourcesReady")) != c.ready ||
			got.object("pendingUpdateInfo").text("status") != c.update || got.object("pendingUpdateInfo").text("updateType") != "Create" {
			t.Errorf("after %v: %s", c.after, got.append(nil))
		}
		if at := got.text("publishedTimeInUtc"); c.when != "" && at != c.when || c.when == "" && !regexp.MustCompile(`^20.*\.\d{7}Z$`).MatchString(at) {
			t.Errorf("after %v: published %s", c.after, at)
		}
		if got.objects("targets")[0].text("value") != "Preview" || string(got.get("releaseNumber")) != "1" || got.text("friendlyName") != "Submission 1" {
			t.Errorf("%s", got.append(nil))
		}
	}
	preview := r.json(http.MethodGet, path+"/workflowdetails", "").objects("value")
	if len(preview) != 2 || preview[0].text("targetEnvironment") != "Preview" || preview[0].text("state") != success || preview[1].text("state") != notStarted {
		t.Errorf("workflow: %v", preview)
	}
	if at := preview[1].text("startDateTimeInUtc"); at != "0001-01-01T00:00:00" {
		t.Errorf("a step that has not begun: %s", at)
	}
	if at := preview[0].text("startDateTimeInUtc"); !regexp.MustCompile(`^20\d\d-.*\.\d{7}$`).MatchString(at) {
		t.Errorf("a step that has begun: %s", at)
	}
	live := r.json(http.MethodPost, path+"/promote", "")
	if live.text("targetEnvironment") != "Live" || live.text("state") != inProgress {
		t.Errorf("promote: %s", live.append(nil))
	}
	reports := func() string {
		list := r.json(http.MethodGet, path+"/reports", "").objects("value")
		if len(list) != 1 {
			t.Fatalf("%d reports", len(list))
		}
		if w := r.do(http.MethodGet, list[0].text("fileUri"), ""); w.Code != 200 || !strings.Contains(w.Body.String(), "html") {
			t.Errorf("report: %d", w.Code)
		}
		return list[0].text("status")
	}
	if got := reports(); got != "Pending" {
		t.Error(got)
	}
	r.clock.Advance(3 * hour)
	if got := r.json(http.MethodGet, path, ""); got.text("substate") != inStore || got.objects("targets")[0].text("value") != "Preview" {
		t.Errorf("%s", got.append(nil))
	}
	if got := reports(); got != "Passed" {
		t.Error(got)
	}
	if w := r.do(http.MethodDelete, "/products/"+p, ""); w.Code != 409 {
		t.Errorf("DELETE of a published product: %d", w.Code)
	}
	if w := r.do(http.MethodDelete, "/products/"+p+"/variants/"+v, ""); w.Code != 409 {
		t.Errorf("DELETE of a published plan: %d", w.Code)
	}
}

func TestSubmissionsAreListedWithoutOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.Steps = []Step{Fail(PhasePreview)} })
	p, _ := r.seeded()
	for range 8 {
		r.submit(p)
	}
	at := "/products/" + p + "/submissions"
	var releases []string
	for _, s := range r.json(http.MethodGet, at, "").objects("value") {
		releases = append(releases, string(s.get("releaseNumber")))
	}
	if len(releases) != 8 || slices.IsSorted(releases) || releases[0] == "8" || releases[7] == "8" {
		t.Errorf("a client that takes the first or the last for the latest would not be caught: %v", releases)
	}
	filtered := func(f string) int {
		return len(r.json(http.MethodGet, at+"?%24filter="+strings.ReplaceAll(f, " ", "+"), "").objects("value"))
	}
	if n := filtered("state eq 'InProgress'"); n != 8 {
		t.Errorf("%d in progress", n)
	}
	if n := filtered("State eq 'Published' and targets/any(t:t/value eq 'Preview')"); n != 0 {
		t.Errorf("%d published", n)
	}
	option := r.json(http.MethodGet, at+"?$expand=PublishOption", "").objects("value")[0]
	if option.has("publishOption") {
		t.Error("there was none")
	}
}

func TestSubmissionSettings(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) {
		s.Steps, s.LiveSteps, s.AutoPromote, s.KeepInstances = []Step{Ready()}, []Step{Live()}, true, true
	})
	p, _ := r.seeded()
	at := "/products/" + p + "/submissions"
	draft := r.instance(p, "Listing", "")
	body := strings.Replace(submissionBody(draft, r.instance(p, "ResellerConfiguration", "")), `"extendedProperties"`,
		`"publishOption":{"isAutoPromote":true,"certificationNotes":"n"},"extendedProperties"`, 1)
	w := r.do(http.MethodPost, at, body)
	sub, _ := parseObject(w.Body.Bytes())
	if w.Code != 201 || sub.text("substate") != inStore || sub.has("publishOption") || r.instance(p, "Listing", "") != draft {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := r.json(http.MethodGet, at+"/"+sub.text("id")+"?$expand=PublishOption", ""); got.object("publishOption").text("certificationNotes") != "n" {
		t.Errorf("%s", got.append(nil))
	}
	for how, want := range map[Accepted]string{AcceptedWithBody: "202 true", AcceptedWithLocation: "202 false"} {
		if err := r.s.Configure(func(s *Settings) { s.Submissions = how }); err != nil {
			t.Fatal(err)
		}
		w := r.do(http.MethodPost, at, body)
		if got := fmt.Sprint(w.Code, " ", w.Body.Len() > 0); got != want || !strings.HasPrefix(w.Header().Get("Location"), apiHost+Prefix+at+"/1") ||
			(how == AcceptedWithLocation) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s %v", got, w.Header())
		}
		if w := r.do(http.MethodGet, w.Header().Get("Location"), ""); w.Code != 200 {
			t.Errorf("Location leads to %d", w.Code)
		}
	}
}

// pages walks a listing and returns the sizes of its pages and the ids.
func (r *rig) pages(first string) (sizes []int, ids []string, status int) {
	r.t.Helper()
	for next := first; ; {
		w := r.do(http.MethodGet, next, "")
		if w.Code != 200 {
			return sizes, ids, w.Code
		}
		if strings.Contains(w.Body.String(), "nextLink") && !strings.HasPrefix(w.Body.String(), `{"nextLink":"v1.0/ingestion/products?$skipToken=`) {
			r.t.Errorf("the link is not as recorded: %.120s", w.Body)
		}
		page, err := parseObject(w.Body.Bytes())
		if err != nil {
			r.t.Fatal(err)
		}
		sizes = append(sizes, len(page.objects("value")))
		for _, p := range page.objects("value") {
			ids = append(ids, p.text("id"))
		}
		if next = page.text("nextLink"); next == "" {
			return sizes, ids, 200
		}
		if len(sizes) > 200 {
			r.t.Fatal("there is no end")
		}
		next = apiHost + "/" + next
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for n := range 12 {
		kind := "AzureContainer"
		if n%2 == 0 {
			kind = "SoftwareAsAService"
		}
		if _, err := r.s.AddProduct(fmt.Appendf(nil, `{"resourceType":%q,"name":"n%d","externalIDs":[{"type":"AzureOfferId","value":"it's %d"}]}`, kind, n, n)); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(*Settings)
		query  string
		sizes  []int
		status int
	}{
		"as recorded":     {sizes: []int{1, 4, 5, 2}},
		"empty token":     {query: "?%24skipToken=", sizes: []int{1, 4, 5, 2}},
		"exact":           {change: func(s *Settings) { s.PageSizes = []int{6} }, sizes: []int{6, 6}},
		"with empty ones": {change: func(s *Settings) { s.PageSizes = []int{0, 5, 0} }, sizes: []int{0, 5, 0, 0, 5, 0, 0, 2}},
		"largest":         {change: func(s *Settings) { s.PageSizes = nil }, sizes: []int{12}},
		"empty last page": {change: func(s *Settings) { s.PageSizes, s.EmptyLastPage = []int{8}, true }, sizes: []int{8, 4, 0}},
		"dead last link":  {change: func(s *Settings) { s.PageSizes, s.DeadLastLink = []int{8}, true }, sizes: []int{8, 4}, status: 404},
		"filtered":        {query: "?%24filter=ResourceType+eq+'SoftwareAsAService'", change: func(s *Settings) { s.PageSizes = []int{4} }, sizes: []int{4, 2}},
		"by offer id":     {query: "?%24filter=ExternalIDs%2FANY(x:x%2FType+eq+'azureofferid'+and+(x%2Fvalue+eq+'it''s+7'))", sizes: []int{1}},
		"unfiltered":      {change: func(s *Settings) { s.RefuseUnfiltered = true }, status: 400},
	} {
		t.Run(name, func(t *testing.T) {
			if err := r.s.Configure(func(s *Settings) {
				if *s = DefaultSettings(); c.change != nil {
					c.change(s)
				}
			}); err != nil {
				t.Fatal(err)
			}
			sizes, ids, status := r.pages("/products" + c.query)
			if c.status == 0 {
				c.status = 200
			}
			if status != c.status || !slices.Equal(sizes, c.sizes) {
				t.Errorf("%d %v", status, sizes)
			}
			slices.Sort(ids)
			if n := len(ids); len(slices.Compact(ids)) != n {
				t.Error("products come twice")
			}
		})
	}
}

// A product that goes while a client turns pages makes it miss no other.
func TestPagesSurviveDeletion(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.PageSizes = []int{2} })
	var ids []string
	for n := range 5 {
		id, err := r.s.AddProduct(fmt.Appendf(nil, `{"resourceType":"AzureContainer","name":"n%d"}`, n))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	first := r.json(http.MethodGet, "/products", "")
	r.do(http.MethodDelete, "/products/"+ids[0], "")
	_, rest, _ := r.pages(apiHost + "/" + first.text("nextLink"))
	if diff := cmp.Diff(ids[2:], rest); diff != "" {
		t.Error(diff)
	}
}

func TestETags(t *testing.T) {
	t.Parallel()
	for _, status := range []int{412, 409} {
		r := newRig(t, func(s *Settings) { s.ConflictStatus = status })
		p, _ := r.seeded()
		listing := r.one("/products/" + p + "/listings/getByInstanceID(instanceID=" + r.instance(p, "Listing", "") + ")")
		path := "/products/" + p + "/listings/" + listing.text("id")
		old := listing.text("@odata.etag")
		parts := regexp.MustCompile(`^"[0-9a-f]{8}-0000-0800-0000-([0-9a-f]{8})0000"$`).FindStringSubmatch(old)
		if parts == nil {
			t.Fatalf("etag %s", old)
		}
		if want := fmt.Sprintf("%08x", r.clock.Now().Unix()); parts[1] > want || parts[1] < fmt.Sprintf("%08x", r.clock.Now().Add(-hour).Unix()) {
			t.Errorf("etag %s at %s", old, want)
		}
		w := r.do(http.MethodPut, path, string(listing.append(nil)), "If-Match", old)
		if w.Code != 200 || w.Header().Get("Etag") == old || !strings.Contains(w.Body.String(), strings.ReplaceAll(w.Header().Get("Etag"), `"`, `\"`)) {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		for match, want := range map[string]int{old: status, strings.Trim(w.Header().Get("Etag"), `"`): status, "*": 200, "": 200} {
			if got := r.do(http.MethodPut, path, string(listing.append(nil)), "If-Match", match).Code; got != want {
				t.Errorf("If-Match %q: %d", match, got)
			}
		}
		if got := r.do(http.MethodDelete, path, "", "If-Match", old).Code; got != status {
			t.Errorf("DELETE: %d", got)
		}
		if got := r.do(http.MethodGet, path, "", "If-Match", "*").Code; got != 200 {
			t.Errorf("GET with If-Match: %d", got)
		}
	}
}

// What the service does to names and values, and what it does not.
func TestCasing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p := r.json(http.MethodPost, "/products", `{"ID":"mine","ResourceType":"AzureApplication","NAME":"n","externalIds":[{"type":"AzureOfferID","value":"o"}],"ismodularpublishing":"true","Extra":null}`)
	want := `{"resourceType":"AzureApplication","name":"n","externalIDs":[{"type":"AzureOfferId","value":"o"}],"isModularPublishing":true,"id":"` + p.text("id") + `"}`
	if got := string(p.append(nil)); got != want || p.text("id") == "mine" {
		t.Errorf("%s\n%s", got, want)
	}
	for _, path := range []string{"/PRODUCTS/" + p.text("id") + "/SetUp", "/products/" + strings.ToUpper(p.text("id")) + "/setup"} {
		if w := r.do(http.MethodGet, path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	v := r.json(http.MethodPost, "/products/"+p.text("id")+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"P","externalID":"p","SubType":"managed-application","State":"inactive"}`)
	if v.text("subType") != "managed-application" || v.text("state") != "Inactive" || strings.Contains(string(v.append(nil)), "SubType") {
		t.Errorf("%s", v.append(nil))
	}
}

// Features that need to be asked for are neither shown nor changed otherwise.
func TestExpandedMembers(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, v := r.seeded()
	at := "/products/" + p + "/featureavailabilities/"
	f := r.one("/products/" + p + "/featureAvailabilities/getByInstanceID(instanceID=" + r.instance(p, "Availability", v) + ")")
	if f.has("marketStates") || f.has("trial") || f.has("priceSchedules") {
		t.Errorf("%s", f.append(nil))
	}
	id := f.text("id")
	all := "?$expand=MarketStates,Trial,PriceSchedules"
	full := `{"resourceType":"FeatureAvailability","visibility":"private","marketStates":[{"marketCode":"US","state":"Enabled"}],"trial":{"type":"NoTrial"},"priceSchedules":[{"marketCodes":["US"]}]}`
	if got := r.json(http.MethodPut, at+id+all, full); len(got.objects("marketStates")) != 1 || got.text("visibility") != "Private" {
		t.Errorf("%s", got.append(nil))
	}
	r.json(http.MethodPut, at+id+"?$expand=MarketStates", `{"resourceType":"FeatureAvailability","marketStates":[],"priceSchedules":[]}`)
	got := r.json(http.MethodGet, at+id+all, "")
	if len(got.objects("marketStates")) != 0 || len(got.objects("priceSchedules")) != 1 || got.object("trial").text("type") != "NoTrial" || got.has("visibility") {
		t.Errorf("%s", got.append(nil))
	}
}

func TestLeadSecretsAreMasked(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	at := "/products/" + p + "/leadconfiguration"
	r.json(http.MethodPost, at, `{"resourceType":"AzureBlobLeadConfiguration","connectionString":"geheim","containerName":"c"}`)
	got := r.json(http.MethodGet, at, "")
	if got.text("connectionString") != secretMask {
		t.Errorf("%s", got.append(nil))
	}
	r.json(http.MethodPost, at, string(got.append(nil)))
	kept, err := r.s.Resource(p, "leadconfiguration", "")
	if err != nil || !strings.Contains(string(kept), "geheim") {
		t.Errorf("%s %v", kept, err)
	}
	r.json(http.MethodPost, at, `{"resourceType":"AzureBlobLeadConfiguration","containerName":"c"}`)
	if kept, _ = r.s.Resource(p, "leadconfiguration", ""); strings.Contains(string(kept), "connectionString") {
		t.Errorf("%s", kept)
	}
	snap, err := r.s.Snapshot(false)
	if err != nil || strings.Contains(string(snap), "containerName") {
		t.Errorf("%s %v", snap, err)
	}
	secret, err := r.s.Snapshot(true)
	if err != nil || !strings.Contains(string(secret), "containerName") {
		t.Errorf("%s %v", secret, err)
	}
}

func TestErrorShapes(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for shape, want := range map[kit.Shape]string{
		kit.ShapeICH: `^"ICH50404 - Unable to complete request\. \{.*\}"$`, kit.ShapeIngestion: `^\{"code":".+","data":\[\],"details":\[\],"message":".+","source":"Ingestion Api"\}$`,
		kit.ShapeException: `^"Microsoft\..*RestClientException: Product request failed,.*ResponseContent=\{.*\}"$`, kit.ShapeText: `^Resource not available\.$`,
		kit.ShapeEmpty: `^$`, kit.ShapeGateway: `"statusCode":404`, kit.ShapeHTML: `<html>`,
	} {
		if err := r.s.Configure(func(s *Settings) { s.ErrorShape = &shape }); err != nil {
			t.Fatal(err)
		}
		w := r.do(http.MethodGet, "/products/x", "")
		if w.Code != 404 || !regexp.MustCompile(want).MatchString(w.Body.String()) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestPublisherID(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(s *Settings) { s.RequirePublisherID = true })
	for id, want := range map[string]string{"": "x-ms-publisherId", "0": "seller_id", "-3": "positive number", "abc": "seller_id"} {
		w := r.do(http.MethodGet, "/products", "", "x-ms-publisherId", id)
		if w.Code != 400 || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Body.String(), "RestClientException") {
			t.Errorf("%q: %d %s", id, w.Code, w.Body)
		}
	}
	if w := r.do(http.MethodGet, "/products", "", "x-ms-publisherId", "12345"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestPlansAppearWithDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(s *Settings) { s.BranchDelay, s.TestDrive = 2*time.Second, true })
		p := r.json(http.MethodPost, "/products", `{"resourceType":"AzureApplication","name":"n"}`).text("id")
		v := r.json(http.MethodPost, "/products/"+p+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"P","externalID":"p"}`)
		if v.text("subType") != "solution-template" {
			t.Errorf("%s", v.append(nil))
		}
		branches := func() string {
			var out []string
			for _, b := range r.json(http.MethodGet, "/products/"+p+"/branches/getByModule(module=Listing)", "").objects("value") {
				out = append(out, b.text("variantID"))
			}
			return strings.Join(out, ",")
		}
		if got := branches(); got != "" {
			t.Errorf("at once: %s", got)
		}
		r.clock.Advance(2 * time.Second)
		if got := branches(); got != ",testdrive,"+v.text("id") {
			t.Errorf("later: %s", got)
		}
		drive := r.json(http.MethodGet, "/products/"+p+"/variants/testdrive", "")
		if drive.text("state") != "Inactive" || drive.has("externalID") {
			t.Errorf("%s", drive.append(nil))
		}
		r.json(http.MethodPut, "/products/"+p+"/variants/testdrive", string(drive.append(nil)))
	})
}

// Nothing is left of products that are reset or deleted: not their offer ids, not their
// files.
func TestNothingIsLeftOfProducts(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	for name, end := range map[string]func(p string){
		"reset":   func(string) { r.s.Reset() },
		"deleted": func(p string) { r.do(http.MethodDelete, "/products/"+p, "") },
	} {
		p, _ := r.seeded() // always with the same offer id
		r.uploads(r.listing(p)+"/images", `{"resourceType":"ListingImage","fileName":"l.png","type":"AzureLogoSmall","state":"PendingUpload","order":0}`, picture("AzureLogoSmall", 0))
		if len(r.blobs.Paths()) == 0 {
			t.Fatal("nothing was uploaded")
		}
		end(p)
		if w := r.do(http.MethodGet, "/products/"+p, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: the product answers %d %s", name, w.Code, w.Body)
		}
		if left := r.blobs.Paths(); len(left) != 0 {
			t.Errorf("%s: left are %v", name, left)
		}
	}
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	sub := r.submit(p)
	r.clock.Advance(2 * time.Minute)
	snap, err := r.s.Snapshot(false)
	if err != nil {
		t.Fatal(err)
	}
	second := newRig(t, nil)
	second.clock.Advance(r.clock.Offset())
	if err := second.s.Restore(snap); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "/setup", "/variants", "/branches/getByModule(module=Listing)", "/properties", "/submissions/" + sub.text("id"), "/submissions/" + sub.text("id") + "/workflowdetails"} {
		a, b := r.do(http.MethodGet, "/products/"+p+path, ""), second.do(http.MethodGet, "/products/"+p+path, "")
		if a.Code != 200 || a.Body.String() != b.Body.String() {
			t.Errorf("%s: %d\n%s\n%s", path, a.Code, a.Body, b.Body)
		}
	}
	second.clock.Advance(hour)
	if got := second.json(http.MethodGet, "/products/"+p+"/submissions/"+sub.text("id"), ""); got.text("substate") != readyToPublish {
		t.Errorf("%s", got.append(nil))
	}
	if id, err := second.s.AddProduct([]byte(`{"resourceType":"AzureContainer","name":"new"}`)); err != nil || id == p {
		t.Errorf("%s %v", id, err)
	}
	for _, bad := range []string{"", "{}", `{"pctestIngestion":1,"products":[null]}`, `{"pctestIngestion":1,"products":[{"id":"x","submissions":[{}]}]}`, string(snap)} {
		if err := second.s.Restore([]byte(bad)); err == nil {
			t.Errorf("%.60s was taken", bad)
		}
	}
}

func TestControlsRefuseNonsense(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	p, _ := r.seeded()
	minus := -time.Second
	for name, err := range map[string]error{
		"page sizes":  r.s.Configure(func(s *Settings) { s.PageSizes = []int{0} }),
		"page size":   r.s.Configure(func(s *Settings) { s.PageSizes = []int{101} }),
		"conflict":    r.s.Configure(func(s *Settings) { s.ConflictStatus = 400 }),
		"time":        r.s.Configure(func(s *Settings) { s.PackageTime = minus }),
		"steps":       r.s.Configure(func(s *Settings) { s.Steps = nil }),
		"step":        r.s.Configure(func(s *Settings) { s.LiveSteps = []Step{{For: minus}} }),
		"script":      r.s.Next(Script{Steps: []Step{{Polls: -1}}}),
		"phase":       r.s.Next(Script{LiveSteps: []Step{{Phase: 9}}}),
		"package":     r.s.NextPackage(PackageScript{Time: &minus}),
		"product":     r.s.Finish("x", "y", Ready()),
		"submission":  r.s.Finish(p, "y", Ready()),
		"last step":   r.s.Finish(p, "y", Step{For: minus}),
		"constructor": func() error { _, err := New(Config{}); return err }(),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, text := range []string{"", "[]", `{"name":"n"}`, `{"resourceType":"AzureContainer"}`, `{"resourceType":"AzureContainer","name":"n","externalIDs":[{"type":"AzureOfferId","value":"my-offer"}]}`} {
		if _, err := r.s.AddProduct([]byte(text)); err == nil {
			t.Errorf("product %s was taken", text)
		}
	}
	for _, text := range []string{"", `{"resourceType":"x"}`} {
		if _, err := r.s.AddVariant(p, []byte(text)); err == nil {
			t.Errorf("plan %s was taken", text)
		}
	}
	if _, err := r.s.AddVariant("x", []byte(`{"resourceType":"AzureSkuVariant"}`)); err == nil {
		t.Error("a plan of no product was taken")
	}
	if _, err := r.s.Resource(p, "listings", "x"); err == nil {
		t.Error("a resource that is not there")
	}
}

// FuzzServer sends anything to any operation: it must be answered, and what is
// answered with success must be JSON.
func FuzzServer(f *testing.F) {
	for n, r := range routes() {
		f.Add(n, "", `{"resourceType":"AzureListing","id":"x"}`)
		f.Add(n, "$expand=FileSasUri&$filter=a/any(b:b/c eq 'd')", `{"a":[null,{"b":1e999}]}`)
		_ = r
	}
	f.Add(0, "$skipToken="+token{After: -1, Pages: 3}.String(), "")
	f.Add(1, "%zz", `{"externalIDs":[1],"name":"n","resourceType":"AzureApplication"}`)
	f.Add(1, "", `{"externalIDs":null,"name":"\ud800","resourceType":"AzureDynamics365BusinessCentral","ID":{}}`)
	f.Fuzz(func(t *testing.T, n int, query, body string) {
		query = strings.ReplaceAll(query, " ", "+")
		if _, err := url.ParseRequestURI("/?" + query); err != nil || n < 0 ||
			strings.ContainsFunc(query, func(r rune) bool { return r < ' ' || r == '#' || r == 0x7f }) {
			return // no request could hold it
		}
		rig := newRig(t, nil)
		p, v := rig.seeded()
		all := routes()
		route := all[n%len(all)]
		id := v
		items := rig.s.products[0].Items
		for _, i := range items {
			if strings.Contains(strings.ToLower(route.path), "/"+i.Collection+"/{") {
				id = i.ID
			}
		}
		listing := items[slices.IndexFunc(items, func(i *item) bool { return i.Collection == "listings" })].ID
		path := strings.NewReplacer("{product}", p, "{id}", id, "{module}", "Listing", "{listing}", listing,
			"{instance}", rig.instance(p, "Listing", "")).Replace(route.path)
		if query != "" {
			path += "?" + query
		}
		for range 2 { // again, on what the first has left
			w := rig.do(route.method, path, body)
			if w.Code < 200 || w.Code > 499 {
				t.Errorf("%s %s: %d %s", route.method, path, w.Code, w.Body)
			}
			if w.Code < 300 && w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s %s: %s", route.method, path, w.Body)
			}
		}
		rig.clock.Advance(24 * hour)
		if _, err := rig.s.Snapshot(true); err != nil {
			t.Error(err)
		}
	})
}
