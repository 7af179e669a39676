package ingestion

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// interaction is a request and its answer as recorded.
type interaction struct {
	Request struct {
		Method      string              `json:"method"`
		URL         string              `json:"url"`
		Headers     map[string][]string `json:"headers"`
		Body        *string             `json:"body"`
		BodyOmitted *struct {
			Length int `json:"length"`
		} `json:"bodyOmitted"`
	} `json:"request"`
	Response struct {
		Status  int                 `json:"status"`
		Headers map[string][]string `json:"headers"`
		Body    *string             `json:"body"`
	} `json:"response"`
}

// TestRecordingsReplay sends the requests of every recording to a fake, whose state
// before each request is derived from the answers of the recording alone, and
// compares the answers. Ids, etags, links and times differ, but must do so
// consistently: what is the same in the recording is the same in the replay.
func TestRecordingsReplay(t *testing.T) {
	t.Parallel()
	for name, all := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			play(t, all)
		})
	}
}

// recordings reads all files of the folder, each call anew.
func recordings(t *testing.T) map[string][]interaction {
	t.Helper()
	folder := os.Getenv("PARTNERCENTER_SPEC")
	if folder == "" {
		t.Skip("PARTNERCENTER_SPEC is not set: it names the folder with recordings/")
	}
	files, err := filepath.Glob(filepath.Join(folder, "recordings", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings (%v)", err)
	}
	out := make(map[string][]interaction)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var all []interaction
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(file)] = all
	}
	return out
}

// What a recording presupposes is found wherever it begins: every end of every
// recording is a recording, too.
func TestEndsOfRecordingsReplay(t *testing.T) {
	t.Parallel()
	for name, all := range recordings(t) {
		for from := range all {
			t.Run(fmt.Sprintf("%s from %d", name, from), func(t *testing.T) {
				t.Parallel()
				play(t, all[from:])
			})
		}
	}
}

// play replays a recording in a bubble, where time is that of the recording alone.
func play(t *testing.T, all []interaction) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { newReplay(t, all).run() })
}

// replay is one recording on its way through a fake.
type replay struct {
	*rig

	t   *testing.T
	all []interaction
	// to maps what the recording says to what the fake says, and back the reverse.
	to, back map[string]string
	// made are the ids that answers to a POST have brought.
	made map[string]bool
	// known are the resources whose first sight is over.
	known map[string]bool
	// images are the types of images by the link for their file.
	images map[string]string
	start  time.Time
	at     int
}

func newReplay(t *testing.T, all []interaction) *replay {
	t.Helper()
	return &replay{
		rig: newRig(t, func(s *Settings) { *s = settingsOf(all, *s) }), t: t, all: all,
		to: make(map[string]string), back: make(map[string]string), made: madeIn(all), known: make(map[string]bool), images: make(map[string]string),
	}
}

func (r *replay) run() {
	for r.at = range r.all {
		i := &r.all[r.at]
		r.setClock()
		r.prepare(i)
		body, err := r.translate(i)
		if err != nil {
			r.t.Fatal(err)
		}
		var header []string
		for _, name := range []string{"If-Match", "Content-Type", "x-ms-blob-type"} {
			if v := r.header(i.Request.Headers, name); v != "" {
				header = append(header, name, r.mapped(v))
			}
		}
		target, err := r.translateURL(i.Request.URL)
		if err != nil {
			r.t.Fatal(err)
		}
		got := r.do(i.Request.Method, target, body, header...)
		r.compare(i, got)
		if r.t.Failed() {
			r.t.Fatalf("at interaction %d: %s %s", r.at, i.Request.Method, i.Request.URL)
		}
	}
}

func (r *replay) header(h map[string][]string, name string) string {
	for k, v := range h {
		if strings.EqualFold(k, name) && len(v) > 0 {
			return v[0]
		}
	}
	return ""
}

// setClock lets as much time pass as has passed in the recording.
func (r *replay) setClock() {
	date := dateOf(r.all, r.at)
	if date.IsZero() {
		return
	}
	if r.start.IsZero() {
		r.start = date.Add(-r.clock.Offset())
	}
	if ahead := date.Sub(r.start) - r.clock.Offset(); ahead > 0 {
		r.clock.Advance(ahead)
	}
}

