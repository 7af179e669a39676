package ingestion

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// recorder sends requests to a fake and writes them down as recordings are.
type recorder struct {
	*rig

	all []interaction
}

func (r *recorder) call(method, path, body string) object {
	r.t.Helper()
	var i interaction
	var w *httptest.ResponseRecorder
	i.Request.Method, i.Request.URL = method, path
	if !strings.HasPrefix(path, "https://") {
		i.Request.URL = apiHost + Prefix + path
	}
	header := []string{"If-Match", "*"}
	if strings.HasPrefix(path, blobsHost) {
		i.Request.BodyOmitted = &struct {
			Length int `json:"length"`
		}{len(body)}
		header = nil
	} else if body != "" {
		i.Request.Body = &body
	}
	w = r.do(method, path, body, header...)
	i.Request.Headers = map[string][]string{}
	for n := 0; n+1 < len(header); n += 2 {
		i.Request.Headers[header[n]] = []string{header[n+1]}
	}
	i.Response.Status = w.Code
	i.Response.Headers = map[string][]string{"date": {r.clock.Now().Format(http.TimeFormat)}}
	for name, v := range w.Header() {
		i.Response.Headers[strings.ToLower(name)] = v
	}
	if text := w.Body.String(); text != "" {
		i.Response.Body = &text
	}
	r.all = append(r.all, i)
	o, _ := parseObject(w.Body.Bytes())
	return o
}

func (r *recorder) pass(d time.Duration) { r.clock.Advance(d) }

// instance is the instance id of the listing of a plan, empty if there is none yet.
func (r *recorder) instance(product, variant string) string {
	r.t.Helper()
	for _, b := range r.call(http.MethodGet, "/products/"+product+"/branches/getByModule(module=Listing)", "").objects("value") {
		if b.text("variantID") == variant {
			return b.text("currentDraftInstanceID")
		}
	}
	return ""
}

func (r *recorder) walk() {
	for next := "/products?%24skipToken="; ; {
		link := r.call(http.MethodGet, next, "").text("nextLink")
		_, token, more := strings.Cut(link, "=")
		if !more {
			return
		}
		next = "/products?%24skipToken=" + url.QueryEscape(token)
	}
}

// record is the work of a client at an account with other products.
func (r *recorder) record() {
	for _, name := range []string{"a", "b", "c"} {
		if _, err := r.s.AddProduct([]byte(`{"resourceType":"AzureContainer","name":"` + name + `","externalIDs":[{"type":"AzureOfferId","value":"` + name + `"}]}`)); err != nil {
			r.t.Fatal(err)
		}
	}
	p := r.call(http.MethodPost, "/products", `{"externalIds":[{"type":"AzureOfferID","value":"mine"}],"name":"mine","resourceType":"AzureApplication","ID":"mine","isModularPublishing":true}`).text("id")
	at := "/products/" + p
	filter := "/products?%24filter=externalIDs%2FAny%28i%3Ai%2Ftype+eq+%27AzureOfferId%27+and+i%2Fvalue+eq+%27mine%27%29"
	r.call(http.MethodGet, filter, "")
	r.pass(time.Second)
	r.instance(p, "")
	r.pass(4 * time.Second)
	listing := at + "/listings/" + r.call(http.MethodGet, at+"/listings/getByInstanceID(instanceID="+r.instance(p, "")+")", "").objects("value")[0].text("id")
	r.call(http.MethodGet, at+"/variants", "")
	r.call(http.MethodGet, at+"/setup", "")
	r.call(http.MethodPost, at+"/setup", `{"resourceType":"AzureProductSetup","sellingOption":"ListAndSell","trialUri":"","enableTestDrive":true,"testDriveType":"AzureResourceManager","channelStates":[{"type":"Reseller","value":"Disabled"}]}`)
	r.call(http.MethodGet, at+"/setup", "")
	r.call(http.MethodPut, listing, `{"resourceType":"AzureListing","title":"t","listingUris":[{"type":"PrivacyUri","uri":"https://p.example"}],"listingContacts":[{"type":"CustomerSupport","email":"user1@example.com","name":"n","phone":"1","uri":"https://u.example"}]}`)
	r.walk()
	v := r.call(http.MethodPost, at+"/variants", `{"resourceType":"AzureSkuVariant","friendlyName":"Plan","externalID":"plan","SubType":"solution-template"}`).text("id")
	r.pass(time.Second)
	r.instance(p, v)
	r.pass(5 * time.Second)
	plan := r.call(http.MethodGet, at+"/listings/getByInstanceID(instanceID="+r.instance(p, v)+")", "").objects("value")[0]
	plan.set("description", "d")
	r.call(http.MethodPut, at+"/listings/"+plan.text("id"), string(plan.append(nil)))
	image := r.call(http.MethodPost, listing+"/images", `{"resourceType":"ListingImage","fileName":"l.png","type":"AzureLogoWide","state":"PendingUpload","order":0}`)
	r.call(http.MethodPut, image.text("fileSasUri"), picture("AzureLogoWide", 999))
	image.set("state", uploaded)
	r.call(http.MethodPut, listing+"/images/"+image.text("id"), string(image.append(nil)))
	r.call(http.MethodGet, listing+"/images?%24expand=%24expand%3DFileSasUri", "")
	r.call(http.MethodDelete, listing+"/images/"+image.text("id"), "")
	r.call(http.MethodGet, listing+"/images?%24expand=%24expand%3DFileSasUri", "")
	r.call(http.MethodDelete, at+"/variants/"+v, "")
	r.call(http.MethodGet, at+"/variants", "")
	r.call(http.MethodDelete, at, "")
	r.call(http.MethodGet, filter, "")
	r.walk()
	vm := r.call(http.MethodPost, "/products", `{"name":"vm","resourceType":"AzureThirdPartyVirtualMachine"}`).text("id")
	r.call(http.MethodPost, "/products/"+vm+"/setup", `{"resourceType":"AzureProductSetup","enableTestDrive":true}`)
}

// What one fake has said can be replayed against another, whose ids are others and
// whose settings are derived from what was said: the test of the test above.
func TestOwnTrafficReplays(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Settings){
		"as now":     func(*Settings) {},
		"as in 2024": func(s *Settings) { s.TestDrive, s.BranchDelay = true, 2*time.Second },
		"as in 2023": func(s *Settings) {
			s.TestDrive, s.EchoUploadLink, s.LinksForMalformedExpand, s.PageSizes = true, true, true, []int{2, 0}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &recorder{rig: newSeeded(t, 99, change)}
				r.record()
				for from := 0; from < len(r.all); from += 3 {
					newReplay(t, r.all[from:]).run()
				}
				// Lists have no order that means anything.
				for n := range r.all {
					path := apiPath(r.all[n].Request.URL)
					answer, err := parseObject([]byte(value(r.all[n].Response.Body)))
					if list := answer.objects("value"); err == nil && path != "/products" && len(list) > 1 {
						slices.Reverse(list)
						answer.set("value", list)
						text := string(answer.append(nil))
						r.all[n].Response.Body = &text
					}
				}
				newReplay(t, r.all).run()
			})
		})
	}
}
