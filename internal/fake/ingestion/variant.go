package ingestion

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Server) getVariants(x *exchange, p *product) reply {
	var list []object
	for _, i := range p.list("variants", x.now, nil) {
		list = append(list, i.show())
	}
	return x.others(list)
}

// postVariant makes a plan, whose drafts may appear later than itself.
func (s *Server) postVariant(x *exchange, p *product) reply {
	_, in, refused := s.object(x, "variants")
	if refused != nil {
		return *refused
	}
	bad := make(faults)
	if in.text("resourceType") != "AzureSkuVariant" {
		bad.add("resourceType", "The field resourceType is invalid.")
	}
	for _, name := range []string{"externalID", "friendlyName"} {
		if strings.TrimSpace(in.text(name)) == "" {
			bad.add(name, "The "+name+" field is required.")
		}
	}
	if len(bad) > 0 {
		return x.invalid(bad)
	}
	if len(p.list("variants", x.now, func(i *item) bool { return strings.EqualFold(i.Body.text("externalID"), in.text("externalID")) })) > 0 {
		return x.conflict("The plan id " + in.text("externalID") + " is already in use.") // which status it is, nobody has seen
	}
	v := s.addVariant(x, p, in)
	return ok(http.StatusCreated, v.show()).with("Location", x.location(v.ID)).with("Etag", v.ETag)
}

// addVariant adds a plan. The lock is held.
func (s *Server) addVariant(x *exchange, p *product, in object) *item {
	defaults := build("state", "Active", "conversionPaths", "*", "certificationsAzureGovernment", []string{},
		"cloudAvailabilities", []string{"public-azure"}, "extendedProperties", []string{})
	if p.kind() == application {
		defaults.set("subType", "solution-template")
	}
	for _, m := range defaults {
		if !in.has(m.key) {
			in.set(m.key, m.value)
		}
	}
	body, _ := s.kinds["variants"].read(in) // in order
	v := &item{Collection: "variants", ID: s.nextID(), Body: body, ETag: s.etag(x.now), Visible: x.now}
	p.Items = append(p.Items, v)
	s.addPlanDrafts(p, v.ID, body.text("friendlyName"), body.text("subType"), x.now.Add(x.settings.BranchDelay))
	return v
}

func (s *Server) putVariant(x *exchange, p *product, v *item) reply {
	if v.ID == testDrive {
		return s.putItem(x, p, v)
	}
	in, body, refused := s.object(x, "variants")
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(v, in); refused != nil {
		return *refused
	}
	// A plan id cannot be changed: the fake's choice, as in the documentation of
	// the portal.
	if id := body.text("externalID"); id != "" && id != v.Body.text("externalID") {
		return x.invalid(faults{"externalID": {"The field externalID cannot be changed."}})
	}
	if body.text("externalID") == "" {
		body.set("externalID", v.Body.text("externalID"))
	}
	return s.replace(x, v, body)
}

// deleteVariant removes a plan with its drafts. It was never published: what the
// service says of others is the fake's choice.
func (s *Server) deleteVariant(x *exchange, p *product, v *item) reply {
	if x.unmatched(v.ETag) {
		return x.outdated()
	}
	for _, sub := range p.Submissions {
		sub.advance(s, x.now)
		named := slices.ContainsFunc(sub.Variants, func(o object) bool { return o.text("variantID") == v.ID })
		if named && (sub.published() || sub.active()) {
			return x.conflict("The plan has been published, or is being published, and cannot be deleted.")
		}
	}
	p.Branches = slices.DeleteFunc(p.Branches, func(b *branch) bool { return b.Variant == v.ID })
	for _, i := range slices.Clone(p.Items) {
		if i == v || i.Variant == v.ID {
			p.drop(i)
		}
	}
	return noContent()
}
