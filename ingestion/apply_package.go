package ingestion

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Apply makes content the package of the plan or, when variantID is empty, of the
// product. A package with that very file is looked for, and else uploaded; Apply
// waits until it is processed, and refers to it in the technical configuration in
// place of another package of the same type. Everything else of the configuration
// stays.
//
// It uploads nothing if the store has that very file already, be it that the
// configuration refers to it or that an earlier run was interrupted before it did.
// An upload that was interrupted is taken up again. A configuration that has several
// packages of the type, as those of Business Central may have dependencies, is for
// [PackageConfigurations.Apply]. A Business Central app whose setup says that it is of
// the type [BusinessCentralConnect] has no packages, so that there is an error.
//
// The result is about the package: it is Updated when only the reference was missing.
// Content is read from where it stands.
func (p Packages) Apply(ctx context.Context, variantID string, data Package, content io.ReadSeeker, opts *UploadOptions, calls ...partnercenter.CallOption) (Applied[Package], error) {
	p = p.with(calls)
	file, err := p.look(ctx, data, content, opts)
	if err != nil {
		return Applied[Package]{}, err
	}
	if err := p.refuseConnect(ctx, data.Type); err != nil {
		return Applied[Package]{}, err
	}
	configurations := p.scope().PackageConfigurations()
	instance, err := p.scope().Branches().await(ctx, ModulePackage, variantID, nil)
	if err != nil {
		return Applied[Package]{}, err
	}
	read := func() (*Resource[PackageConfiguration], error) { return configurations.Draft(ctx, instance) }
	configuration, err := read()
	if err != nil {
		return Applied[Package]{}, err
	}
	referred, err := reference(configuration, data.Type)
	if err != nil {
		return Applied[Package]{}, err
	}
	applied, err := p.provide(ctx, file, referred, data, opts)
	if err != nil || strings.EqualFold(applied.Resource.ID, referred) {
		return applied, err
	}
	_, err = modify(once(configuration, read), func(c *Resource[PackageConfiguration]) error {
		return refer(c, data.Type, applied.Resource.ID)
	}, func(c *Resource[PackageConfiguration]) (*Resource[PackageConfiguration], error) {
		return configurations.Update(ctx, c)
	})
	if applied.Action == Unchanged {
		applied.Action = Updated
	}
	applied.Changes = []string{memberReferences}
	return applied, err
}

// refuseConnect refuses packages of Business Central for an app that only connects to
// it.
func (p Packages) refuseConnect(ctx context.Context, kind PackageType) error {
	if !equalAny(string(kind), string(BusinessCentralExtension), string(BusinessCentralLibrary), string(BusinessCentralDependency)) {
		return nil
	}
	setup, err := p.scope().Setup().Get(ctx)
	if err != nil {
		return err
	}
	if equalAny(string(setup.Data.PackageType), string(BusinessCentralConnect)) {
		return errors.New("ingestion: the product's setup says that it is a Connect app, which has no packages; to publish an extension, set ProductSetup.PackageType to BusinessCentralAddOn, or choose another product")
	}
	return nil
}

func (p Packages) with(calls []partnercenter.CallOption) Packages {
	p.Uploader, p.Lister.e, p.Updater.e = p.Uploader.with(calls), p.Lister.e.with(calls), p.Updater.e.with(calls)
	return p
}

func (p Packages) scope() ProductScope {
	e := p.u.e
	return ProductScope{endpoint{client: e.client, path: strings.TrimSuffix(e.path, "/packages"), calls: e.calls}}
}

// provide finds a processed package with the file, or makes one.
func (p Packages) provide(ctx context.Context, file appliedFile, referred string, data Package, opts *UploadOptions) (Applied[Package], error) {
	found, unfinished, err := p.find(ctx, file, referred, data)
	if err != nil {
		return Applied[Package]{}, err
	}
	var up Uploaded[Package]
	switch {
	case found != nil:
		r, err := p.finish(ctx, found, opts)
		return Applied[Package]{Resource: r, Action: Unchanged}, err
	case unfinished != nil:
		unfinished.Data.Type = data.Type
		up, err = p.UploadTo(ctx, unfinished, file.content, opts)
	default:
		up, err = p.Upload(ctx, data, file.content, opts)
	}
	return Applied[Package]{Resource: up.Resource, Action: Created}, err
}

