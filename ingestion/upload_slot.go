package ingestion

import (
	"context"
	"io"

	"github.com/partnercenter-go/partnercenter"
)

// slot is where a resource says which file it stands for.
type slot struct {
	name  *string
	link  *partnercenter.Secret
	state *FileState
	// bare: the service is told no state when the resource is made.
	bare bool
	// processed: the file is of use when it has been processed, not before.
	processed bool
	// check looks at the file before it is sent; nil if nothing is known of it.
	check func(context.Context, *io.SectionReader) error
	// items are what the service found in the file.
	items []ValidationItem
}

// slotOf returns the slot of a resource's data, a pointer to one of the types that
// stand for a file. What it points to can be written.
func slotOf(data any) slot {
	switch d := data.(type) {
	case *ListingImage:
		return slot{name: &d.FileName, link: &d.FileSASURI, state: &d.State, check: func(_ context.Context, content *io.SectionReader) error {
			return checkImage(d.Type, content)
		}}
	case *ListingAsset:
		return slot{name: &d.FileName, link: &d.FileSASURI, state: &d.State}
	case *ListingVideo:
		// Its file is its thumbnail. That is copied, since it may be the caller's,
		// whose data is not to be changed.
		var t VideoThumbnail
		if d.Thumbnail != nil {
			t = *d.Thumbnail
		}
		d.Thumbnail = &t
		return slot{name: &t.FileName, link: &t.FileSASURI, state: &t.State}
	case *CosellAsset:
		return slot{name: &d.FileName, link: &d.FileSASURI, state: &d.State}
	case *Package:
		return slot{
			name: &d.FileName, link: &d.FileSASURI, state: &d.State, bare: true, processed: true, items: d.ValidationItems,
			check: func(ctx context.Context, content *io.SectionReader) error { return checkPackage(ctx, d.Type, content) },
		}
	}
	// An Uploader of another type belongs to no client, which is found first.
	return slot{name: new(string), link: new(partnercenter.Secret), state: new(FileState)}
}

// standing is where a file stands, as far as waiting for it goes. States that this
// package does not know are waited out.
func (s slot) standing() partnercenter.State {
	switch *s.state {
	case FileProcessed:
		return partnercenter.Succeeded
	case FileProcessFailed:
		return partnercenter.Failed
	case FileUploaded:
		if !s.processed {
			return partnercenter.Succeeded // it stays so while it is a draft
		}
	case FilePendingUpload, FileInProcessing:
	}
	return partnercenter.Pending
}
