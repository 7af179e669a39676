package ingestion

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Settings returns the current settings.
func (s *Server) Settings() Settings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings.clone()
}

// Configure changes the settings, from the next request on.
func (s *Server) Configure(change func(*Settings)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := s.settings.clone()
	change(&next)
	if err := next.check(); err != nil {
		return err
	}
	s.settings = next.clone()
	return nil
}

// Next appends a script: the next submission that it fits follows it.
func (s *Server) Next(script Script) error {
	if err := errors.Join(checkSteps(script.Steps), checkSteps(script.LiveSteps)); err != nil {
		return err
	}
	script.Steps, script.LiveSteps, script.Findings = slices.Clone(script.Steps), slices.Clone(script.LiveSteps), slices.Clone(script.Findings)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, script)
	return nil
}

// NextPackage appends a script for a package.
func (s *Server) NextPackage(script PackageScript) error {
	for _, d := range []*time.Duration{script.Queue, script.Time} {
		if d != nil && *d < 0 {
			return fmt.Errorf("ingestion: a package cannot take %v", *d)
		}
	}
	script.Failures = slices.Clone(script.Failures)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.packages = append(s.packages, script)
	return nil
}

// AddProduct makes a product as if a client had posted the object, and returns its
// id. The object may name the id.
func (s *Server) AddProduct(text []byte) (string, error) {
	in, err := parseObject(text)
	if err != nil {
		return "", err
	}
	body, bad := s.kinds["product"].read(in)
	if len(bad) > 0 || body.text("name") == "" {
		return "", fmt.Errorf("ingestion: the product is not one: it needs resourceType and name %v", bad)
	}
	normalizeExternalIDs(body)
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	id := in.text("id")
	if id == "" {
		id = s.nextID()
	}
	p := s.newProduct(body, id, now)
	if s.product(id) != nil || s.taken(p) {
		return "", fmt.Errorf("ingestion: there is a product %s (%s) already", id, p.Offer)
	}
	s.addProduct(p)
	return id, nil
}

// AddVariant makes a plan as if a client had posted the object, and returns its id.
func (s *Server) AddVariant(productID string, text []byte) (string, error) {
	in, err := parseObject(text)
	if err != nil {
		return "", err
	}
	body, bad := s.kinds["variants"].read(in)
	if len(bad) > 0 {
		return "", fmt.Errorf("ingestion: the plan is not one: %v", bad)
	}
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.product(productID)
	if p == nil {
		return "", errNoProduct
	}
	settings := s.settings.clone()
	settings.BranchDelay = 0
	return s.addVariant(&exchange{now: now, settings: &settings}, p, body).ID, nil
}

// ProductInfo describes a product.
type ProductInfo struct {
	ID, Kind, Name, OfferID string
	Variants                []VariantInfo
	Submissions             []SubmissionInfo
}

// VariantInfo describes a plan.
type VariantInfo struct{ ID, ExternalID, FriendlyName string }

// SubmissionInfo describes a submission.
type SubmissionInfo struct {
	ID, State, Substate string
	Release             int
	Promoted            bool
	Resources           map[string]string
}

// Products lists the products in storage order, with their submissions by release.
func (s *Server) Products() []ProductInfo {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]ProductInfo, len(s.products))
	for i, p := range s.products {
		out[i] = s.info(p, now)
	}
	return out
}

// Product returns the product with the id or the offer id; false if there is none.
func (s *Server) Product(id string) (ProductInfo, bool) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range []string{idKey(id), offerKey(id)} {
		if p := s.index[key]; p != nil {
			return s.info(p, now), true
		}
	}
	return ProductInfo{}, false
}

// info describes a product. The lock is held.
func (s *Server) info(p *product, now time.Time) ProductInfo {
	out := ProductInfo{ID: p.ID, Kind: p.kind(), Name: p.Body.text("name"), OfferID: p.Offer}
	for _, v := range p.list("variants", now, nil) {
		out.Variants = append(out.Variants, VariantInfo{v.ID, v.Body.text("externalID"), v.Body.text("friendlyName")})
	}
	for _, sub := range p.Submissions {
		sub.advance(s, now)
		info := SubmissionInfo{
			ID: sub.ID, State: sub.now().State, Substate: sub.now().Substate, Release: sub.Release, Promoted: sub.Promoted, Resources: make(map[string]string),
		}
		for _, r := range sub.Resources {
			info.Resources[r.text("type")] = r.text("value")
		}
		out.Submissions = append(out.Submissions, info)
	}
	return out
}

// Finish ends a submission: from now on it stays in the step.
func (s *Server) Finish(productID, submissionID string, step Step) error {
	if err := checkSteps([]Step{step}); err != nil {
		return err
	}
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.product(productID)
	if p == nil {
		return errNoProduct
	}
	for _, sub := range p.Submissions {
		if sub.ID == submissionID {
			sub.advance(s, now)
			sub.finish(step, s, now)
			return nil
		}
	}
	return fmt.Errorf("ingestion: there is no submission %q", submissionID)
}

// Resource returns a resource as it is stored: of "products", "setup", "variants" or
// another collection of a product, in lower case. Of what has no id, the id is empty.
func (s *Server) Resource(productID, collection, id string) ([]byte, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.product(productID)
	if p == nil {
		return nil, errNoProduct
	}
	var o object
	switch collection = strings.ToLower(collection); collection {
	case "products":
		o = showAs(p.Body, p.ID)
	case "setup":
		o = p.Setup
	case "resellerconfiguration":
		o = p.Reseller
	case "leadconfiguration":
		o = p.Lead
	default:
		if i := p.find(collection, id, now); i != nil {
			o = i.show()
		}
	}
	if o == nil {
		return nil, fmt.Errorf("ingestion: product %s has no %s %q", productID, collection, id)
	}
	return o.append(nil), nil
}

// MovePackage gives a package another id, as happens in the Store: the old one is
// answered with 301. It returns the new id.
func (s *Server) MovePackage(productID, id string) (string, error) {
	now := s.cfg.Clock.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.product(productID)
	if p == nil {
		return "", errNoProduct
	}
	old := p.find("packages", id, now)
	if old == nil {
		return "", fmt.Errorf("ingestion: product %s has no package %q", productID, id)
	}
	moved := *old
	moved.ID = s.nextID()
	old.MovedTo = moved.ID
	p.Items = append(p.Items, &moved)
	return moved.ID, nil
}

// ExpireLinks makes the links that were given out for a file worthless: of an image,
// an asset, a video or a package by its id, an empty one means all of the product.
func (s *Server) ExpireLinks(productID, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.product(productID)
	if p == nil {
		return errNoProduct
	}
	found := id == ""
	for _, i := range p.Items {
		if i.File != "" && (id == "" || strings.EqualFold(i.ID, id)) {
			s.cfg.Blobs.ExpireLinks(i.File)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("ingestion: product %s has no file %q", productID, id)
	}
	return nil
}
