package ingestion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// UploadOptions tunes how a file is uploaded. Zero fields, and a nil pointer, mean
// the defaults; negative numbers turn the thing off.
type UploadOptions struct {
	// BlockSize is how many bytes one request sends, at most 100 MiB. Files that
	// are not larger are sent by one request, others in blocks, of which Parallel+1
	// are held in memory. Files of more than 50,000 blocks get larger ones.
	// Default 5 MiB.
	BlockSize int64
	// Parallel is how many blocks are sent at the same time. Default 4, at least 1.
	Parallel int
	// MaxRetries is how often a request is sent again after the attempts of
	// [partnercenter.RetryOptions] are used up. Default 5.
	MaxRetries int
	// NoResume sends every block, also those that the store has from an earlier,
	// interrupted run.
	NoResume bool
	// Unchecked sends the file without looking into it first.
	Unchecked bool
	// NoWait returns as soon as the service has been told that the file is there.
	// [Uploader.Processing] waits later.
	NoWait bool
	// Wait tunes the wait for the service to look at the file. Default: every 10 s,
	// for 10 min.
	Wait *partnercenter.WaitOptions
	// Progress is called with the bytes that the store has and their total: at the
	// start, at most about ten times a second, and at the end; never twice at the
	// same time. Default: none.
	Progress func(done, total int64)
}

// transfer returns the options that are about sending.
func (o UploadOptions) transfer() *transfer.UploadOptions {
	return &transfer.UploadOptions{
		BlockSize: o.BlockSize, Parallel: o.Parallel, MaxRetries: o.MaxRetries, NoResume: o.NoResume, Progress: o.Progress,
	}
}

// Uploaded is a resource whose file has been uploaded.
type Uploaded[T any] struct {
	// Resource is the resource as the service has it now.
	Resource *Resource[T]
	// Bytes is the size of the file, Resumed how many of them an earlier run had
	// already sent.
	Bytes, Resumed int64
	// SHA256 is the checksum of what was sent.
	SHA256 [32]byte
}

// UploadError is an upload that failed after its resource was made. The resource
// remains: [Uploader.UploadTo] goes on with it, and [Deleter.Delete] removes it.
type UploadError struct {
	// ID is the resource's id.
	ID string
	// Err is what went wrong.
	Err error
}

// Error returns one line.
func (e *UploadError) Error() string {
	return fmt.Sprintf("ingestion: uploading the file of %s: %v", e.ID, e.Err)
}

// Unwrap returns what went wrong.
func (e *UploadError) Unwrap() error { return e.Err }

// Uploader puts files where the service fetches them, for resources that stand for
// a file. The link in the resource's FileSASURI is used exactly as it is, and no
// credentials go with it. When it ends before the file is there, a fresh one is asked
// for.
type Uploader[T any] struct {
	u    Updater[T] // reads with links
	make Creator[T]
}

// uploader returns the verbs of files in a collection. What is read is read with its
// link, for which some collections want to be asked.
func uploader[T any](e endpoint, versioned bool, expand ...Expand) Uploader[T] {
	e.expand = expandQuery(expand)
	plain := e
	plain.expand = ""
	return Uploader[T]{updater[T](e, versioned), Creator[T]{plain}}
}

// Upload makes a resource of data, uploads its file and waits until the service has
// taken it: packages until they are processed and can be referred to, everything else
// until it is known to be there, since images of a draft are not processed.
//
// The file is looked at before anything is sent: logos must be PNG files of their
// size, packages of Azure applications zip archives that can be read to their end.
// Content is read from where it stands. What is neither a file nor can be read at any
// offset, such as the body of an answer, is copied to a temporary file first.
//
// A refused file is a [*FileError] within a [*partnercenter.OperationError], and a
// wait that took too long a [*partnercenter.WaitError]; the upload is not at fault
// then. All errors since the resource was made are an [*UploadError] with its id.
//
// When the process may be killed in the middle, make the resource with
// [Creator.Create], keep its id, and use [Uploader.UploadTo].
func (u Uploader[T]) Upload(ctx context.Context, data T, content io.Reader, opts *UploadOptions, calls ...partnercenter.CallOption) (Uploaded[T], error) {
	if err := u.check(data); err != nil {
		return Uploaded[T]{}, err
	}
	u = u.with(calls)
	file, err := openUpload(content)
	if err != nil {
		return Uploaded[T]{}, err
	}
	defer file.close()
	s := slotOf(&data)
	if err := checkUpload(ctx, s, file, opts); err != nil {
		return Uploaded[T]{}, err
	}
	*s.state = FilePendingUpload
	if s.bare {
		*s.state = ""
	}
	*s.link = partnercenter.Secret{}
	r, err := u.make.Create(ctx, data)
	if err != nil {
		return Uploaded[T]{}, err
	}
	return u.fill(ctx, r, file, opts)
}

// UploadFile is [Uploader.Upload] with the file at path, whose last element is its
// FileName unless data has another.
func (u Uploader[T]) UploadFile(ctx context.Context, data T, path string, opts *UploadOptions, calls ...partnercenter.CallOption) (Uploaded[T], error) {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return Uploaded[T]{}, err
	}
	defer func() { _ = f.Close() }() // it was only read
	if s := slotOf(&data); *s.name == "" {
		*s.name = filepath.Base(path)
	}
	return u.Upload(ctx, data, f, opts, calls...)
}

