package ingestion

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// SetUsageID copies the archive of an Azure application to dst and on the way puts
// the product's id into its customer usage id: in mainTemplate.json, every text
// "pid-...-partnercenter" becomes "pid-<productID>-partnercenter", whatever its
// middle is. By that id Azure attributes to the product what customers deploy; the
// service refuses packages of managed applications without one.
//
// It returns how many such texts there are. If none needs to be changed, the copy is
// the archive to the byte. The same archive and id give the same copy, so that
// [Packages.Apply] finds what an earlier run has uploaded. Nothing but mainTemplate.json,
// at the root of the archive, is unpacked.
//
// https://learn.microsoft.com/partner-center/marketplace-offers/azure-partner-customer-usage-attribution
func SetUsageID(dst io.Writer, archive io.ReaderAt, size int64, productID string) (int, error) {
	if dst == nil || archive == nil {
		return 0, errors.New("ingestion: usage id: there is no archive to read, or nothing to write it to")
	}
	if err := checkID("product id", productID); err != nil {
		return 0, err
	}
	if strings.ContainsAny(productID, `"'`) { // it would break the template
		return 0, fmt.Errorf("ingestion: usage id: %q cannot be the product id; pass it as the service gives it", productID)
	}
	r, err := zip.NewReader(archive, size)
	if err != nil {
		return 0, fmt.Errorf("ingestion: usage id: the package is no zip archive: %w", err)
	}
	pattern := usageID()
	found, changed := 0, make(map[*zip.File][]byte)
	for _, f := range r.File {
		if !strings.EqualFold(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), mainTemplate) {
			continue
		}
		before, err := readTemplate(f)
		if err != nil {
			return 0, fmt.Errorf("ingestion: usage id: %s: %w", f.Name, err)
		}
		found += len(pattern.FindAllIndex(before, -1))
		if after := pattern.ReplaceAllLiteral(before, []byte("pid-"+productID+"-partnercenter")); !bytes.Equal(before, after) {
			changed[f] = after
		}
	}
	if len(changed) == 0 {
		_, err = io.Copy(dst, io.NewSectionReader(archive, 0, size))
	} else {
		err = rewrite(dst, r, changed)
	}
	if err != nil {
		return 0, fmt.Errorf("ingestion: usage id: writing the archive: %w", err)
	}
	return found, nil
}

const (
	// mainTemplate is the entry that Azure deploys.
	mainTemplate = "mainTemplate.json"
	// maxTemplate is more than the 4 MB that Azure takes.
	maxTemplate = 32 << 20
)

// usageID matches what is between two quotes or blanks at most.
func usageID() *regexp.Regexp { return regexp.MustCompile(`pid-[^"'\s]*?-partnercenter`) }

func readTemplate(f *zip.File) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(r, maxTemplate+1))
	if err == nil && len(text) > maxTemplate {
		err = fmt.Errorf("it is larger than %d bytes; Azure takes 4 MB", maxTemplate)
	}
	return text, err
}

// rewrite copies an archive with some of its entries changed, the others as they are.
func rewrite(dst io.Writer, r *zip.Reader, changed map[*zip.File][]byte) error {
	w := zip.NewWriter(dst)
	for _, f := range r.File {
		text, ok := changed[f]
		if !ok {
			if err := w.Copy(f); err != nil {
				return err
			}
			continue
		}
		header := f.FileHeader
		header.Extra = nil // the writer adds the time again
		entry, err := w.CreateHeader(&header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(text); err != nil {
			return err
		}
	}
	if err := w.SetComment(r.Comment); err != nil {
		return err
	}
	return w.Close()
}
