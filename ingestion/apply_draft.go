package ingestion

import (
	"context"
	"fmt"

	"github.com/partnercenter-go/partnercenter"
)

// await returns the id of the draft of a module. Those of a new product or plan
// appear some seconds after it.
func (b Branches) await(ctx context.Context, module Module, variantID string, opts []partnercenter.CallOption) (string, error) {
	for look := 1; ; look++ {
		id, err := b.Draft(ctx, module, variantID, opts...)
		if !absent(err) || look == draftLooks {
			return id, err
		}
		if err := pause(ctx, draftInterval); err != nil {
			return "", err
		}
	}
}

// drafted is what belongs to the current draft of a module of a product or plan.
type drafted[T any] struct {
	updater Updater[T]
	drafts  Drafts[*Resource[T]]
	module  Module
}

// apply merges data into the draft.
func (d drafted[T]) apply(ctx context.Context, variantID string, data T, opts []partnercenter.CallOption) (Applied[T], error) {
	if d.updater.e.err != nil {
		return Applied[T]{}, d.updater.e.err
	}
	if _, err := statement(data); err != nil {
		return Applied[T]{}, err
	}
	instance, err := d.branches().await(ctx, d.module, variantID, opts)
	if err != nil {
		return Applied[T]{}, err
	}
	return d.applyTo(ctx, data, func() (*Resource[T], error) { return d.drafts.Draft(ctx, instance, opts...) }, opts)
}

func (d drafted[T]) applyTo(ctx context.Context, data T, read func() (*Resource[T], error), opts []partnercenter.CallOption) (Applied[T], error) {
	return applyTo(data, read, func(r *Resource[T]) (*Resource[T], error) { return d.updater.Update(ctx, r, opts...) })
}

func (d drafted[T]) branches() Branches { return d.drafts.scope.Branches() }

// Apply sets what data says of the property; see [Applied].
func (p Properties) Apply(ctx context.Context, data Property, opts ...partnercenter.CallOption) (Applied[Property], error) {
	return drafted[Property]{p.Updater, p.Drafts, ModuleProperty}.apply(ctx, "", data, opts)
}

// Apply sets what data says of the preview's audience; see [Applied].
func (p ProductAvailabilities) Apply(ctx context.Context, data ProductAvailability, opts ...partnercenter.CallOption) (Applied[ProductAvailability], error) {
	return drafted[ProductAvailability]{p.Updater, p.Drafts, ModuleAvailability}.apply(ctx, "", data, opts)
}

// Apply sets what data says of markets, prices and audiences of the plan or, when
// variantID is empty, of a Business Central product; see [Applied].
func (f FeatureAvailabilities) Apply(ctx context.Context, variantID string, data FeatureAvailability, opts ...partnercenter.CallOption) (Applied[FeatureAvailability], error) {
	return drafted[FeatureAvailability]{f.Updater, f.Drafts, ModuleAvailability}.apply(ctx, variantID, data, opts)
}

// Apply sets what data says of the technical configuration of the plan or, when
// variantID is empty, of the product; see [Applied]. What is there must be of the
// same type.
func (c PackageConfigurations) Apply(ctx context.Context, variantID string, data PackageConfiguration, opts ...partnercenter.CallOption) (Applied[PackageConfiguration], error) {
	return drafted[PackageConfiguration]{c.Updater, c.Drafts, ModulePackage}.apply(ctx, variantID, data, opts)
}

// Apply sets what data says of the listing of the plan or, when variantID is empty,
// of the product; see [Applied]. Of several languages it is the listing in that of
// data, which is made if there is none. Without a language there must be only one
// listing.
func (l Listings) Apply(ctx context.Context, variantID string, data Listing, opts ...partnercenter.CallOption) (Applied[Listing], error) {
	d := drafted[Listing]{l.Updater, l.Drafts, ModuleListing}
	if data.LanguageCode == "" {
		return d.apply(ctx, variantID, data, opts)
	}
	if l.Updater.e.err != nil {
		return Applied[Listing]{}, l.Updater.e.err
	}
	instance, err := d.branches().await(ctx, ModuleListing, variantID, opts)
	if err != nil {
		return Applied[Listing]{}, err
	}
	find := func() (*Resource[Listing], error) {
		for r, err := range l.ForInstance(ctx, instance, opts...) {
			if err != nil {
				return nil, err
			}
			if equalAny(r.Data.LanguageCode, data.LanguageCode) {
				return r, nil
			}
		}
		return nil, errNoLanguage
	}
	found, err := ensure(find, func() (*Resource[Listing], error) { return l.CreateForInstance(ctx, instance, data, opts...) })
	if err != nil || found.Action == Created {
		return found, err
	}
	return d.applyTo(ctx, data, once(found.Resource, find), opts)
}

// once is a way to read something that begins with what has been read already.
func once[T any](first *Resource[T], read func() (*Resource[T], error)) func() (*Resource[T], error) {
	return func() (*Resource[T], error) {
		if r := first; r != nil {
			first = nil
			return r, nil
		}
		return read()
	}
}

// errNoLanguage: there is no listing in the language.
var errNoLanguage = fmt.Errorf("ingestion: there is no listing in that language: %w", partnercenter.ErrNotFound)
