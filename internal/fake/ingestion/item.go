package ingestion

import (
	"net/http"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// getItems lists a collection of the product.
func (s *Server) getItems(x *exchange, p *product, collection string) reply {
	// Store clients pass a branch, which since June 2026 is answered like this.
	if x.query("branchId") != "" {
		return x.refuse(failure{status: http.StatusBadRequest, shape: kit.ShapeText, message: "The API you have called is not applicable for this product"})
	}
	var list []object
	for _, i := range p.list(collection, x.now, nil) {
		list = append(list, x.seen(i))
	}
	return x.others(list)
}

// postItem adds a resource to the product's own draft. The documents of the API say
// 200 for properties and 201 for the rest.
func (s *Server) postItem(x *exchange, p *product, collection string) reply {
	_, body, refused := s.object(x, collection)
	if refused != nil {
		return *refused
	}
	i := &item{Collection: collection, ID: s.nextID(), Module: moduleOf(collection), Body: body, ETag: s.etag(x.now), Visible: x.now}
	p.Items = append(p.Items, i)
	status := http.StatusCreated
	if collection == "properties" {
		status = http.StatusOK
	}
	return ok(status, i.show()).with("Etag", i.ETag)
}

func (s *Server) getItem(_ *exchange, _ *product, i *item) reply {
	return ok(http.StatusOK, i.show())
}

func (s *Server) putItem(x *exchange, _ *product, i *item) reply {
	in, body, refused := s.object(x, i.Collection)
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	return s.replace(x, i, body)
}

// checkUpdate refuses an update of another version, or with another resource's id.
// The etag in the body is not looked at: clients send old ones with If-Match: *.
func (x *exchange) checkUpdate(i *item, in object) *reply {
	var refused reply
	switch {
	case x.unmatched(i.ETag):
		refused = x.outdated()
	case in.has("id") && !strings.EqualFold(in.text("id"), i.ID):
		refused = x.invalid(faults{"id": {"The id in the body does not match the one in the path."}})
	default:
		return nil
	}
	return &refused
}

// replace stores a new version as a whole: what it lacks is gone.
func (s *Server) replace(x *exchange, i *item, body object) reply {
	i.Body, i.ETag = body, s.etag(x.now)
	return ok(http.StatusOK, i.show()).with("Etag", i.ETag)
}

func (s *Server) deleteItem(x *exchange, p *product, i *item) reply {
	if x.unmatched(i.ETag) {
		return x.outdated()
	}
	p.drop(i)
	return noContent()
}

// postListing adds a listing in another language.
func (s *Server) postListing(x *exchange, p *product) reply {
	b := p.branchOf(x.arg("instance"), x.now)
	if b == nil || b.Module != moduleListing {
		return x.missing()
	}
	_, body, refused := s.object(x, "listings")
	if refused != nil {
		return *refused
	}
	language := body.text("languageCode")
	if language == "" {
		return x.invalid(faults{"languageCode": {"The languageCode field is required."}})
	}
	for _, i := range p.drafts("listings", b.Instance, x.now) {
		if strings.EqualFold(i.Body.text("languageCode"), language) {
			return x.conflict("There is a listing in " + language + " already.")
		}
	}
	i := &item{Collection: "listings", ID: s.nextID(), Module: b.Module, Variant: b.Variant, Body: body, ETag: s.etag(x.now), Visible: x.now}
	p.Items = append(p.Items, i)
	return ok(http.StatusCreated, i.show()).with("Etag", i.ETag)
}

// putListing replaces a listing; only its language stays when it is left out.
func (s *Server) putListing(x *exchange, _ *product, i *item) reply {
	in, body, refused := s.object(x, "listings")
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	if !body.has("languageCode") {
		body.set("languageCode", i.Body.get("languageCode"))
		body, _ = s.kinds["listings"].read(body) // in order
	}
	return s.replace(x, i, body)
}

// expansions are the members of a feature availability that neither answers nor
// updates touch unless they are asked for.
func expansions() []string { return []string{"marketStates", "trial", "priceSchedules"} }

// expands reports whether $expand names the member. The OpenAPI document spells one
// of them in two ways.
func (x *exchange) expands(name string) bool {
	return x.asksFor(name) || name == "priceSchedules" && x.asksFor("priceSchedule")
}

func (x *exchange) expanded(i *item) object {
	out := i.show()
	for _, name := range expansions() {
		if !x.expands(name) {
			out.del(name)
		}
	}
	return out
}

func (s *Server) getFeature(x *exchange, _ *product, i *item) reply {
	return ok(http.StatusOK, x.expanded(i))
}

func (s *Server) putFeature(x *exchange, _ *product, i *item) reply {
	in, body, refused := s.object(x, i.Collection)
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	for _, name := range expansions() {
		if x.expands(name) {
			continue
		}
		body.del(name)
		if old := i.Body.get(name); old != nil {
			body.set(name, old)
		}
	}
	body, _ = s.kinds[i.Collection].read(body) // in order
	s.replace(x, i, body)
	return ok(http.StatusOK, x.expanded(i)).with("Etag", i.ETag)
}
