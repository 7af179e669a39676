package ingestion_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// pngOf is a PNG file of the given size.
func pngOf(tb testing.TB, width, height int) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, width, height))); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// zipOf is an archive with one file of n bytes, stored as they are.
func zipOf(tb testing.TB, n int) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create("nested/"); err != nil {
		tb.Fatal(err)
	}
	w, err := z.CreateHeader(&zip.FileHeader{Name: "mainTemplate.json", Method: zip.Store})
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(bytes.Repeat([]byte("0123456789abcdef"), n/16)); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// uploadStage is a fake with an offer that has a listing.
type uploadStage struct {
	*pctest.Server

	offer   ingestion.ProductScope
	product string
	listing string
	log     bytes.Buffer
}

func newUploadStage(t *testing.T, opts ...pctest.Option) *uploadStage {
	t.Helper()
	s := &uploadStage{Server: pctest.NewServer(t, opts...)}
	product, err := s.Ingestion().AddProduct(pctest.Product{Type: "AzureApplication", OfferID: "my-offer"})
	if err != nil {
		t.Fatal(err)
	}
	s.product = product.ID
	options := s.Options()
	options.Logger = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := ingestion.New(s.AppOnlyTokenSource(), options)
	if err != nil {
		t.Fatal(err)
	}
	s.offer = client.Product(product.ID)
	instance, err := s.offer.Branches().Draft(t.Context(), ingestion.ModuleListing, "")
	if err != nil {
		t.Fatal(err)
	}
	listing, err := s.offer.Listings().Draft(t.Context(), instance)
	if err != nil {
		t.Fatal(err)
	}
	s.listing = listing.ID
	s.ForgetRequests()
	return s
}

// said returns the requests since the stage was built, without ids.
func (s *uploadStage) said() []string {
	var out []string
	for _, r := range s.Requests().Where(func(r pctest.Request) bool { return r.Service != "login" }) {
		path := strings.TrimPrefix(r.Path, "/v1.0/ingestion/products/"+s.product)
		if i := strings.LastIndexAny(path, "/"); i > 0 {
			last := path[i+1:]
			if strings.ContainsAny(last, "0123456789") {
				path = path[:i] + "/{id}"
			}
		}
		path = strings.Replace(path, "/listings/"+s.listing, "", 1)
		if comp := r.Query.Get("comp"); comp != "" {
			path += "?" + comp
		}
		if r.Service == "blob" && r.Bearer {
			path += " with a token"
		}
		out = append(out, r.Method+" "+path)
	}
	return out
}

func TestImagesAreUploaded(t *testing.T) {
	for kind, size := range map[ingestion.ImageType][2]int{
		ingestion.LogoSmall: {48, 48}, ingestion.LogoMedium: {90, 90}, ingestion.LogoLarge: {216, 216}, ingestion.LogoWide: {255, 115},
		ingestion.Screenshot: {1280, 720},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newUploadStage(t)
			data := pngOf(t, size[0], size[1])
			began := time.Now()
			up, err := s.offer.Images(s.listing).Upload(t.Context(), ingestion.ListingImage{Type: kind, FileName: "logo.png", Order: 3, Description: "us"}, bytes.NewReader(data), nil)
			if err != nil {
				t.Fatal(err)
			}
			image := up.Resource.Data
			if up.Bytes != int64(len(data)) || up.SHA256 != sha256.Sum256(data) || up.Resumed != 0 || up.Resource.ETag == "" ||
				image.State != ingestion.FileUploaded || image.Type != kind || image.Order != 3 || image.Description != "us" {
				t.Errorf("%s: %+v %+v", kind, up, image)
			}
			// Images of drafts are not processed: nothing is waited for.
			want := []string{"POST /images", "PUT /file/{id}", "PUT /images/{id}"}
			if diff := cmp.Diff(want, s.said()); diff != "" || time.Since(began) > time.Second {
				t.Errorf("%s: after %v (-want +got):\n%s", kind, time.Since(began), diff)
			}
			if v := s.Violations(); len(v) > 0 {
				t.Error(v)
			}
		})
	}
}