// ---- what recordings say of the service as a whole

// settingsOf derives how the service behaved when the recording was made.
func settingsOf(all []interaction, s Settings) Settings {
	made := madeIn(all)
	for n := range all {
		i := &all[n]
		path := apiPath(i.Request.URL)
		body := value(i.Response.Body)
		switch {
		case i.Request.Method == http.MethodPut && strings.Contains(path, "/images/"):
			s.EchoUploadLink = s.EchoUploadLink || strings.Contains(body, "sp=rwl")
		case i.Request.Method == http.MethodGet && strings.HasSuffix(path, "/images") && malformedExpand(i.Request.URL):
			s.LinksForMalformedExpand = s.LinksForMalformedExpand || strings.Contains(body, `"fileSasUri"`)
			s.EchoUploadLink = s.EchoUploadLink || strings.Contains(body, `"Uploaded"`) && strings.Contains(body, "sp=rwl")
		case i.Request.Method == http.MethodPost && strings.HasSuffix(path, "/setup") && i.Response.Status == http.StatusOK:
			asked := strings.Contains(strings.ReplaceAll(value(i.Request.Body), " ", ""), `"enableTestDrive":true`)
			s.TestDrive = s.TestDrive || asked && described(all, productOf(path)).text("resourceType") == virtualMachine
		case made[productOf(path)] && strings.Contains(body, `"testdrive"`):
			s.TestDrive = true
		}
	}
	s.TestDriveDelay = delay(all, "/products", []string{"/branches/", "/variants"}, func(_, body string) bool { return strings.Contains(body, `"testdrive"`) })
	s.BranchDelay = delay(all, "/variants", []string{"/branches/"}, func(id, body string) bool { return strings.Contains(body, `"variantID":"`+id+`"`) })
	return s
}

// malformedExpand reports whether a URL has $expand=$expand=..., escaped or not.
func malformedExpand(target string) bool {
	u, err := url.Parse(target)
	return err == nil && strings.HasPrefix(u.Query().Get("$expand"), "$expand=")
}

// delay is how long after a POST what comes with it appears: half-way between the
// last look without and the first look with it. What never appears comes after the
// last look.
func delay(all []interaction, collection string, places []string, there func(id, body string) bool) time.Duration {
	var longest time.Duration
	for n := range all {
		i := &all[n]
		if i.Request.Method != http.MethodPost || !strings.HasSuffix(apiPath(i.Request.URL), collection) || i.Response.Status != http.StatusCreated {
			continue
		}
		id, posted := idOf(value(i.Response.Body)), dateOf(all, n)
		product := productOf(apiPath(i.Request.URL))
		if product == "" {
			product = id
		}
		var without, with time.Duration
		for m := n + 1; m < len(all) && with == 0; m++ {
			look := &all[m]
			path := apiPath(look.Request.URL)
			if look.Request.Method == http.MethodDelete && strings.HasSuffix(path, "/"+id) {
				break
			}
			if look.Request.Method != http.MethodGet || productOf(path) != product ||
				!slices.ContainsFunc(places, func(place string) bool { return strings.Contains(path, place) }) {
				continue
			}
			after := dateOf(all, m).Sub(posted)
			if there(id, value(look.Response.Body)) {
				with = after
			} else {
				without = after
			}
		}
		switch {
		case without == 0: // there at once, or never looked for
		case with == 0:
			longest = max(longest, without+time.Millisecond)
		default:
			longest = max(longest, (without+with)/2)
		}
	}
	return longest
}

