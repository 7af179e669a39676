package ingestion

import (
	"context"
	"fmt"
	"io"
	"os"
)

// uploadFile is content that can be looked at before it is sent.
type uploadFile struct {
	content io.Reader         // what is sent, from where it stands
	at      *io.SectionReader // the same for looking at it
	temp    *os.File          // made for content that can be read only once
}

// openUpload makes content readable at any offset.
func openUpload(content io.Reader) (*uploadFile, error) {
	if content == nil {
		return nil, errNoContent
	}
	if f, ok := content.(*os.File); ok {
		info, err := f.Stat()
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return nil, fmt.Errorf("ingestion: %s is a folder, not a file", f.Name())
		case !info.Mode().IsRegular(): // pipes and devices can be read only once
			return spool(content)
		}
	}
	c, ok := content.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return spool(content)
	}
	start, err := c.Seek(0, io.SeekCurrent)
	if err != nil {
		return spool(content)
	}
	end, err := c.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = c.Seek(start, io.SeekStart)
	}
	if err != nil {
		return nil, fmt.Errorf("ingestion: finding the size of the content: %w", err)
	}
	return &uploadFile{content: content, at: io.NewSectionReader(c, start, max(end-start, 0))}, nil
}

// spool copies content to a temporary file.
func spool(content io.Reader) (*uploadFile, error) {
	temp, err := os.CreateTemp("", "partnercenter-upload-*")
	if err != nil {
		return nil, err
	}
	f := &uploadFile{content: temp, temp: temp}
	n, err := io.Copy(temp, content)
	if err == nil {
		_, err = temp.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.close()
		return nil, fmt.Errorf("ingestion: reading the content: %w", err)
	}
	f.at = io.NewSectionReader(temp, 0, n)
	return f, nil
}

// close removes what openUpload has made.
func (f *uploadFile) close() {
	if f.temp != nil {
		_ = f.temp.Close() // what it held is of no use any more
		_ = os.Remove(f.temp.Name())
	}
}

// checkUpload looks at a file before it is sent.
func checkUpload(ctx context.Context, s slot, f *uploadFile, opts *UploadOptions) error {
	switch {
	case opts != nil && opts.Unchecked:
		return nil
	case f.at.Size() == 0:
		return fmt.Errorf("ingestion: the file %q is empty", *s.name)
	case s.check == nil:
		return nil
	}
	switch err := s.check(ctx, f.at); {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx) // which says nothing of the file
	default:
		return fmt.Errorf("ingestion: the file %q %w; UploadOptions.Unchecked sends it all the same", *s.name, err)
	}
}
