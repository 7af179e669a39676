package ingestion

import (
	"net/http"
	"slices"
	"strings"
)

// postSubmission makes a submission, which begins at once.
func (s *Server) postSubmission(x *exchange, p *product) reply {
	_, body, refused := s.object(x, "submission")
	if refused != nil {
		return *refused
	}
	targets := body.objects("targets")
	bad := make(faults)
	if len(targets) == 0 {
		bad.add("targets", "The targets field is required.")
	}
	for i := range targets {
		if !strings.EqualFold(targets[i].text("value"), "preview") {
			bad.add("targets", "The value '"+targets[i].text("value")+"' is not a valid target.")
		}
		targets[i].set("value", "Preview")
	}
	resources := body.objects("resources")
	variants := body.objects("variantResources")
	if len(resources)+len(variants) == 0 {
		bad.add("resources", "The resources field is required.")
	}
	p.checkResources(bad, "resources", "", resources)
	for _, v := range variants {
		if p.find("variants", v.text("variantID"), x.now) == nil {
			bad.add("variantResources", "The variant "+v.text("variantID")+" does not exist.")
			continue
		}
		p.checkResources(bad, "variantResources", v.text("variantID"), v.objects("resources"))
	}
	if len(bad) > 0 {
		return x.invalid(bad)
	}
	for _, sub := range p.Submissions {
		if sub.advance(s, x.now); sub.active() {
			return x.conflict("Create submission failed, another submission is in progress.")
		}
	}
	sub := s.newSubmission(x, p, resources)
	sub.Targets, sub.Option, sub.Extended = targets, body.object("publishOption"), body.objects("extendedProperties")
	sub.Resources, sub.Variants = p.instances(x)
	if !x.settings.KeepInstances {
		s.renew(p)
	}
	p.Submissions = append(p.Submissions, sub)
	sub.entered(s)
	sub.advance(s, x.now)
	return x.accepted(sub)
}

// accepted answers as the settings say.
func (x *exchange) accepted(sub *submission) reply {
	switch out := x.submission(sub); x.settings.Submissions {
	case AcceptedWithBody:
		return ok(http.StatusAccepted, out).with("Location", x.location(sub.ID))
	case AcceptedWithLocation:
		return reply{status: http.StatusAccepted}.with("Location", x.location(sub.ID)).with("Retry-After", "30")
	default:
		return ok(http.StatusCreated, out)
	}
}

// checkResources refuses instances that are not the current drafts.
func (p *product) checkResources(bad faults, field, variant string, resources []object) {
	for _, r := range resources {
		fits := slices.ContainsFunc(p.Branches, func(b *branch) bool {
			return strings.EqualFold(b.Variant, variant) && strings.EqualFold(b.Module, r.text("type")) && strings.EqualFold(b.Instance, r.text("value"))
		})
		if !fits {
			bad.add(field, "The instance "+r.text("value")+" of type "+r.text("type")+" does not exist.")
		}
	}
}

// newSubmission takes the first script that fits, or the settings' story. An Azure
// application fails without its reseller configuration.
func (s *Server) newSubmission(x *exchange, p *product, resources []object) *submission {
	p.Releases++
	sub := &submission{
		ID: s.nextNumber(submissionBase), Release: p.Releases, Since: x.now,
		Steps: slices.Clone(x.settings.Steps), LiveSteps: slices.Clone(x.settings.LiveSteps),
	}
	reseller := slices.ContainsFunc(resources, func(r object) bool { return strings.EqualFold(r.text("type"), moduleReseller) })
	if p.kind() == application && !reseller {
		sub.Steps = append(untilValidated(sub.Steps), Fail(PhaseValidation, Finding{
			Code: "Resell-20007", Severity: "Error", Message: "ResellerConfiguration module is missing..", Resource: "Resell",
		}))
	}
	i := slices.IndexFunc(s.scripts, func(c Script) bool { return c.ProductID == "" || strings.EqualFold(c.ProductID, p.ID) })
	if i < 0 {
		return sub
	}
	c := s.scripts[i]
	s.scripts = slices.Delete(s.scripts, i, i+1)
	if len(c.Steps) > 0 {
		sub.Steps = c.Steps
	}
	if len(c.LiveSteps) > 0 {
		sub.LiveSteps = c.LiveSteps
	}
	sub.Findings = c.Findings
	return sub
}

// untilValidated are the steps up to the end of the validation.
func untilValidated(steps []Step) []Step {
	n := slices.IndexFunc(steps, func(s Step) bool { return s.Phase > PhaseValidation || s.broken() || s.is(published) })
	if n < 0 {
		n = len(steps) - 1
	}
	return slices.Clone(steps[:n])
}

// instances lists all drafts, whatever the request named: of the product, and of
// the plans but the service's own.
func (p *product) instances(x *exchange) (resources, variants []object) {
	byPlan := make(map[string][]object)
	var order []string
	for _, b := range p.Branches {
		if x.now.Before(b.Visible) || b.Variant == testDrive {
			continue
		}
		r := build("type", b.Module, "value", b.Instance)
		if b.Variant == "" {
			resources = append(resources, r)
			continue
		}
		if byPlan[b.Variant] == nil {
			order = append(order, b.Variant)
		}
		byPlan[b.Variant] = append(byPlan[b.Variant], r)
	}
	for _, v := range order {
		variants = append(variants, build("variantID", v, "resources", byPlan[v]))
	}
	return resources, variants
}

// renew gives all drafts new instance ids: those that were there belong to the
// submission now.
func (s *Server) renew(p *product) {
	for _, b := range p.Branches {
		b.Instance = s.newInstance(p, b.Module)
	}
}