// madeIn lists the ids that the recording's POSTs have brought.
func madeIn(all []interaction) map[string]bool {
	made := make(map[string]bool)
	for n := range all {
		if i := &all[n]; i.Request.Method == http.MethodPost && i.Response.Status == http.StatusCreated {
			made[idOf(value(i.Response.Body))] = true
		}
	}
	return made
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// dateOf is when an interaction took place. Dates are in whole seconds: a millisecond
// for each interaction before keeps their order.
func dateOf(all []interaction, n int) time.Time {
	for k, v := range all[n].Response.Headers {
		if strings.EqualFold(k, "date") {
			if t, err := http.ParseTime(v[0]); err == nil {
				return t.Add(time.Duration(n) * time.Millisecond)
			}
		}
	}
	return time.Time{}
}

func idOf(body string) string {
	o, err := parseObject([]byte(body))
	if err != nil {
		return ""
	}
	return o.text("id")
}

// apiPath is the path below the API's prefix, empty for other hosts.
func apiPath(target string) string {
	u, err := url.Parse(target)
	if err != nil || !Serves(u.Path) {
		return ""
	}
	return u.Path[len(Prefix):]
}

// productOf is the product's id in a path.
func productOf(path string) string {
	parts := strings.Split(path, "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// ---- what answers say of the state before them

// prepare gives the fake what the answer presupposes and the recording has not made
// itself.
func (r *replay) prepare(i *interaction) {
	path := apiPath(i.Request.URL)
	if path == "" {
		r.seedLink(i)
		return
	}
	r.configure(func(s *Settings) { s.EmptyLastPage = s.EmptyLastPage && path == "/products" })
	if path == "/products" {
		if i.Request.Method == http.MethodGet {
			r.prepareProducts(i)
		}
		return
	}
	id := productOf(path)
	if r.made[id] && !r.known[id] {
		r.known[id] = true // it will be in the fake under another id
	}
	if !r.made[id] && i.Response.Status != http.StatusNotFound {
		r.seedProduct(id, nil)
	}
	p := r.s.product(r.mapped(id))
	if p == nil {
		return
	}
	body := value(i.Response.Body)
	answer, _ := parseObject([]byte(body))
	rest := strings.TrimPrefix(path, "/products/"+id)
	switch get := i.Request.Method == http.MethodGet; {
	case get && rest == "/setup" && !r.made[id] && r.first(id+rest):
		p.Setup = answer
	case rest == "/setup":
		r.first(id + rest)
	case get && rest == "/variants":
		for _, v := range answer.objects("value") {
			r.seedVariant(p, v)
			r.takeOver(p, "variants", v)
		}
	case get && strings.HasPrefix(rest, "/branches/"):
		for _, b := range answer.objects("value") {
			r.seedBranch(p, b)
		}
		r.hideBranches(p, rest, answer.objects("value"))
	case get && strings.HasPrefix(rest, "/listings/getByInstanceID"):
		instance := strings.TrimSuffix(rest[strings.LastIndex(rest, "=")+1:], ")")
		r.seedListings(p, instance, answer.objects("value"))
		for _, l := range answer.objects("value") {
			r.takeOver(p, "listings", l)
		}
	case strings.HasPrefix(rest, "/listings/"):
		r.seedMedia(p, i, strings.Split(rest, "/")[2:], answer)
	case strings.HasPrefix(rest, "/variants/") && i.Response.Status < http.StatusMultipleChoices:
		answer.set("id", rest[len("/variants/"):])
		r.seedVariant(p, answer)
	}
}

// takeOver changes a resource as somebody else has: the recording shows a version that
// none of its requests has made, and another one before.
func (r *replay) takeOver(p *product, collection string, seen object) {
	i := p.find(collection, r.mapped(seen.text("id")), r.clock.Now())
	etag := seen.text("@odata.etag")
	if i == nil || r.back[i.ETag] == "" || r.back[i.ETag] == etag || r.to[etag] != "" {
		return
	}
	i.Body, i.ETag = seen.clone(), r.s.etag(r.clock.Now())
	i.Body.del("id")
	i.Body.del("@odata.etag")
}

// seedMedia adds the listing of a path, and its images, if they were there before.
func (r *replay) seedMedia(p *product, i *interaction, path []string, answer object) {
	if i.Response.Status >= http.StatusMultipleChoices {
		return
	}
	listing := r.mapped(path[0])
	if p.find("listings", listing, r.clock.Now()) == nil {
		seed := r.described(path[0])
		if seed == nil {
			seed = build("resourceType", "AzureListing", "languageCode", "en-us", "id", path[0])
		}
		r.seedListing(p, "", seed)
	}
	switch {
	case len(path) == 2 && i.Request.Method == http.MethodGet:
		for _, image := range answer.objects("value") {
			r.seedImage(p, listing, image)
		}
	case len(path) == 3 && p.find(path[1], r.mapped(path[2]), r.clock.Now()) == nil:
		seed := answer.clone()
		seed.set("id", path[2])
		r.seedImage(p, listing, seed)
	}
}

// seedLink lets a link work that the recording has from before.
func (r *replay) seedLink(i *interaction) {
	if i.Request.Method != http.MethodPut || r.to[i.Request.URL] != "" {
		return
	}
	settings := r.s.Settings()
	r.rebind(i.Request.URL, r.blobs.UploadLink(blobsHost, "/file/"+r.s.nextNumber(fileBase), "rwl", settings.LinkLifetime))
}

func (r *replay) first(what string) bool {
	was := r.known[what]
	r.known[what] = true
	return !was
}

// prepareProducts lets the fake list what the recording lists, in that order and in
// such pages. What appears or vanishes without a request of the recording was
// changed by somebody else.
func (r *replay) prepareProducts(i *interaction) {
	u, err := url.Parse(i.Request.URL)
	if err != nil {
		r.t.Fatal(err)
	}
	query := u.Query()
	if strings.Contains(strings.ToLower(query.Get("$filter")), "externalids") {
		r.prepareLookup(i, query.Get("$filter"))
		return
	}
	if from := query.Get("$skipToken"); from != "" {
		if r.to[from] != "" {
			return // part of a walk that has begun
		}
		r.rebind(from, token{}.String()) // one that began before the recording
	}
	var order []string
	var sizes []int
	link := ""
	for n := r.at; n < len(r.all); n++ {
		page := &r.all[n]
		if apiPath(page.Request.URL) != "/products" || page.Request.Method != http.MethodGet || page.Response.Status != http.StatusOK {
			break
		}
		pu, err := url.Parse(page.Request.URL)
		if err != nil || n > r.at && (link == "" || pu.Query().Get("$skipToken") != link) {
			break
		}
		answer, _ := parseObject([]byte(value(page.Response.Body)))
		for _, p := range answer.objects("value") {
			if !r.made[p.text("id")] {
				r.seedProduct(p.text("id"), p)
			}
			order = append(order, r.mapped(p.text("id")))
		}
		sizes = append(sizes, len(answer.objects("value")))
		_, link, _ = strings.Cut(answer.text("nextLink"), "$skipToken=")
	}
	if link != "" { // there was more than the client has read
		order = append(order, "unread")
		r.seedProduct("unread", build("resourceType", "AzureContainer", "name", "unread", "id", "unread"))
	}
	r.arrange(order, query.Get("$filter") == "")
	r.configure(func(s *Settings) {
		s.EmptyLastPage = link == "" && len(sizes) > 1 && sizes[len(sizes)-1] == 0
		if s.PageSizes = sizes; len(sizes) == 0 || slices.Max(sizes) == 0 {
			s.PageSizes = []int{maxPage}
		}
	})
}

func (r *replay) configure(change func(*Settings)) {
	if err := r.s.Configure(change); err != nil {
		r.t.Fatal(err)
	}
}

// prepareLookup lets the fake find what a lookup has found, and nothing else: a
// product that it knows and the lookup does not was deleted by somebody else, unless
// the recording has made it.
func (r *replay) prepareLookup(i *interaction, filter string) {
	r.configure(func(s *Settings) { s.EmptyLastPage = false })
	answer, _ := parseObject([]byte(value(i.Response.Body)))
	found := make(map[string]bool)
	for _, p := range answer.objects("value") {
		found[r.mapped(p.text("id"))] = true
		if !r.made[p.text("id")] {
			r.seedProduct(p.text("id"), p)
		}
	}
	matches, err := parseFilter(filter)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, p := range slices.Clone(r.s.products) {
		if !found[p.ID] && !r.made[r.back[p.ID]] && matches(p.Body) {
			r.s.forget(p)
		}
	}
}

// arrange sorts the products. Of a whole listing, those that are not in it and that
// the recording has not made are gone.
func (r *replay) arrange(order []string, whole bool) {
	rank := func(p *product) int {
		if n := slices.Index(order, p.ID); n >= 0 {
			return n
		}
		return len(order)
	}
	slices.SortStableFunc(r.s.products, func(a, b *product) int { return rank(a) - rank(b) })
	if whole {
		for _, p := range slices.Clone(r.s.products) {
			if rank(p) == len(order) && !r.made[r.back[p.ID]] {
				r.s.forget(p)
			}
		}
	}
	for n, p := range r.s.products {
		p.Place = int64(n) + 1
	}
}

// seedProduct adds a product that was there before, if the fake does not have it.
// Without a description, one is looked for in the rest of the recording.
func (r *replay) seedProduct(id string, body object) {
	if r.s.product(id) != nil || r.made[id] {
		return
	}
	if body == nil {
		body = r.described(id)
	}
	if body == nil {
		body = build("resourceType", application, "name", "unknown")
		for n := r.at; n < len(r.all); n++ {
			if productOf(apiPath(r.all[n].Request.URL)) == id && strings.Contains(value(r.all[n].Response.Body), "FeatureName") {
				body.set("resourceType", virtualMachine) // nothing else refuses test drives
			}
		}
	}
	body = body.clone()
	body.del("id")
	testDrives := r.s.settings.TestDrive
	r.s.settings.TestDrive = false // seen in the answers, if there is one
	p := r.s.newProduct(body, id, r.clock.Now())
	r.s.settings.TestDrive = testDrives
	r.s.addProduct(p)
	r.seedPlans(p)
}

// described looks for the first answer from here on that shows the resource, nil if
// there is none.
func (r *replay) described(id string) object { return described(r.all[r.at:], id) }

func described(all []interaction, id string) object {
	for n := range all {
		answer, _ := parseObject([]byte(value(all[n].Response.Body)))
		for _, o := range append(answer.objects("value"), answer) {
			if o.text("id") == id {
				return o
			}
		}
	}
	return nil
}

// seedPlans adds the plans that the first look at any of them shows; what shows later
// only has come later. Their drafts get the ids of the first looks at these.
func (r *replay) seedPlans(p *product) {
	looked := make(map[string]bool)
	for n := r.at; n < len(r.all); n++ {
		look := &r.all[n]
		path := apiPath(look.Request.URL)
		rest := strings.TrimPrefix(path, "/products/"+p.ID)
		plans, branches := rest == "/variants", strings.HasPrefix(rest, "/branches/")
		if look.Request.Method != http.MethodGet || productOf(path) != p.ID || !plans && !branches || looked[rest] {
			continue
		}
		earliest := len(looked) == 0
		looked[rest] = true
		answer, _ := parseObject([]byte(value(look.Response.Body)))
		for _, o := range answer.objects("value") {
			switch variant := o.text("variantID"); {
			case plans && earliest:
				r.seedVariant(p, o)
			case branches && (earliest || p.branch(o.text("module"), variant) != nil):
				r.seedBranch(p, o)
			}
		}
	}
}

// seedVariant adds a plan that was there before.
func (r *replay) seedVariant(p *product, v object) {
	id := v.text("id")
	if r.made[id] || r.made[p.ID] || r.made[r.back[p.ID]] {
		return
	}
	i := p.find("variants", id, r.clock.Now())
	if i == nil {
		i = &item{Collection: "variants", ID: id}
		p.Items = append(p.Items, i)
		r.s.addPlanDrafts(p, id, v.text("friendlyName"), v.text("subType"), time.Time{})
	}
	if r.first(p.ID+"/variants/"+id) || i.ETag == "" {
		i.Body, i.ETag = v.clone(), v.text("@odata.etag")
		i.Body.del("id")
		i.Body.del("@odata.etag")
	}
}

// seedBranch gives a draft that was there before the instance id of the recording.
func (r *replay) seedBranch(p *product, b object) {
	variant := b.text("variantID")
	if r.made[variant] || r.made[r.back[p.ID]] {
		return
	}
	if variant != "" && p.find("variants", variant, r.clock.Now()) == nil {
		r.seedVariant(p, build("resourceType", "AzureSkuVariant", "id", variant))
		delete(r.known, p.ID+"/variants/"+variant) // its first sight is still to come
	}
	if draft := p.branch(b.text("module"), variant); draft != nil {
		draft.Instance, draft.Visible = b.text("currentDraftInstanceID"), time.Time{}
	}
}

// hideBranches lets drafts of plans that were there before wait to be listed.
func (r *replay) hideBranches(p *product, rest string, listed []object) {
	for _, b := range p.Branches {
		if b.Variant == "" || r.made[r.back[b.Variant]] || r.made[r.back[p.ID]] || !strings.Contains(rest, "(module="+b.Module+")") ||
			slices.ContainsFunc(listed, func(o object) bool { return o.text("variantID") == b.Variant }) {
			continue
		}
		b.Visible = r.clock.Now().Add(100 * 365 * 24 * time.Hour)
	}
}

// seedListings puts listings that were there before into a draft.
func (r *replay) seedListings(p *product, instance string, list []object) {
	if r.to[instance] != "" && r.to[instance] != instance {
		return // the draft came with what the recording has made
	}
	b := p.branchOf(instance, r.clock.Now())
	if b == nil {
		b = p.branch(moduleListing, "")
		b.Instance = instance
	}
	if r.first("drafts of " + instance) { // those that the fake has made by itself
		p.Items = slices.DeleteFunc(p.Items, func(i *item) bool {
			return i.Collection == "listings" && i.Variant == b.Variant && !r.known["listing "+i.ID]
		})
	}
	for _, l := range list {
		r.seedListing(p, b.Variant, l)
	}
}

// seedListing adds a listing, or moves it to the plan that it has turned out to be of.
func (r *replay) seedListing(p *product, variant string, l object) {
	id := l.text("id")
	if !r.first("listing " + id) {
		if i := p.find("listings", id, r.clock.Now()); i != nil {
			i.Variant = variant
		}
		return
	}
	body := l.clone()
	body.del("id")
	body.del("@odata.etag")
	p.Items = append(p.Items, &item{Collection: "listings", ID: id, Module: moduleListing, Variant: variant, Body: body, ETag: l.text("@odata.etag")})
}

// seedImage adds an image that was there before.
func (r *replay) seedImage(p *product, listing string, image object) {
	id := image.text("id")
	if r.made[id] || !r.first("image "+id) {
		return
	}
	body := image.clone()
	for _, name := range []string{"id", "@odata.etag", "fileSasUri"} {
		body.del(name)
	}
	file := "/file/" + r.s.nextNumber(fileBase)
	_ = r.blobs.Put(file, blob.Bytes([]byte(picture(image.text("type"), 0))), r.clock.Now(), blob.Properties{})
	p.Items = append(p.Items, &item{Collection: "images", ID: id, Parent: listing, Body: body, ETag: image.text("@odata.etag"), File: file})
}

// ---- from the recording's words to the fake's

func (r *replay) mapped(text string) string {
	if to, ok := r.to[text]; ok {
		return to
	}
	return text
}

// bind notes that two texts mean the same, once and for all.
func (r *replay) bind(where, recorded, got string) {
	if old, ok := r.to[recorded]; ok && old != got {
		r.t.Errorf("%s: %q was %q before and is %q now", where, recorded, old, got)
	}
	if old, ok := r.back[got]; ok && old != recorded {
		r.t.Errorf("%s: %q stands for %q and for %q", where, got, old, recorded)
	}
	r.to[recorded], r.back[got] = got, recorded
}

// rebind is bind for what may change at any time.
func (r *replay) rebind(recorded, got string) { r.to[recorded] = got }

func (r *replay) translateURL(target string) (string, error) {
	if to, ok := r.to[target]; ok {
		return to, nil // a link
	}
	u, err := url.Parse(target)
	if err != nil {
		return "", err
	}
	path := regexp.MustCompile(`[^/=()]+`).ReplaceAllStringFunc(u.Path, r.mapped)
	query := u.RawQuery
	if token := u.Query().Get("$skipToken"); token != "" {
		query = "%24skipToken=" + url.QueryEscape(r.mapped(token))
	}
	if query != "" {
		query = "?" + query
	}
	return u.Scheme + "://" + u.Host + path + query, nil
}

// translate returns the body to send. That of a file was left out of the recording:
// an image of the right size and length stands for it.
func (r *replay) translate(i *interaction) (string, error) {
	if i.Request.BodyOmitted != nil {
		return picture(r.images[i.Request.URL], i.Request.BodyOmitted.Length), nil
	}
	body := value(i.Request.Body)
	if body == "" {
		return "", nil
	}
	var v any
	dec := json.NewDecoder(strings.NewReader(body))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		return "", fmt.Errorf("the body of interaction %d: %w", r.at, err)
	}
	out, err := json.Marshal(r.translateValue(v))
	return string(out), err
}

func (r *replay) translateValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = r.translateValue(v[k])
		}
	case []any:
		for k := range v {
			v[k] = r.translateValue(v[k])
		}
	case string:
		return r.mapped(v)
	}
	return v
}

