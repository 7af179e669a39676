package ingestion

import (
	"slices"
	"strings"
	"time"
)

// product is an offer with all that belongs to it. The exported fields of this and
// the following types are what a snapshot keeps.
type product struct {
	ID          string        `json:"id"`
	Offer       string        `json:"offer"` // the offer id
	Place       int64         `json:"place"` // in storage order
	Body        object        `json:"body"`
	Setup       object        `json:"setup"`
	Lead        object        `json:"-"` // it may hold secrets
	Reseller    object        `json:"reseller"`
	Branches    []*branch     `json:"branches"`
	Items       []*item       `json:"items"`
	Submissions []*submission `json:"submissions"`
	Releases    int           `json:"releases"`
}

// branch is the draft of one module, of the product or of one plan.
type branch struct {
	Module   string    `json:"module"`
	Variant  string    `json:"variant"`
	Instance string    `json:"instance"`
	Visible  time.Time `json:"visible"` // from when on it is listed
}

// item is a resource that has an id within the product.
type item struct {
	Collection string    `json:"collection"`
	ID         string    `json:"id"`
	Module     string    `json:"module"`  // whose draft it is part of
	Variant    string    `json:"variant"` // of which plan
	Parent     string    `json:"parent"`  // the listing of media
	Body       object    `json:"body"`
	ETag       string    `json:"etag"`
	Visible    time.Time `json:"visible"`
	File       string    `json:"file"` // its path in the blob store
	Upload     *upload   `json:"upload"`
	MovedTo    string    `json:"movedTo"`
}

// upload is what happens to a package after its file was declared to be there.
type upload struct {
	Begins time.Time `json:"begins"`
	Ends   time.Time `json:"ends"`
	State  string    `json:"state"` // in the end
	Items  []object  `json:"items"` // its validation items
}

// show returns the resource as an answer holds it.
func (i *item) show() object {
	out := i.Body.clone()
	if i.ETag != "" {
		out.set("@odata.etag", i.ETag)
	}
	out.set("id", i.ID)
	return out
}

// showAs puts the id behind the members of an object.
func showAs(body object, id string) object {
	out := body.clone()
	out.set("id", id)
	return out
}

func (p *product) kind() string { return p.Body.text("resourceType") }

// offerIDOf is the offer id of a product's description, empty if it has none.
func offerIDOf(body object) string {
	for _, id := range body.objects("externalIDs") {
		if strings.EqualFold(id.text("type"), "AzureOfferId") {
			return id.text("value")
		}
	}
	return ""
}

// find returns an item that is visible now.
func (p *product) find(collection, id string, now time.Time) *item {
	for _, i := range p.Items {
		if i.Collection == collection && strings.EqualFold(i.ID, id) && !now.Before(i.Visible) {
			return i
		}
	}
	return nil
}

// list returns the items of a collection that are visible now and pass the test.
func (p *product) list(collection string, now time.Time, keep func(*item) bool) []*item {
	var out []*item
	for _, i := range p.Items {
		if i.Collection == collection && !now.Before(i.Visible) && (keep == nil || keep(i)) {
			out = append(out, i)
		}
	}
	return out
}

// drop removes an item and what lies below it.
func (p *product) drop(gone *item) {
	p.Items = slices.DeleteFunc(p.Items, func(i *item) bool {
		return i == gone || gone.Collection == "listings" && i.Parent == gone.ID
	})
}

// branchOf returns the branch with the instance id, nil if there is none now.
func (p *product) branchOf(instance string, now time.Time) *branch {
	for _, b := range p.Branches {
		if strings.EqualFold(b.Instance, instance) && !now.Before(b.Visible) {
			return b
		}
	}
	return nil
}

// branch returns the branch of a module and a plan, "" for the product's own.
func (p *product) branch(module, variant string) *branch {
	for _, b := range p.Branches {
		if b.Module == module && b.Variant == variant {
			return b
		}
	}
	return nil
}
