package ingestion_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
	"github.com/partnercenter-go/partnercenter/pctest"
)

// exampleOffer is an offer on the fake, whose packages take no time.
func exampleOffer() (offer ingestion.ProductScope, end func()) {
	srv, err := pctest.New(pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.InstantPackages = true }))
	if err != nil {
		panic(err)
	}
	product, err := srv.Ingestion().AddProduct(pctest.Product{Type: "AzureApplication", OfferID: "my-offer"})
	if err != nil {
		panic(err)
	}
	client, err := ingestion.New(srv.AppOnlyTokenSource(), srv.Options())
	if err != nil {
		panic(err)
	}
	return client.Product(product.ID), func() { _ = srv.Close() }
}

// exampleZip is an archive on disk.
func exampleZip() (path string, remove func()) {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if _, err := z.Create("mainTemplate.json"); err != nil {
		panic(err)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	path = filepath.Join(dir, "app.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		panic(err)
	}
	return path, func() { _ = os.RemoveAll(dir) }
}

// The package that results can be referred to in a technical configuration.
func ExampleUploader_UploadFile() {
	ctx := context.Background()
	offer, end := exampleOffer()
	defer end()
	path, remove := exampleZip()
	defer remove()

	app, err := offer.Packages().UploadFile(ctx, ingestion.Package{Type: ingestion.ApplicationPackage}, path, nil)
	if refused, ok := errors.AsType[*ingestion.FileError](err); ok {
		for _, item := range refused.Items {
			fmt.Println(item.ErrorCode, item.Message)
		}
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(app.Resource.Data.FileName, app.Resource.Data.State)
	// Output: app.zip Processed
}

// A logo of the wrong size is found out before anything is sent.
func ExampleUploader_Upload() {
	ctx := context.Background()
	offer, end := exampleOffer()
	defer end()
	instance, err := offer.Branches().Draft(ctx, ingestion.ModuleListing, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	listing, err := offer.Listings().Draft(ctx, instance)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, side := range []int{40, 48} {
		var logo bytes.Buffer
		if err := png.Encode(&logo, image.NewNRGBA(image.Rect(0, 0, side, side))); err != nil {
			fmt.Println(err)
			return
		}
		up, err := offer.Images(listing.ID).Upload(ctx, ingestion.ListingImage{Type: ingestion.LogoSmall, FileName: "small.png"}, &logo, nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(up.Resource.Data.FileName, up.Resource.Data.State)
	}
	// Output:
	// ingestion: the file "small.png" has 40 x 40 pixels; AzureLogoSmall must have 48 x 48; UploadOptions.Unchecked sends it all the same
	// small.png Uploaded
}

// A job that may be killed keeps the id of what it uploads to. The next one sends
// only what is missing, and nothing at all when everything is there.
func ExampleUploader_UploadTo() {
	ctx := context.Background()
	offer, end := exampleOffer()
	defer end()
	path, remove := exampleZip()
	defer remove()
	packages := offer.Packages()

	made, err := packages.Create(ctx, ingestion.Package{Type: ingestion.ApplicationPackage, FileName: "app.zip"})
	if err != nil {
		fmt.Println(err)
		return
	}
	id := made.ID // written down somewhere

	// In the next job:
	app, err := packages.Get(ctx, id)
	switch {
	case errors.Is(err, partnercenter.ErrNotFound):
		fmt.Println("somebody has deleted it")
		return
	case err != nil:
		fmt.Println(err)
		return
	}
	app.Data.Type = ingestion.ApplicationPackage // which the service does not tell
	f, err := os.Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = f.Close() }()
	up, err := packages.UploadTo(ctx, app, f, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(up.Resource.Data.State)
	// Output: Processed
}

// Customers' deployments count for the product whose id the template names.
func ExampleSetUsageID() {
	var zipped bytes.Buffer // an app.zip, opened with os.Open as a rule
	w := zip.NewWriter(&zipped)
	f, err := w.Create("mainTemplate.json")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(f, `{"resources":[{"name":"pid-usage-partnercenter"}]}`)
	if err := w.Close(); err != nil {
		fmt.Println(err)
		return
	}

	var app bytes.Buffer // or a file
	n, err := ingestion.SetUsageID(&app, bytes.NewReader(zipped.Bytes()), int64(zipped.Len()), "5056c0fe-96c5-4d95-b105-09f516e91585")
	switch {
	case err != nil:
		fmt.Println(err)
	case n == 0:
		fmt.Println("mainTemplate.json has no pid-...-partnercenter")
	default:
		fmt.Println(n, "place set; bytes.NewReader(app.Bytes()) is for Packages.Apply")
	}
	// Output: 1 place set; bytes.NewReader(app.Bytes()) is for Packages.Apply
}