// picture is a PNG of the size that a logo must have, filled up to a length.
func picture(kind string, length int) string {
	width, height := logoSize(kind)
	if width == 0 {
		width, height = 1, 1 // nobody looks at the size of others
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))); err != nil {
		panic(err)
	}
	return b.String() + strings.Repeat("\x00", max(length-b.Len(), 0))
}

// ---- the comparison

func (r *replay) compare(i *interaction, got *httptest.ResponseRecorder) {
	if got.Code != i.Response.Status {
		r.t.Errorf("status %d, recorded is %d: %s", got.Code, i.Response.Status, got.Body)
		return
	}
	if apiPath(i.Request.URL) == "" {
		return // the store's answers have no body
	}
	if got.Header().Get("Request-Id") == "" {
		r.t.Error("there is no request-id")
	}
	if want, have := r.header(i.Response.Headers, "content-type"), got.Header().Get("Content-Type"); want != have {
		r.t.Errorf("content type %q, recorded is %q", have, want)
	}
	recorded := value(i.Response.Body)
	if (recorded == "") != (got.Body.Len() == 0) {
		r.t.Errorf("body %q, recorded is %q", got.Body, recorded)
		return
	}
	if recorded != "" {
		r.compareText("body", recorded, got.Body.String())
	}
	if i.Request.Method == http.MethodPost && strings.HasSuffix(apiPath(i.Request.URL), "/images") {
		image, _ := parseObject([]byte(recorded))
		r.images[image.text("fileSasUri")] = image.text("type")
	}
	if want, have := r.header(i.Response.Headers, "etag"), got.Header().Get("Etag"); r.mapped(want) != have {
		r.t.Errorf("etag %q, recorded is %q, which stands for %q", have, want, r.mapped(want))
	}
	want := r.header(i.Response.Headers, "location")
	if want != "" {
		var err error
		if want, err = r.translateURL(want); err != nil {
			r.t.Fatal(err)
		}
	}
	if have := got.Header().Get("Location"); want != have {
		r.t.Errorf("location %q, recorded is %q", have, want)
	}
}