// UploadTo is [Uploader.Upload] for a resource that is there and has no file yet, as
// [Creator.Create] makes it or an interrupted upload leaves it. Blocks of the same
// content that have arrived are not sent again; blocks of any other content are never
// taken for them. Set the type of a package that was read: the service does not tell
// it.
func (u Uploader[T]) UploadTo(ctx context.Context, r *Resource[T], content io.Reader, opts *UploadOptions, calls ...partnercenter.CallOption) (Uploaded[T], error) {
	if r == nil {
		return Uploaded[T]{}, errNoResource
	}
	if err := checkID("id", r.ID); err != nil {
		return Uploaded[T]{}, err
	}
	if err := u.check(r.Data); err != nil {
		return Uploaded[T]{}, err
	}
	u, r = u.with(calls), new(*r) // the caller keeps what was passed
	file, err := openUpload(content)
	if err != nil {
		return Uploaded[T]{}, err
	}
	defer file.close()
	if err := checkUpload(ctx, slotOf(&r.Data), file, opts); err != nil {
		return Uploaded[T]{}, err
	}
	return u.fill(ctx, r, file, opts)
}

// with returns the verbs whose requests to the API all have more options.
func (u Uploader[T]) with(calls []partnercenter.CallOption) Uploader[T] {
	u.u.e, u.make.e = u.u.e.with(calls), u.make.e.with(calls)
	return u
}

// check finds mistakes before anything is read or sent.
func (u Uploader[T]) check(data T) error {
	if err := u.u.e.usable(); err != nil {
		return err
	}
	if c, ok := any(data).(checked); ok {
		return c.check()
	}
	return nil
}

var (
	errNoLink     = errors.New("ingestion: the service gives no link to the file of this resource; for an upload, make another one")
	errNoResource = errors.New("ingestion: the resource is nil")
	errNoContent  = errors.New("ingestion: there is no file: the content is nil")
	errNoClient   = errors.New("ingestion: this handle belongs to no client; get it from Client.Product or Client.Products")
)

// fill uploads the file of a resource, says so, and waits.
func (u Uploader[T]) fill(ctx context.Context, r *Resource[T], file *uploadFile, opts *UploadOptions) (Uploaded[T], error) {
	var o UploadOptions
	if opts != nil {
		o = *opts
	}
	failed := func(err error) (Uploaded[T], error) { return Uploaded[T]{}, &UploadError{ID: r.ID, Err: err} }
	links := u.links(r)
	sent, err := transfer.Upload(ctx, u.target(links), file.content, o.transfer())
	if err != nil {
		return failed(err)
	}
	stored, err := u.declare(ctx, r, links.last)
	if err != nil {
		return failed(err)
	}
	if !o.NoWait {
		if stored, err = u.await(ctx, stored, o.Wait); err != nil {
			return failed(err)
		}
	}
	return Uploaded[T]{Resource: stored, Bytes: sent.Bytes, Resumed: sent.Resumed, SHA256: sent.SHA256}, nil
}

// declare tells the service that the file is there. The resource goes back as it
// came, with the link that was used.
func (u Uploader[T]) declare(ctx context.Context, r *Resource[T], link partnercenter.Secret) (*Resource[T], error) {
	kind := packageTypeOf(r)
	say := func(r *Resource[T]) {
		s := slotOf(&r.Data)
		*s.state, *s.link = FileUploaded, link
		setPackageType(r, kind)
	}
	say(r)
	stored, err := u.u.Update(ctx, r)
	if errors.Is(err, partnercenter.ErrConflict) {
		// Somebody has changed it, perhaps this very request, whose answer got lost.
		stored, err = u.u.Modify(ctx, r.ID, func(r *Resource[T]) error {
			if state := *slotOf(&r.Data).state; state == FilePendingUpload || state == "" {
				say(r)
			}
			return nil
		})
	}
	if err == nil {
		setPackageType(stored, kind)
	}
	return stored, err
}

func (u Uploader[T]) links(r *Resource[T]) *uploadLinks[T] {
	return &uploadLinks[T]{u: u.u, id: r.ID, last: *slotOf(&r.Data).link}
}

func (u Uploader[T]) target(links *uploadLinks[T]) transfer.Target {
	return transfer.Target{Doer: u.u.e.client.api.Blob(), Link: links.next}
}

// uploadLinks hands out the links of a resource.
type uploadLinks[T any] struct {
	u    Updater[T]
	id   string
	last partnercenter.Secret
}

// next returns the link that came with the resource, and asks for another one when
// that no longer works. It is never called concurrently.
func (l *uploadLinks[T]) next(ctx context.Context, stale partnercenter.Secret) (partnercenter.Secret, error) {
	if !l.last.IsZero() && stale.IsZero() {
		return l.last, nil
	}
	r, err := l.u.Get(ctx, l.id)
	if err != nil {
		return partnercenter.Secret{}, err
	}
	link := *slotOf(&r.Data).link
	if link.IsZero() {
		return partnercenter.Secret{}, errNoLink
	}
	l.last = link
	return link, nil
}
