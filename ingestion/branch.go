package ingestion

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Module is a part of a product, or of a plan, that has drafts of its own. More
// modules may appear.
type Module string

// Modules of products and plans.
const (
	// ModuleListing is the texts, pictures and contacts.
	ModuleListing Module = "Listing"
	// ModuleProperty is categories and legal terms.
	ModuleProperty Module = "Property"
	// ModulePackage is the technical configuration.
	ModulePackage Module = "Package"
	// ModuleAvailability is audiences, markets and prices.
	ModuleAvailability Module = "Availability"
	// ModuleSupplementalContent is material for certification.
	ModuleSupplementalContent Module = "SupplementalContent"
	// ModuleCosell is material for co-selling.
	ModuleCosell Module = "Cosell"
	// ModuleResellerConfiguration is which resellers may sell. The published
	// schema does not list it.
	ModuleResellerConfiguration Module = "ResellerConfiguration"
	// ModuleAgeRating is for products of the Store. The published schema does not
	// list it.
	ModuleAgeRating Module = "AgeRating"
)

// Branch leads from a module of a product or plan to its current draft.
type Branch struct {
	Object

	// FriendlyName is "Main" as far as has been seen.
	FriendlyName string `json:"friendlyName,omitzero"`
	// Type is the kind of branch.
	Type BranchType `json:"type,omitzero"`
	// Module is the module that the draft is of.
	Module Module `json:"module,omitzero"`
	// CurrentDraftInstanceID is the id of the draft, an opaque text. It changes
	// with every submission, so look it up each time.
	CurrentDraftInstanceID string `json:"currentDraftInstanceID,omitzero"`
	// VariantID is the plan that the draft belongs to; empty for the product's own.
	VariantID string `json:"variantID,omitzero"`
}

func (Branch) resourceType() string { return "Branch" }

// BranchType is the kind of a branch. More kinds may appear.
type BranchType string

// Kinds of branches.
const (
	// BranchMain is the usual kind.
	BranchMain BranchType = "Main"
	// BranchPrivate is the other kind.
	BranchPrivate BranchType = "Private"
)

// Branches looks up drafts.
//
//pc:operation GET /products/{productID}/branches/getByModule(module={module})
type Branches struct{ e endpoint }

// Branches returns the product's branches.
func (p ProductScope) Branches() Branches { return Branches{p.at("branches")} }

// All lists the drafts of a module: the product's own, those of its plans and, of
// older products, that of the plan "testdrive". An error is the last thing yielded.
func (b Branches) All(ctx context.Context, module Module, opts ...partnercenter.CallOption) iter.Seq2[Branch, error] {
	return all(func(next string) (partnercenter.Page[Branch], error) { return b.Page(ctx, module, next, opts...) })
}

// Page fetches one page: the first one when next is empty, else the one that the
// page before it names.
func (b Branches) Page(ctx context.Context, module Module, next string, opts ...partnercenter.CallOption) (partnercenter.Page[Branch], error) {
	path, err := b.e.function("getByModule", "module", string(module))
	if err != nil {
		return partnercenter.Page[Branch]{}, err
	}
	return page[Branch](ctx, b.e, path, "", next, opts)
}

// Draft returns the id of the current draft of a module of a plan or, when
// variantID is empty, of the product itself. If there is none, which is usual for
// some seconds after a plan was made, the error matches
// [partnercenter.ErrNotFound].
func (b Branches) Draft(ctx context.Context, module Module, variantID string, opts ...partnercenter.CallOption) (string, error) {
	for branch, err := range b.All(ctx, module, opts...) {
		if err != nil {
			return "", err
		}
		if strings.EqualFold(branch.VariantID, variantID) && branch.CurrentDraftInstanceID != "" &&
			!strings.EqualFold(string(branch.Type), string(BranchPrivate)) {
			return branch.CurrentDraftInstanceID, nil
		}
	}
	owner := "the product"
	if variantID != "" {
		owner = fmt.Sprintf("plan %q", variantID)
	}
	return "", fmt.Errorf("ingestion: %s has no draft of module %s: %w", owner, module, partnercenter.ErrNotFound)
}