func (r *replay) compareText(where, recorded, got string) {
	var values [2]any
	for n, text := range []string{recorded, got} {
		dec := json.NewDecoder(strings.NewReader(text))
		dec.UseNumber()
		if err := dec.Decode(&values[n]); err != nil {
			r.t.Errorf("%s: %v in %q", where, err, text)
			return
		}
	}
	r.compareValue(where, "", values[0], values[1])
}

func (r *replay) compareValue(where, name string, recorded, got any) {
	switch a := recorded.(type) {
	case map[string]any:
		b, ok := got.(map[string]any)
		if !ok || !slices.Equal(slices.Sorted(maps.Keys(a)), slices.Sorted(maps.Keys(b))) {
			r.t.Errorf("%s: %v, recorded is %v", where, got, recorded)
			return
		}
		for k := range a {
			r.compareValue(where+"."+k, k, a[k], b[k])
		}
	case []any:
		b, ok := got.([]any)
		if !ok || len(a) != len(b) {
			r.t.Errorf("%s: %v, recorded is %v", where, got, recorded)
			return
		}
		if name == "value" {
			b = r.align(a, b)
		}
		for k := range a {
			r.compareValue(fmt.Sprintf("%s[%d]", where, k), name, a[k], b[k])
		}
	case string:
		b, ok := got.(string)
		if !ok {
			r.t.Errorf("%s: %v, recorded is %q", where, got, a)
			return
		}
		r.compareString(where, name, a, b)
	default:
		if recorded != got {
			r.t.Errorf("%s: %v, recorded is %v", where, got, recorded)
		}
	}
}

