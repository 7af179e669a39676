package ingestion

import (
	"context"
	"errors"
	"fmt"

	"github.com/partnercenter-go/partnercenter"
)

// Action is what a verb named Apply has done.
type Action string

// What a verb named Apply has done.
const (
	// Unchanged: everything was as it should be. No request has changed anything.
	Unchanged Action = "unchanged"
	// Created: there was nothing, and now there is.
	Created Action = "created"
	// Updated: something differed; see [Applied.Changes].
	Updated Action = "updated"
)

// Applied is what a verb named Apply has found and done.
//
// Such a verb brings about what its argument says and nothing else: applying the
// same thing twice changes nothing the second time. A field that is zero says
// nothing and leaves what is stored, as do members that the struct has no field for;
// [Object.With] on the argument asks for an explicit zero or null, and so does an
// empty list that is not nil. Lists count as a whole, except that of the markets,
// where markets that are not named stay, and that of channel states. In maps, too,
// what is not named stays: a category is taken out with [Updater.Modify]. Secrets
// that the service does not show are written every time, since nobody can tell
// whether they are the same.
//
// When somebody else changes the same thing meanwhile, it is read again and merged
// anew, like [Updater.Modify] does.
type Applied[T any] struct {
	// Resource is what is stored now.
	Resource *Resource[T]
	// Action is what has been done.
	Action Action
	// Changes names the members that differed, as the service calls them.
	Changes []string
}

// applyTo merges what is wanted into what read returns and writes the result if it
// differs.
func applyTo[T any](want T, read func() (*Resource[T], error), write func(*Resource[T]) (*Resource[T], error)) (Applied[T], error) {
	wanted, err := statement(want)
	if err != nil {
		return Applied[T]{}, err
	}
	applied := Applied[T]{Action: Unchanged}
	applied.Resource, err = modify(read, func(r *Resource[T]) error {
		stored, err := r.wire()
		if err != nil {
			return err
		}
		doc, err := parseDocument(stored)
		if err != nil {
			return err
		}
		if err := sameKind(doc, wanted); err != nil {
			return err
		}
		doc, applied.Changes = mergeDocument(doc, wanted)
		if len(applied.Changes) == 0 {
			applied.Action = Unchanged
			return nil
		}
		applied.Action = Updated
		return r.UnmarshalJSON(doc.encode())
	}, write)
	if err != nil {
		return Applied[T]{}, err
	}
	return applied, nil
}

// sameKind refuses to make one kind of thing into another.
func sameKind(stored, wanted document) error {
	is, should := stored.text(memberType), wanted.text(memberType)
	if is != "" && should != "" && !equalAny(is, should) {
		return fmt.Errorf("ingestion: there is a %s already, which cannot become a %s", is, should)
	}
	return nil
}

// Apply sets what data says of the one thing that there is; see [Applied].
func (s Singleton[T]) Apply(ctx context.Context, data T, opts ...partnercenter.CallOption) (Applied[T], error) {
	return applyTo(data,
		func() (*Resource[T], error) { return s.Get(ctx, opts...) },
		func(r *Resource[T]) (*Resource[T], error) { return s.Set(ctx, r.Data, opts...) })
}

// Apply makes the offer of [NewProduct] if the account has none with its offer id.
// One that is there stays as it is, since the service can change neither its kind,
// for which there is an error, nor its alias.
//
// When the answer to the request gets lost, the offer is looked for, so that none is
// made twice.
func (p Products) Apply(ctx context.Context, data Product, opts ...partnercenter.CallOption) (Applied[Product], error) {
	if data.OfferID() == "" {
		return Applied[Product]{}, errors.New("ingestion: the product has no offer id; make it with NewProduct")
	}
	found, err := ensure(
		func() (*Resource[Product], error) { return p.ByOfferID(ctx, data.OfferID(), opts...) },
		func() (*Resource[Product], error) { return p.Create(ctx, data, opts...) })
	if err != nil {
		return Applied[Product]{}, err
	}
	if is := found.Resource.Data.Type; !equalAny(string(is), string(data.Type)) {
		return Applied[Product]{}, fmt.Errorf("ingestion: offer %q is a %s, not a %s, and cannot become one", data.OfferID(), is, data.Type)
	}
	return found, nil
}

// Apply makes the plan if the product has none with its plan id, and otherwise sets
// what data says of it; see [Applied]. The drafts of a new plan appear some seconds
// later, for which the other verbs named Apply wait.
//
// When the answer to the request gets lost, the plan is looked for, so that none is
// made twice.
func (v Variants) Apply(ctx context.Context, data Variant, opts ...partnercenter.CallOption) (Applied[Variant], error) {
	if err := data.check(); err != nil {
		return Applied[Variant]{}, err
	}
	if data.ExternalID == "" {
		return Applied[Variant]{}, errors.New("ingestion: a test drive has no plan id to find it by; change it with Modify")
	}
	find := func() (*Resource[Variant], error) { return v.ByPlanID(ctx, data.ExternalID, opts...) }
	found, err := ensure(find, func() (*Resource[Variant], error) { return v.Create(ctx, data, opts...) })
	if err != nil || found.Action == Created {
		return found, err
	}
	return applyTo(data, once(found.Resource, find),
		func(r *Resource[Variant]) (*Resource[Variant], error) { return v.Update(ctx, r, opts...) })
}

// ensure finds a thing, or makes it. A request without a clear answer may have made
// it all the same.
func ensure[T any](find, create func() (*Resource[T], error)) (Applied[T], error) {
	r, err := find()
	if err == nil {
		return Applied[T]{Resource: r, Action: Unchanged}, nil
	}
	if !absent(err) {
		return Applied[T]{}, err
	}
	r, err = create()
	if err == nil {
		return Applied[T]{Resource: r, Action: Created}, nil
	}
	if refusal(err) && !errors.Is(err, partnercenter.ErrConflict) {
		return Applied[T]{}, err
	}
	found, lookErr := find()
	if lookErr != nil {
		return Applied[T]{}, err
	}
	action := Created
	if errors.Is(err, partnercenter.ErrConflict) { // somebody was faster
		action = Unchanged
	}
	return Applied[T]{Resource: found, Action: action}, nil
}

// absent reports whether a search has found nothing, which is not the same as a 404
// of the service: that says that there is nothing to search.
func absent(err error) bool {
	_, service := errors.AsType[*partnercenter.Error](err)
	return errors.Is(err, partnercenter.ErrNotFound) && !service
}