// find looks for a package with the file, the one that is referred to first, and for
// one of the same name whose upload was interrupted.
func (p Packages) find(ctx context.Context, file appliedFile, referred string, data Package) (found, unfinished *Resource[Package], err error) {
	if referred != "" {
		r, err := p.Get(ctx, referred)
		switch {
		case errors.Is(err, partnercenter.ErrNotFound):
		case err != nil:
			return nil, nil, err
		default:
			if same, err := held(ctx, file, p.Uploader, r); err != nil || same {
				return r, nil, err
			}
		}
	}
	for r, err := range p.All(ctx) {
		switch {
		case err != nil && refusal(err):
			return nil, nil, nil // products of some kinds cannot list theirs
		case err != nil:
			return nil, nil, err
		case !equalAny(r.Data.FileName, data.FileName) || strings.EqualFold(r.ID, referred):
			continue
		case equalAny(string(r.Data.State), string(FilePendingUpload)):
			unfinished = r
			continue
		}
		if same, err := held(ctx, file, p.Uploader, r); err != nil || same {
			return r, nil, err
		}
	}
	return nil, unfinished, nil
}

// finish waits for a package that may not be processed yet.
func (p Packages) finish(ctx context.Context, r *Resource[Package], opts *UploadOptions) (*Resource[Package], error) {
	if opts != nil && opts.NoWait {
		return r, nil
	}
	var wait *partnercenter.WaitOptions
	if opts != nil {
		wait = opts.Wait
	}
	return p.processing(r.ID, r).Wait(ctx, wait)
}

// memberReferences is the member of configurations that names their packages.
const memberReferences = "packageReferences"

// references reads the packages of a configuration, whatever its type.
func references(c *Resource[PackageConfiguration]) (document, []json.RawMessage, error) {
	raw, err := c.wire()
	if err != nil {
		return nil, nil, err
	}
	doc, err := parseDocument(raw)
	if err != nil {
		return nil, nil, err
	}
	var items []json.RawMessage
	if text := doc.get(memberReferences); !isNull(text) {
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, nil, fmt.Errorf("ingestion: the configuration's %s is not a list", memberReferences)
		}
	}
	return doc, items, nil
}

func ofType(kind PackageType) func(json.RawMessage) bool {
	return func(item json.RawMessage) bool { return strings.EqualFold(textIn(item, "type"), string(kind)) }
}

// reference returns the id of the package of a type, empty if there is none.
func reference(c *Resource[PackageConfiguration], kind PackageType) (string, error) {
	_, items, err := references(c)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(items, ofType(kind))
	if i < 0 {
		return "", nil
	}
	if slices.ContainsFunc(items[i+1:], ofType(kind)) {
		return "", fmt.Errorf("ingestion: the configuration has several packages of type %s; name them all with PackageConfigurations.Apply", kind)
	}
	return textIn(items[i], "value"), nil
}

// refer replaces the reference to the package of a type, or adds one.
func refer(c *Resource[PackageConfiguration], kind PackageType, id string) error {
	doc, items, err := references(c)
	if err != nil {
		return err
	}
	entry := document{{"type", quote(string(kind))}, {"value", quote(id)}}
	if i := slices.IndexFunc(items, ofType(kind)); i >= 0 {
		if entry, err = parseDocument(items[i]); err != nil {
			return err
		}
		items[i] = entry.set("value", quote(id)).encode()
	} else {
		items = append(items, entry.encode())
	}
	return c.UnmarshalJSON(doc.set(memberReferences, array(items)).encode())
}
