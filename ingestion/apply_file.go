package ingestion

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/partnercenter-go/partnercenter"
)

// Apply makes content the file of the picture, video or document that data
// describes, and sets what else data says of it; see [Applied]. It uploads nothing
// if the store has that very file already.
//
// Of each kind of logo a listing has one, which is replaced. Everything else is told
// apart by its type and file name. A file that is to be replaced is removed first,
// after the new one was looked at, as [Uploader.Upload] does. An upload that was
// interrupted is taken up again.
//
// Content is read from where it stands.
func (m Media[T]) Apply(ctx context.Context, data T, content io.ReadSeeker, opts *UploadOptions, calls ...partnercenter.CallOption) (Applied[T], error) {
	m = m.with(calls)
	file, err := m.look(ctx, data, content, opts)
	if err != nil {
		return Applied[T]{}, err
	}
	s := slotOf(&data)
	*s.state, *s.link = "", partnercenter.Secret{} // these are the service's to say
	var old []*Resource[T]
	for r, err := range (Lister[*Resource[T]]{m.u.e}).All(ctx) { // with links
		if err != nil {
			return Applied[T]{}, err
		}
		if sameThing(any(&r.Data), any(&data)) {
			old = append(old, r)
		}
	}
	for i, r := range old {
		same, err := held(ctx, file, m.Uploader, r)
		if err != nil {
			return Applied[T]{}, err
		}
		if same {
			if err := m.removeAll(ctx, append(old[:i:i], old[i+1:]...)); err != nil {
				return Applied[T]{}, err
			}
			applied, err := m.describe(ctx, data, r)
			if err == nil && len(old) > 1 {
				applied.Action = Updated
			}
			return applied, err
		}
	}
	action := Created
	if len(old) > 0 {
		action = Updated
	}
	if len(old) == 1 && equalAny(string(*slotOf(&old[0].Data).state), string(FilePendingUpload)) {
		up, err := m.UploadTo(ctx, old[0], content, opts)
		if err != nil {
			return Applied[T]{}, err
		}
		applied, err := m.describe(ctx, data, up.Resource) // it may have been made with other words
		if err == nil {
			applied.Action = action
		}
		return applied, err
	}
	if err := m.removeAll(ctx, old); err != nil {
		return Applied[T]{}, err
	}
	up, err := m.Upload(ctx, data, content, opts)
	return Applied[T]{Resource: up.Resource, Action: action}, err
}

func (m Media[T]) with(calls []partnercenter.CallOption) Media[T] {
	m.Uploader, m.Deleter.e = m.Uploader.with(calls), m.Deleter.e.with(calls)
	return m
}

// describe sets what data says of r besides its file.
func (m Media[T]) describe(ctx context.Context, data T, r *Resource[T]) (Applied[T], error) {
	return applyTo(data, once(r, func() (*Resource[T], error) { return m.u.Get(ctx, r.ID) }),
		func(r *Resource[T]) (*Resource[T], error) { return m.u.Update(ctx, r) })
}

func (m Media[T]) removeAll(ctx context.Context, list []*Resource[T]) error {
	for _, r := range list {
		if err := m.DeleteIfExists(ctx, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// sameThing reports whether one takes the place of the other.
func sameThing(stored, wanted any) bool {
	if a, ok := stored.(*ListingImage); ok {
		b, _ := wanted.(*ListingImage)
		if _, _, logo := b.Type.size(); logo || !equalAny(string(a.Type), string(b.Type)) {
			return equalAny(string(a.Type), string(b.Type))
		}
	}
	if a, ok := stored.(*ListingAsset); ok {
		b, _ := wanted.(*ListingAsset)
		if !equalAny(a.Type, b.Type) {
			return false
		}
	}
	if a, ok := stored.(*ListingVideo); ok {
		b, _ := wanted.(*ListingVideo)
		return a.StreamingURI == b.StreamingURI
	}
	return equalAny(*slotOf(stored).name, *slotOf(wanted).name)
}

// appliedFile is content that is compared with what is stored.
type appliedFile struct {
	content io.ReadSeeker
	start   int64
}

// look checks what an upload would check, before anything is removed for it.
func (u Uploader[T]) look(ctx context.Context, data T, content io.ReadSeeker, opts *UploadOptions) (appliedFile, error) {
	if content == nil {
		return appliedFile{}, errNoContent
	}
	if err := u.check(data); err != nil {
		return appliedFile{}, err
	}
	start, err := content.Seek(0, io.SeekCurrent)
	if err != nil {
		return appliedFile{}, fmt.Errorf("ingestion: the content: %w", err)
	}
	f := appliedFile{content, start}
	file, err := openUpload(content)
	if err != nil {
		return f, err
	}
	defer file.close()
	if err := checkUpload(ctx, slotOf(&data), file, opts); err != nil {
		return f, err
	}
	return f, f.rewind()
}

func (f appliedFile) rewind() error {
	if _, err := f.content.Seek(f.start, io.SeekStart); err != nil {
		return fmt.Errorf("ingestion: the content: %w", err)
	}
	return nil
}

// held reports whether a resource has the file, and the service knows that.
func held[T any](ctx context.Context, f appliedFile, u Uploader[T], r *Resource[T]) (bool, error) {
	switch *slotOf(&r.Data).state {
	case FilePendingUpload, FileProcessFailed:
		return false, nil
	default:
	}
	same, err := u.Holds(ctx, r, f.content)
	return same, errors.Join(err, f.rewind())
}