func TestPackagesAreUploadedAndProcessed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t)
		data := zipOf(t, 100_000)
		path := filepath.Join(t.TempDir(), "app.zip")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var done []int64
		began := time.Now()
		up, err := s.offer.Packages().UploadFile(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage}, path, &ingestion.UploadOptions{
			BlockSize: 30_000, Progress: func(n, total int64) {
				if done = append(done, n); total != int64(len(data)) {
					t.Errorf("total %d", total)
				}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := up.Resource.Data
		if p.State != ingestion.FileProcessed || p.FileName != "app.zip" || p.Type != ingestion.ApplicationPackage || up.SHA256 != sha256.Sum256(data) {
			t.Errorf("%+v", p)
		}
		if done[0] != 0 || done[len(done)-1] != int64(len(data)) {
			t.Errorf("progress %d", done)
		}
		// The fake takes a minute, asked every ten seconds.
		if took := time.Since(began); took < 54*time.Second || took > 77*time.Second {
			t.Errorf("took %v", took)
		}
		want := []string{"POST /packages", "GET /file/{id}?blocklist"}
		for range 4 {
			want = append(want, "PUT /file/{id}?block")
		}
		want = append(want, "PUT /file/{id}?blocklist", "PUT /packages/{id}")
		got := s.said()
		for len(got) > 0 && got[len(got)-1] == "GET /packages/{id}" {
			got = got[:len(got)-1]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		if strings.Contains(s.log.String(), "sig=") || !strings.Contains(s.log.String(), "/file/") {
			t.Errorf("the log shows a signature, or nothing:\n%s", &s.log)
		}
	})
}

