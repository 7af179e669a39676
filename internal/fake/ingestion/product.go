package ingestion

import (
	"net/http"
	"strings"
	"time"
)

// getProducts lists the products that a filter lets through, in pages.
func (s *Server) getProducts(x *exchange) reply {
	text := x.query("$filter")
	token, refused := x.token()
	if refused != nil {
		return *refused
	}
	if token != nil && text == "" {
		text = token.Filter // the link does not show it
	}
	if text == "" && token == nil && x.settings.RefuseUnfiltered {
		return x.invalid(faults{"ProductTypeFilter": {
			"The value 'Application, AvatarItem, Bundle, Consumable, Durable' is not valid for ProductTypeFilter.",
		}})
	}
	keep, err := parseFilter(text)
	if err != nil {
		return x.invalid(faults{"$filter": {err.Error()}})
	}
	return x.page(x.settings.PageSizes, token, text, len(s.products), func(i int) (int64, object, bool) {
		p := s.products[i]
		return p.Place, showAs(p.Body, p.ID), keep(p.Body)
	})
}

func (s *Server) getProduct(_ *exchange, p *product) reply {
	return ok(http.StatusOK, showAs(p.Body, p.ID))
}

// postProduct makes a product with its drafts. An id in the body is ignored.
func (s *Server) postProduct(x *exchange) reply {
	_, body, refused := s.object(x, "product")
	if refused != nil {
		return *refused
	}
	if strings.TrimSpace(body.text("name")) == "" {
		return x.invalid(faults{"Name": {"The Name field is required."}})
	}
	normalizeExternalIDs(body)
	made := s.newProduct(body, s.nextID(), x.now)
	if s.taken(made) {
		return x.conflict("The offer id " + made.Offer + " is already in use.") // which status it is, nobody has seen
	}
	s.addProduct(made)
	return ok(http.StatusCreated, showAs(made.Body, made.ID)).with("Location", x.location(made.ID))
}

// deleteProduct removes a product that was never published. What the service says
// of others is the fake's choice.
func (s *Server) deleteProduct(x *exchange, p *product) reply {
	for _, sub := range p.Submissions {
		if sub.advance(s, x.now); sub.published() || sub.active() {
			return x.conflict("The product has been published, or is being published, and cannot be deleted.")
		}
	}
	s.forget(p)
	return noContent()
}

// location is the absolute URL of a new resource in the collection of the request.
func (x *exchange) location(id string) string {
	scheme := "https"
	if x.r.TLS == nil {
		scheme = "http"
	}
	return scheme + "://" + x.r.Host + strings.TrimRight(x.r.URL.EscapedPath(), "/") + "/" + id
}

// normalizeExternalIDs gives the type of the offer id the spelling of answers.
func normalizeExternalIDs(body object) {
	list := body.objects("externalIDs")
	for i := range list {
		if strings.EqualFold(list[i].text("type"), "AzureOfferId") {
			list[i].set("type", "AzureOfferId")
		}
	}
	if list != nil {
		body.set("externalIDs", list)
	}
}

// addProduct appends a product in storage order. The lock is held.
func (s *Server) addProduct(p *product) {
	if n := len(s.products); n > 0 {
		p.Place = s.products[n-1].Place
	}
	p.Place++
	s.keep(p)
}

const (
	application    = "AzureApplication"
	virtualMachine = "AzureThirdPartyVirtualMachine"
	central        = "AzureDynamics365BusinessCentral"
	engagement     = "AzureDynamics365ForCustomerEngagement"
	operations     = "AzureDynamics365ForOperations"
)

// newProduct makes a product with its drafts. The lock is held.
func (s *Server) newProduct(body object, id string, now time.Time) *product {
	p := &product{ID: id, Body: body, Offer: offerIDOf(body)}
	p.Setup = build(
		"resourceType", "AzureProductSetup", "sellingOption", "ListAndSell", "trialUri", "", "enableTestDrive", false,
		"channelStates", []object{build("type", "Reseller", "value", "Disabled")},
	)
	if p.kind() == central {
		p.Setup.set("packageType", "AddOn")
	}
	p.Reseller = build("resourceType", "ResellerConfiguration", "resellerChannelState", "Disabled", "tenantIds", []string{})
	for _, module := range modules() {
		s.addDraft(p, module, "", body.text("name"), "", now)
	}
	if s.settings.TestDrive && p.kind() == application {
		visible := now.Add(s.settings.TestDriveDelay)
		p.Items = append(p.Items, &item{
			Collection: "variants", ID: testDrive, ETag: s.etag(visible), Visible: visible,
			Body: build("resourceType", "AzureTestDriveVariant", "state", "Inactive"),
		})
		s.addPlanDrafts(p, testDrive, body.text("name"), "", visible)
	}
	return p
}

// getSetup and postSetup read and replace the setup. The POST answers with 200.
func (s *Server) getSetup(_ *exchange, p *product) reply { return ok(http.StatusOK, p.Setup) }

func (s *Server) postSetup(x *exchange, p *product) reply {
	_, body, refused := s.object(x, "setup")
	if refused != nil {
		return *refused
	}
	if body.flag("enableTestDrive") && p.kind() == virtualMachine && !x.settings.TestDrive {
		return x.invalid(faults{"FeatureName": {"The field FeatureName is invalid."}})
	}
	p.Setup = body
	return ok(http.StatusOK, body)
}
