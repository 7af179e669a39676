package ingestion

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// ApplyAppVersion sets the version that the listing of a Business Central app shows,
// such as "23.1.0.0", and nothing else of the property; see [Applied]. A version
// lower than the one that is there is refused, since customers would not get the
// update.
func (p Properties) ApplyAppVersion(ctx context.Context, version string, opts ...partnercenter.CallOption) (Applied[Property], error) {
	wanted, err := parseAppVersion(version)
	if err != nil {
		return Applied[Property]{}, err
	}
	d := drafted[Property]{p.Updater, p.Drafts, ModuleProperty}
	if d.updater.e.err != nil {
		return Applied[Property]{}, d.updater.e.err
	}
	instance, err := d.branches().await(ctx, ModuleProperty, "", opts)
	if err != nil {
		return Applied[Property]{}, err
	}
	read := func() (*Resource[Property], error) {
		r, err := p.Draft(ctx, instance, opts...)
		if err != nil || r.Data.AppVersion == "" {
			return r, err
		}
		stored, err := parseAppVersion(r.Data.AppVersion)
		if err != nil {
			return nil, fmt.Errorf("ingestion: the product's version cannot be compared; set it with Properties.Apply: %w", err)
		}
		if wanted.lower(stored) {
			return nil, fmt.Errorf("ingestion: version %s is lower than %s, which the product has already; raise it, or set it with Properties.Apply", version, r.Data.AppVersion)
		}
		return r, nil
	}
	return d.applyTo(ctx, Property{AppVersion: version}, read, opts)
}

// appVersion is a version of up to four numbers.
type appVersion [4]uint64

func parseAppVersion(text string) (appVersion, error) {
	var v appVersion
	parts := strings.Split(text, ".")
	if len(parts) > len(v) {
		return v, fmt.Errorf("ingestion: %q is no version: at most four numbers with dots between them, such as 1.2.0.0", text)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil {
			return v, fmt.Errorf("ingestion: %q is no version: at most four numbers with dots between them, such as 1.2.0.0", text)
		}
		v[i] = n
	}
	return v, nil
}

func (v appVersion) lower(than appVersion) bool {
	for i, n := range v {
		if n != than[i] {
			return n < than[i]
		}
	}
	return false
}