func TestFilesOfEveryKindAreUploaded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t)
		pdf := strings.NewReader("%PDF-1.7")
		asset, err := s.offer.Assets(s.listing).Upload(t.Context(), ingestion.ListingAsset{FileName: "guide.pdf", Type: "Document"}, pdf, nil)
		if err != nil || asset.Resource.Data.State != ingestion.FileUploaded {
			t.Errorf("asset: %+v %v", asset, err)
		}
		cosell, err := s.offer.CosellAssets().Upload(t.Context(), ingestion.CosellAsset{FileName: "deck.pdf", Type: "SolutionOnePager"}, strings.NewReader("%PDF"), nil)
		if err != nil || cosell.Resource.Data.State != ingestion.FileUploaded {
			t.Errorf("co-sell: %+v %v", cosell, err)
		}
		thumb := &ingestion.VideoThumbnail{Title: "Watch"}
		video, err := s.offer.Videos(s.listing).UploadFile(t.Context(), ingestion.ListingVideo{StreamingURI: "https://video.example/1", Thumbnail: thumb}, write(t, "thumb.png", pngOf(t, 9, 9)), nil)
		if err != nil || video.Resource.Data.Thumbnail.State != ingestion.FileUploaded || video.Resource.Data.Thumbnail.FileName != "thumb.png" || video.Resource.Data.Thumbnail.Title != "Watch" {
			t.Errorf("video: %+v %v", video, err)
		}
		if thumb.FileName != "" || thumb.State != "" {
			t.Errorf("the caller's own data was changed: %+v", thumb)
		}
		app, err := s.offer.Packages().Upload(t.Context(), ingestion.Package{Type: ingestion.BusinessCentralExtension, FileName: "main.app"}, strings.NewReader("NAVX and so on"), nil)
		if err != nil || app.Resource.Data.State != ingestion.FileProcessed {
			t.Errorf("app: %+v %v", app, err)
		}
	})
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFilesAreCheckedBeforeAnythingIsSent(t *testing.T) {
	s := newUploadStage(t)
	archive, logo := zipOf(t, 16_000), pngOf(t, 48, 48)
	flipped := bytes.Clone(archive)
	flipped[5000]++
	var hollow bytes.Buffer
	if err := zip.NewWriter(&hollow).Close(); err != nil {
		t.Fatal(err)
	}
	upload := map[string]func(io.Reader, *ingestion.UploadOptions) error{
		"image": func(r io.Reader, o *ingestion.UploadOptions) error {
			_, err := s.offer.Images(s.listing).Upload(t.Context(), ingestion.ListingImage{Type: ingestion.LogoSmall, FileName: "a.png"}, r, o)
			return err
		},
		"package": func(r io.Reader, o *ingestion.UploadOptions) error {
			_, err := s.offer.Packages().Upload(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"}, r, o)
			return err
		},
	}
	for name, c := range map[string]struct {
		kind    string
		content io.Reader
		text    string
	}{
		"logo of another size": {"image", bytes.NewReader(pngOf(t, 48, 47)), `"a.png" has 48 x 47 pixels; AzureLogoSmall must have 48 x 48`},
		"logo that is no PNG":  {"image", strings.NewReader("GIF89a"), `"a.png" is no PNG file`},
		"cut logo":             {"image", bytes.NewReader(logo[:len(logo)-20]), "cannot be read to its end"},
		"empty logo":           {"image", strings.NewReader(""), `"a.png" is empty`},
		"no content":           {"image", nil, "the content is nil"},
		"broken content":       {"image", iotest.ErrReader(io.ErrClosedPipe), "reading the content"},
		"no archive":           {"package", strings.NewReader("PK, perhaps"), `"a.zip" is no zip archive`},
		"cut archive":          {"package", bytes.NewReader(archive[:len(archive)-10]), "is no zip archive"},
		"damaged archive":      {"package", bytes.NewReader(flipped), `entry "mainTemplate.json" cannot be read`},
		"hollow archive":       {"package", &hollow, "without a file"},
		"empty archive":        {"package", bytes.NewReader(nil), "is empty"},
	} {
		if err := upload[c.kind](c.content, nil); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	images := s.offer.Images(s.listing)
	fill := func(r *ingestion.Resource[ingestion.ListingImage]) error {
		_, err := images.UploadTo(t.Context(), r, bytes.NewReader(logo), nil)
		return err
	}
	folder, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = folder.Close() }()
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"nil resource":    {fill(nil), "resource is nil"},
		"no id":           {fill(&ingestion.Resource[ingestion.ListingImage]{}), "id is empty"},
		"no type":         {fill(&ingestion.Resource[ingestion.ListingImage]{ID: "1"}), "needs FileName and Type"},
		"wrong product":   {second(ingestion.Media[ingestion.ListingImage]{}.Upload(t.Context(), ingestion.ListingImage{Type: "x", FileName: "x"}, folder, nil)), "belongs to no client"},
		"bad listing id":  {second(s.offer.Images("a/b").Upload(t.Context(), ingestion.ListingImage{Type: "x", FileName: "x"}, folder, nil)), "listing id"},
		"folder":          {second(images.Upload(t.Context(), ingestion.ListingImage{Type: "x", FileName: "x"}, folder, nil)), "is a folder"},
		"no such file":    {second(images.UploadFile(t.Context(), ingestion.ListingImage{Type: "x"}, "nowhere.png", nil)), "nowhere.png"},
		"package, no typ": {second(s.offer.Packages().Upload(t.Context(), ingestion.Package{FileName: "x"}, folder, nil)), "needs Type"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.text) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if got := s.said(); len(got) > 0 {
		t.Errorf("requests were sent: %q", got)
	}

	// Whoever knows better can send it all the same.
	err = upload["image"](bytes.NewReader(pngOf(t, 48, 47)), &ingestion.UploadOptions{Unchecked: true})
	refused, ok := errors.AsType[*ingestion.FileError](err)
	if !ok || refused.State != ingestion.FileProcessFailed || refused.FileName != "a.png" {
		t.Errorf("unchecked: %v", err)
	}
}

// interrupting is content during whose first entry the caller gives up.
type interrupting struct {
	*bytes.Reader

	giveUp func()
	after  int // bytes read since
}

func (c *interrupting) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.Reader.ReadAt(p, off)
	if c.after > 0 || off < 1000 { // the directory is at the end
		c.giveUp()
		c.after += n
	}
	return n, err
}

// A check of a large file ends with its context, and says nothing of the file then.
func TestChecksEndWithTheirContext(t *testing.T) {
	t.Parallel()
	s := newUploadStage(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	content := &interrupting{Reader: bytes.NewReader(zipOf(t, 4<<20)), giveUp: func() { cancel(io.ErrNoProgress) }}
	_, err := s.offer.Packages().Upload(ctx, ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "a.zip"}, content, nil)
	if !errors.Is(err, io.ErrNoProgress) || strings.Contains(err.Error(), "Unchecked") || content.after == 0 || content.after > 1<<20 {
		t.Errorf("%v, and %d bytes were read after the end", err, content.after)
	}
	if got := s.said(); len(got) > 0 {
		t.Errorf("requests were sent: %q", got)
	}
}