// align puts the entries of a listing that have been seen before in the order of the
// recording: the service lists in the order of its storage, which means nothing.
func (r *replay) align(recorded, got []any) []any {
	out := make([]any, len(recorded))
	rest := slices.Clone(got)
	for k := range recorded {
		n := slices.IndexFunc(rest, func(g any) bool { return r.sameEntry(recorded[k], g) })
		if n >= 0 {
			out[k] = rest[n]
			rest = slices.Delete(rest, n, n+1)
		}
	}
	for k := range out {
		if out[k] == nil {
			out[k], rest = rest[0], rest[1:]
		}
	}
	return out
}

// sameEntry reports whether two entries are known to stand for each other: by their
// ids or, drafts, by the plan that they belong to.
func (r *replay) sameEntry(recorded, got any) bool {
	a, okA := recorded.(map[string]any)
	b, okB := got.(map[string]any)
	if !okA || !okB {
		return false
	}
	name := "id"
	if a["resourceType"] == "Branch" {
		name = "variantID"
	}
	x, y := fmt.Sprint(a[name]), fmt.Sprint(b[name])
	return r.mapped(x) == y
}

// compareString compares texts, of which some differ by their nature.
func (r *replay) compareString(where, name, recorded, got string) {
	switch name {
	case "id", "currentDraftInstanceID", "variantID":
		r.bind(where, recorded, got)
	case "@odata.etag":
		form := regexp.MustCompile(`^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{8}0000"$`)
		if form.MatchString(recorded) != form.MatchString(got) {
			r.t.Errorf("%s: the etag %q has another form than %q", where, got, recorded)
		}
		r.bind(where, recorded, got)
	case "fileSasUri":
		r.compareLinks(where, recorded, got)
		r.rebind(recorded, got)
	case "nextLink":
		a, tokenA, okA := strings.Cut(recorded, "$skipToken=")
		b, tokenB, okB := strings.Cut(got, "$skipToken=")
		if a != b || !okA || !okB {
			r.t.Errorf("%s: %q, recorded is %q", where, got, recorded)
		}
		r.rebind(tokenA, tokenB)
	case "correlationId", "operationId", "traceId":
		if len(recorded) != len(got) {
			r.t.Errorf("%s: %q has another form than %q", where, got, recorded)
		}
	default:
		a, innerA, okA := cutObject(recorded)
		b, innerB, okB := cutObject(got)
		switch {
		case okA && okB && a == b:
			r.compareText(where, innerA, innerB)
		case r.mapped(recorded) != got:
			r.t.Errorf("%s: %q, recorded is %q", where, got, recorded)
		}
	}
}

