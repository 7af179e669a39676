package ingestion

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// checkPackage says what the service would not accept of a package. Those of Azure
// applications are zip archives; those of Business Central have a format of their
// own, so that nothing is said about them.
func checkPackage(ctx context.Context, kind PackageType, content *io.SectionReader) error {
	if kind != ApplicationPackage {
		return nil
	}
	archive, err := zip.NewReader(content, content.Size())
	if err != nil {
		return fmt.Errorf("is no zip archive, as the package of an Azure application must be: %w", err)
	}
	files := 0
	for _, f := range archive.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		if err := checkEntry(ctx, f); err != nil {
			return fmt.Errorf("is a zip archive whose entry %q cannot be read: %w", f.Name, err)
		}
		files++
	}
	if files == 0 {
		return errors.New("is a zip archive without a file in it")
	}
	return nil
}

// checkEntry reads an entry to its end, where its checksum is compared.
func checkEntry(ctx context.Context, f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }() // it was only read
	_, err = io.Copy(io.Discard, untilDone{ctx, r})
	return err
}

// untilDone reads until its context has ended: an entry can be as large as it likes.
type untilDone struct {
	ctx  context.Context //nolint:containedctx // for the time of one copy
	from io.Reader
}

// Read implements [io.Reader].
func (r untilDone) Read(p []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.from.Read(p)
}

// packageTypeOf is the type of a package, empty for everything else. The service
// does not tell it when a package is read, but wants it when it is written.
func packageTypeOf[T any](r *Resource[T]) PackageType {
	if p, ok := any(&r.Data).(*Package); ok {
		return p.Type
	}
	return ""
}

func setPackageType[T any](r *Resource[T], kind PackageType) {
	if p, ok := any(&r.Data).(*Package); ok && kind != "" {
		p.Type = kind
	}
}