func second[T any](_ T, err error) error { return err }

func TestContentThatCanBeReadOnceIsChecked(t *testing.T) {
	s := newUploadStage(t)
	logo := pngOf(t, 48, 48)
	data := ingestion.ListingImage{Type: ingestion.LogoSmall, FileName: "a.png"}
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Setenv("TMP", temp)
	pipe, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(logo); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pipe.Close() }()
	for name, content := range map[string]io.Reader{"stream": iotest.OneByteReader(bytes.NewReader(logo)), "pipe": pipe, "offset": io.NewSectionReader(bytes.NewReader(append([]byte("x"), logo...)), 1, int64(len(logo)))} {
		up, err := s.offer.Images(s.listing).Upload(t.Context(), data, content, nil)
		if err != nil || up.SHA256 != sha256.Sum256(logo) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := second(s.offer.Images(s.listing).Upload(t.Context(), data, iotest.OneByteReader(strings.NewReader("GIF")), nil)); err == nil {
		t.Error("a stream that is no PNG was sent")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("temporary files remain: %v %v", left, err)
	}
}

func TestRefusedPackages(t *testing.T) {
	for name, c := range map[string]struct {
		findings []pctest.Finding
		text     string
	}{
		"with reasons": {
			[]pctest.Finding{{Code: "P1", Severity: "Error", Message: "The template\nis broken."}, {Code: "P2", Severity: "Error", Message: "No plan."}},
			`does not accept the file "app.zip": P1 The template is broken.; P2 No plan.`,
		},
		"with one": {[]pctest.Finding{{Code: "P1", Severity: "Error", Message: "x"}}, `"app.zip": P1 x`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newUploadStage(t)
				if err := s.Ingestion().NextPackage(pctest.PackageScript{Failures: c.findings}); err != nil {
					t.Fatal(err)
				}
				_, err := s.offer.Packages().Upload(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}, bytes.NewReader(zipOf(t, 1600)), nil)
				refused, ok := errors.AsType[*ingestion.FileError](err)
				if !ok || len(refused.Items) != len(c.findings) || !strings.Contains(err.Error(), c.text) {
					t.Fatalf("%v", err)
				}
				op, ok := errors.AsType[*partnercenter.OperationError](err)
				made, ok2 := errors.AsType[*ingestion.UploadError](err)
				if !ok || !ok2 || op.Status != "ProcessFailed" || op.Operation.ID != made.ID {
					t.Errorf("%v %v", op, made)
				}
				if _, err := s.offer.Packages().Get(t.Context(), made.ID); err != nil {
					t.Errorf("the id does not lead to the package: %v", err)
				}
			})
		})
	}
	silent := (&ingestion.FileError{FileName: "app.zip", State: ingestion.FileProcessFailed}).Error()
	if !strings.Contains(silent, "does not say why") || !strings.Contains(silent, "pid-") {
		t.Error(silent)
	}
}

