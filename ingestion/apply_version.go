package ingestion

import (
	"context"
	"fmt"
	"slices"
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
		if slices.Compare(wanted[:], stored[:]) < 0 {
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
	ok := len(parts) <= len(v)
	for i := 0; ok && i < len(parts); i++ {
		n, err := strconv.ParseUint(parts[i], 10, 64)
		v[i], ok = n, err == nil
	}
	if !ok {
		return v, fmt.Errorf("ingestion: %q is no version: at most four numbers with dots between them, such as 1.2.0.0", text)
	}
	return v, nil
}