// cutObject finds the JSON object at the end of a text.
func cutObject(text string) (before, inner string, ok bool) {
	n := strings.IndexByte(text, '{')
	if n < 0 || !strings.HasSuffix(text, "}") {
		return text, "", false
	}
	return text[:n], text[n:], true
}

// compareLinks compares what links to files consist of and what they permit. The
// storage account, the number of the file and the values of the signature differ by
// their nature.
func (r *replay) compareLinks(where, recorded, got string) {
	digits := regexp.MustCompile(`[0-9]+`)
	shape := func(link string) string {
		u, err := url.Parse(link)
		if err != nil {
			return link
		}
		var names []string
		for part := range strings.SplitSeq(u.RawQuery, "&") {
			name, _, named := strings.Cut(part, "=")
			switch {
			case !named: // a time
				names = append(names, digits.ReplaceAllString(strings.ReplaceAll(name, "%2f", "/"), "n"))
			case name == "sp" || name == "sr":
				names = append(names, part)
			default:
				names = append(names, name)
			}
		}
		return digits.ReplaceAllString(u.Host+u.Path, "n") + "?" + strings.Join(names, "&")
	}
	if a, b := shape(recorded), shape(got); a != b {
		r.t.Errorf("%s: the link is like %q, recorded is one like %q", where, b, a)
	}
}