func TestUploadsWaitAsLongAsTheyAreTold(t *testing.T) {
	hour := time.Hour
	for name, c := range map[string]struct {
		options ingestion.UploadOptions
		took    time.Duration // at most a tenth more
		state   ingestion.FileState
	}{
		"by default":    {ingestion.UploadOptions{}, 10 * time.Minute, ""},
		"longer":        {ingestion.UploadOptions{Wait: &partnercenter.WaitOptions{Timeout: 2 * time.Hour, MinInterval: time.Minute}}, hour, ingestion.FileProcessed},
		"not":           {ingestion.UploadOptions{NoWait: true}, 0, ingestion.FileUploaded},
		"until it ends": {ingestion.UploadOptions{Wait: &partnercenter.WaitOptions{Timeout: time.Second}}, time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newUploadStage(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.PackageTime = hour }))
				began := time.Now()
				packages := s.offer.Packages()
				up, err := packages.Upload(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}, bytes.NewReader(zipOf(t, 1600)), &c.options)
				if took := time.Since(began); took < c.took || took > c.took+c.took/10 {
					t.Errorf("took %v", took)
				}
				if c.state != "" {
					if err != nil || up.Resource.Data.State != c.state || up.Resource.Data.Type != ingestion.ApplicationPackage {
						t.Fatalf("%+v %v", up, err)
					}
				} else if w, ok := errors.AsType[*partnercenter.WaitError](err); !ok || w.Status == "" || !errors.Is(err, context.DeadlineExceeded) {
					t.Fatalf("%v", err)
				}
				id := ""
				if made, ok := errors.AsType[*ingestion.UploadError](err); ok {
					id = made.ID
				} else {
					id = up.Resource.ID
				}
				r, err := packages.Processing(id).Wait(t.Context(), &partnercenter.WaitOptions{Timeout: 2 * time.Hour})
				if err != nil || r.Data.State != ingestion.FileProcessed {
					t.Errorf("waiting later: %v %v", r, err)
				}
			})
		})
	}
}

func TestUploadsGoOnInAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t)
		packages := s.offer.Packages()
		made, err := packages.Create(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"})
		if err != nil {
			t.Fatal(err)
		}
		data := zipOf(t, 100_000)
		s.Inject(pctest.Answer(http.StatusConflict).On(http.MethodPut, "/file/*").At(pctest.Blob).Skip(3).Always())
		o := &ingestion.UploadOptions{BlockSize: 20_000, Parallel: 1}
		before := made.Data.State
		_, err = packages.UploadTo(t.Context(), made, bytes.NewReader(data), o)
		failed, ok := errors.AsType[*ingestion.UploadError](err)
		if !ok || failed.ID != made.ID || !errors.Is(err, partnercenter.ErrConflict) || !strings.Contains(err.Error(), "the store keeps 60000 bytes") {
			t.Fatalf("%v", err)
		}
		if made.Data.State != before || made.Data.Type != ingestion.ApplicationPackage {
			t.Errorf("the caller's resource was changed: %+v", made)
		}

		// The machine is gone; another one knows the id, and that is all.
		s.ClearFaults()
		again, err := packages.Get(t.Context(), failed.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := second(packages.UploadTo(t.Context(), again, bytes.NewReader(data), o)); err == nil || !strings.Contains(err.Error(), "needs Type") {
			t.Errorf("without a type: %v", err)
		}
		again.Data.Type = ingestion.ApplicationPackage
		up, err := packages.UploadTo(t.Context(), again, bytes.NewReader(data), o)
		if err != nil || up.Resumed != 60_000 || up.SHA256 != sha256.Sum256(data) || up.Resource.Data.State != ingestion.FileProcessed {
			t.Fatalf("%+v %v", up, err)
		}
		if err := second(packages.UploadTo(t.Context(), up.Resource, bytes.NewReader(data), o)); err == nil || !strings.Contains(err.Error(), `grants "rl"`) {
			t.Errorf("a file that has been uploaded: %v", err)
		}
	})
}

func TestUploadsMend(t *testing.T) {
	const api, store = pctest.API, pctest.Blob
	for name, fault := range map[string]pctest.Fault{
		"block refused for now":          pctest.Answer(503).On(http.MethodPut, "/file/*").At(store).Skip(1),
		"block's answer lost":            pctest.LoseAnswer().On(http.MethodPut, "/file/*").At(store).Skip(1),
		"commit's answer lost":           pctest.LoseAnswer().On(http.MethodPut, "/file/*").At(store).Skip(6),
		"link ended":                     pctest.Answer(403).On(http.MethodPut, "/file/*").At(store).Skip(2).Delayed(2 * time.Second), // so that the next link is another one
		"said, but the answer was lost":  pctest.LoseAnswer().On(http.MethodPut, "*/packages/*").At(api),
		"said, but answered with 503":    pctest.AnswerAfterwards(503).On(http.MethodPut, "*/packages/*").At(api),
		"service away while it is asked": pctest.Answer(500).On(http.MethodGet, "*/packages/*").At(api).Times(6),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newUploadStage(t)
				hits := s.Inject(fault)
				data := zipOf(t, 100_000)
				up, err := s.offer.Packages().Upload(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}, bytes.NewReader(data), &ingestion.UploadOptions{BlockSize: 20_000})
				if err != nil || up.Resource.Data.State != ingestion.FileProcessed || up.Resource.Data.Type != ingestion.ApplicationPackage {
					t.Fatalf("%+v %v", up, err)
				}
				if hits.Hits() == 0 {
					t.Error("the fault was not hit")
				}
				if v := s.Violations(); len(v) > 0 {
					t.Error(v)
				}
			})
		})
	}
}

func TestUploadTakesFreshLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.LinkLifetime = time.Minute }))
		images := s.offer.Images(s.listing)
		made, err := images.Create(t.Context(), ingestion.ListingImage{Type: ingestion.LogoSmall, FileName: "a.png", State: ingestion.FilePendingUpload})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		s.ForgetRequests()
		if _, err := images.UploadTo(t.Context(), made, bytes.NewReader(pngOf(t, 48, 48)), nil); err != nil {
			t.Fatal(err)
		}
		if made.Data.State != ingestion.FilePendingUpload {
			t.Errorf("the caller's resource was changed: %+v", made.Data)
		}
		if diff := cmp.Diff([]string{"GET /images/{id}", "PUT /file/{id}", "PUT /images/{id}"}, s.said()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
		r := s.Requests().On(http.MethodGet, "*/images/*")
		if len(r) != 1 || r[0].Query.Get("$expand") != "FileSasUri" {
			t.Errorf("the link was asked for with %v", r)
		}
	})
}

func TestUploadWithoutALink(t *testing.T) {
	wire := answers(answer{status: http.StatusCreated, body: `{"fileName":"a.png","type":"AzureLogoSmall","state":"PendingUpload","@odata.etag":"\"1\"","id":"7"}`})
	_, err := newClient(t, wire).Product("p").Images("l").Upload(t.Context(), ingestion.ListingImage{Type: ingestion.LogoSmall, FileName: "a.png"}, bytes.NewReader(pngOf(t, 48, 48)), nil)
	if err == nil || !strings.Contains(err.Error(), "gives no link") {
		t.Errorf("%v", err)
	}
	want := []string{"POST /products/p/listings/l/images", "GET /products/p/listings/l/images/7?$expand=FileSasUri"}
	if diff := cmp.Diff(want, wire.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// The recorded client sent the same three requests.
func TestUploadSendsWhatWasRecorded(t *testing.T) {
	const link = "https://ingestionpackagesprod1.blob.core.windows.net/file/3050487256057890282?06%2f18%2f2023+22%3a37%3a37&sv=2018-03-28&sr=b&sig=a%2Bb%2f&se=2093-06-19T22%3A52%3A35Z&sp=rwl"
	const body = `{"resourceType":"ListingImage","fileName":"largelogo.png","type":"AzureLogoLarge","fileSasUri":"` + link + `","state":"PendingUpload","order":0,"@odata.etag":"\"1\"","id":"7"}`
	wire := answers(answer{status: http.StatusCreated, body: body}, answer{status: http.StatusCreated}, ok(strings.Replace(strings.Replace(body, "PendingUpload", "Uploaded", 1), "1", "2", 1)))
	data := pngOf(t, 216, 216)
	_, err := newClient(t, wire).Product("p").Images("l").Upload(t.Context(), ingestion.ListingImage{Type: ingestion.LogoLarge, FileName: "largelogo.png"}, bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := wire.seen()
	if len(seen) != 3 {
		t.Fatalf("%d requests", len(seen))
	}
	if got, want := compact(t, seen[0].Body), `{"resourceType":"ListingImage","fileName":"largelogo.png","type":"AzureLogoLarge","state":"PendingUpload","order":0}`; got != want {
		t.Errorf("POST %s, want %s", got, want)
	}
	blob := seen[1]
	if blob.Path+"?"+blob.Query != strings.TrimPrefix(link, "https://ingestionpackagesprod1.blob.core.windows.net") || blob.Body != string(data) {
		t.Errorf("PUT %s?%s of %d bytes", blob.Path, blob.Query, len(blob.Body))
	}
	for name := range blob.Header {
		if !slices.Contains([]string{"Content-Type", "Content-Md5", "X-Ms-Blob-Type", "User-Agent", "Accept-Encoding"}, name) {
			t.Errorf("the blob store is sent %s", name)
		}
	}
	if got, want := compact(t, seen[2].Body), strings.Replace(body, "PendingUpload", "Uploaded", 1); got != want || seen[2].Header.Get("If-Match") != `"1"` {
		t.Errorf("PUT %s with %q, want %s", got, seen[2].Header.Get("If-Match"), want)
	}
}

func TestHoldsComparesWithTheStore(t *testing.T) {
	s := newUploadStage(t, pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.InstantPackages = true }))
	packages := s.offer.Packages()
	data := zipOf(t, 100_000)
	other := bytes.Clone(data)
	other[50]++
	empty, err := packages.Create(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"})
	if err != nil {
		t.Fatal(err)
	}
	holds := func(r *ingestion.Resource[ingestion.Package], content []byte, want bool) {
		t.Helper()
		if got, err := packages.Holds(t.Context(), r, bytes.NewReader(content)); err != nil || got != want {
			t.Errorf("Holds: %t %v, want %t", got, err, want)
		}
	}
	holds(empty, data, false)
	for _, blockSize := range []int64{0, 30_000} {
		up, err := packages.Upload(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}, bytes.NewReader(data), &ingestion.UploadOptions{BlockSize: blockSize})
		if err != nil {
			t.Fatal(err)
		}
		read, err := packages.Get(t.Context(), up.Resource.ID)
		if err != nil {
			t.Fatal(err)
		}
		s.ForgetRequests()
		holds(read, data, true)
		holds(read, other, false)
		holds(read, data[1:], false)
		read.Data.FileSASURI = partnercenter.Secret{} // as some listings come: it is asked for
		holds(read, data, true)
		want := []string{"HEAD /file/{id}", "HEAD /file/{id}", "HEAD /file/{id}", "GET /packages/{id}", "HEAD /file/{id}"}
		if diff := cmp.Diff(want, s.said()); diff != "" {
			t.Errorf("requests (-want +got):\n%s", diff)
		}
	}
	s.Inject(pctest.Answer(http.StatusForbidden).On(http.MethodHead, "").Always())
	holds(empty, data, false)
	s.ClearFaults()
	s.Inject(pctest.Answer(http.StatusTeapot).On(http.MethodHead, "").Always())
	if _, err := packages.Holds(t.Context(), empty, bytes.NewReader(data)); err == nil {
		t.Error("no error")
	}
	for name, err := range map[string]error{
		"nil":       second(packages.Holds(t.Context(), nil, bytes.NewReader(data))),
		"content":   second(packages.Holds(t.Context(), empty, nil)),
		"no client": second(ingestion.Packages{}.Holds(t.Context(), empty, bytes.NewReader(data))),
		"bad id":    second(s.offer.Images("/").Holds(t.Context(), &ingestion.Resource[ingestion.ListingImage]{}, bytes.NewReader(data))),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUploadErrorsShowNoSignature(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newUploadStage(t)
		s.Inject(pctest.Answer(http.StatusForbidden).At(pctest.Blob).Always())
		_, err := s.offer.Packages().Upload(t.Context(), ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"}, bytes.NewReader(zipOf(t, 1600)), nil)
		if !errors.Is(err, partnercenter.ErrForbidden) {
			t.Fatal(err)
		}
		made, _ := errors.AsType[*ingestion.UploadError](err)
		r, err2 := s.offer.Packages().Get(t.Context(), made.ID)
		if err2 != nil {
			t.Fatal(err2)
		}
		_, sig, _ := strings.Cut(r.Data.FileSASURI.Reveal(), "sig=")
		sig = sig[:20]
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "err", err, "made", made, "r", r)
		for _, text := range []string{fmt.Sprintf("%v %+v %#v %q", err, err, err, err), fmt.Sprintf("%+v %v", made, r), log.String(), s.log.String()} {
			if strings.Contains(text, sig) || strings.Contains(text, "sig=") {
				t.Errorf("a signature is shown: %s", text)
			}
		}
	})
}
