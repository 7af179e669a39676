package ingestion

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// UploadAsset uploads the file of an asset that the content of the instance names.
// The service makes the asset's id and link when [Updater.Update] writes the content
// with the asset's FileName; tell it with [SupplementalContents.Commit] when all files
// are there. Of the options those about checking and waiting have no meaning here.
//
// Content is read from where it stands, and the upload is as safe to repeat as
// [Uploader.UploadTo] is.
func (s SupplementalContents) UploadAsset(ctx context.Context, instanceID, assetID string, content io.Reader, opts *UploadOptions, calls ...partnercenter.CallOption) (Uploaded[SupplementalContent], error) {
	var done Uploaded[SupplementalContent]
	if err := s.Updater.e.usable(); err != nil {
		return done, err
	}
	if content == nil {
		return done, errNoContent
	}
	if err := checkID("asset id", assetID); err != nil {
		return done, err
	}
	var o UploadOptions
	if opts != nil {
		o = *opts
	}
	link := func(ctx context.Context, _ partnercenter.Secret) (partnercenter.Secret, error) {
		var err error
		if done.Resource, err = s.Get(ctx, instanceID, calls...); err != nil {
			return partnercenter.Secret{}, err
		}
		for _, a := range done.Resource.Data.Assets {
			if strings.EqualFold(a.AssetID, assetID) && !a.FileSASURI.IsZero() {
				return a.FileSASURI, nil
			}
		}
		return partnercenter.Secret{}, fmt.Errorf("ingestion: instance %s has no asset %q with a link; write the content with the asset's FileName first: %w", instanceID, assetID, partnercenter.ErrNotFound)
	}
	sent, err := transfer.Upload(ctx, transfer.Target{Doer: s.Updater.e.client.api.Blob(), Link: link}, content, o.transfer())
	if err != nil {
		return Uploaded[SupplementalContent]{}, fmt.Errorf("ingestion: uploading asset %s: %w", assetID, err)
	}
	done.Bytes, done.Resumed, done.SHA256 = sent.Bytes, sent.Resumed, sent.SHA256
	return done, nil
}
