package ingestion

import (
	"context"

	"github.com/partnercenter-go/partnercenter"
)

// SupplementalContent is material that certification needs. Its id is that of its
// instance.
type SupplementalContent struct {
	Object

	// TargetRelease is the release that it is for.
	TargetRelease string `json:"targetRelease,omitzero"`
	// SupportedEditions are the editions that it is for.
	SupportedEditions []string `json:"supportedEditions,omitzero"`
	// Assets are the files.
	Assets []SupplementalAsset `json:"assets,omitzero"`
}

func (SupplementalContent) resourceType() string { return "SupplementalContent" }

// SupplementalAsset is a file of a [SupplementalContent].
type SupplementalAsset struct {
	Object

	// AssetID is the file's id.
	AssetID string `json:"assetID,omitzero"`
	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// Type is what the file is.
	Type string `json:"type,omitzero"`
	// FileSASURI is where the file is uploaded to; it grants access to whoever has
	// it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
}

// SupplementalContents is the collection of a product's supplemental contents,
// addressed by their instances.
//
//pc:operation GET /products/{productID}/supplementalcontents/getByInstanceID(instanceID={instanceID})
//pc:operation GET /products/{productID}/supplementalContents/{instanceID}
//pc:operation PUT /products/{productID}/supplementalContents/{instanceID}
//pc:operation POST /products/{productID}/supplementalContents/{instanceID}/commit
type SupplementalContents struct {
	Updater[SupplementalContent]
	Drafts[*Resource[SupplementalContent]]
}

// SupplementalContents returns the material that certification needs. The draft
// belongs to [ModuleSupplementalContent].
func (p ProductScope) SupplementalContents() SupplementalContents {
	return SupplementalContents{
		updater[SupplementalContent](p.at("supplementalContents"), true),
		drafts[*Resource[SupplementalContent]](p, "supplementalcontents"),
	}
}

// Commit tells the service that the files of an instance have been uploaded. The
// request is sent again only when the service surely did not see it.
func (s SupplementalContents) Commit(ctx context.Context, instanceID string, opts ...partnercenter.CallOption) (*Resource[SupplementalContent], error) {
	path, err := s.Updater.e.item("instance id", instanceID)
	if err != nil {
		return nil, err
	}
	r, _, err := fetch[*Resource[SupplementalContent]](ctx, s.Updater.e, post(path+"/commit", nil), opts)
	return r, err
}
