package ingestion

import "strings"

// ProductScope is everything that belongs to one product. It costs nothing to
// make and sends no request; a mistake in the product's id comes to light when a
// verb is called.
type ProductScope struct{ e endpoint }

// Product returns what belongs to the product with the given id, which is the
// GUID of [Resource.ID] and not the offer id; see [Products.ByOfferID].
func (c *Client) Product(productID string) ProductScope {
	path, err := c.products().item("product id", productID)
	return ProductScope{endpoint{client: c, path: path, err: err}}
}

func (c *Client) products() endpoint { return endpoint{client: c, path: "/ingestion/products"} }

// at returns the endpoint of a collection of the product.
func (p ProductScope) at(collection string, expand ...Expand) endpoint {
	e := p.e
	e.path += "/" + collection
	e.expand = expandQuery(expand)
	return e
}

// drafts returns the function getByInstanceID of a collection. The published paths
// spell some collections in two ways; the service accepts either.
func drafts[E any](p ProductScope, collection string, expand ...Expand) Drafts[E] {
	e := p.at(collection, expand...)
	return Drafts[E]{e, e.path, p}
}

// updater returns the verbs Get, Update and Modify of a collection.
func updater[T any](e endpoint, versioned bool) Updater[T] {
	return Updater[T]{Getter: Getter[*Resource[T]]{e}, versioned: versioned}
}

// lastSegment is the id at the end of a Location header.
func lastSegment(location string) string {
	location, _, _ = strings.Cut(location, "?")
	location = strings.TrimRight(location, "/")
	return location[strings.LastIndexByte(location, '/')+1:]
}
