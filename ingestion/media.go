package ingestion

import (
	"errors"

	"github.com/partnercenter-go/partnercenter"
)

// ListingImage is a logo or screenshot of a listing.
type ListingImage struct {
	Object

	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// Type is what the picture is.
	Type ImageType `json:"type,omitzero"`
	// FileSASURI is where the file is uploaded to; it grants access to whoever has
	// it. Listings leave it out unless [ExpandFileSASURI] asks for it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
	// State is where the file stands.
	State FileState `json:"state,omitzero"`
	// Description is the text for people who cannot see the picture.
	Description string `json:"description,omitzero"`
	// Order is the picture's place among others of its type, from 0.
	Order int `json:"order"`
}

func (ListingImage) resourceType() string { return "ListingImage" }

func (i ListingImage) check() error {
	if i.FileName == "" || i.Type == "" {
		return errors.New("ingestion: an image needs FileName and Type")
	}
	return nil
}

// ImageType is what a picture of a listing is. More types may appear.
type ImageType string

// Types of pictures, with the sizes that the service wants, in pixels. All logos
// are PNG files.
const (
	// LogoSmall is 48 x 48.
	LogoSmall ImageType = "AzureLogoSmall"
	// LogoMedium is 90 x 90.
	LogoMedium ImageType = "AzureLogoMedium"
	// LogoLarge is 216 x 216.
	LogoLarge ImageType = "AzureLogoLarge"
	// LogoWide is 255 x 115.
	LogoWide ImageType = "AzureLogoWide"
	// Screenshot is a screenshot.
	Screenshot ImageType = "Image"
)

// ListingVideo is a video of a listing, which lies at a video portal.
type ListingVideo struct {
	Object

	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// FileSASURI is where a file is uploaded to; it grants access to whoever has
	// it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
	// StreamingURI is the video's address.
	StreamingURI string `json:"streamingUri,omitzero"`
	// State is where the video stands.
	State FileState `json:"state,omitzero"`
	// Thumbnail is the picture that stands for the video. It, and not the video,
	// is what is uploaded.
	Thumbnail *VideoThumbnail `json:"thumbnail,omitzero"`
}

func (ListingVideo) resourceType() string { return "ListingVideo" }

// VideoThumbnail is the picture that stands for a video.
type VideoThumbnail struct {
	Object

	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// Title is the picture's title.
	Title string `json:"title,omitzero"`
	// Description is the text for people who cannot see the picture.
	Description string `json:"description,omitzero"`
	// FileSASURI is where the file is uploaded to; it grants access to whoever has
	// it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
	// PublisherDefinedSASURI is a link of the publisher's own, from which the
	// service fetches the file.
	PublisherDefinedSASURI partnercenter.Secret `json:"publisherDefinedSasUri,omitzero"`
	// State is where the file stands.
	State FileState `json:"state,omitzero"`
}

// ListingAsset is a document of a listing.
type ListingAsset struct {
	Object

	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// Type is what the document is.
	Type string `json:"type,omitzero"`
	// FileSASURI is where the file is uploaded to; it grants access to whoever has
	// it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
	// PublisherDefinedSASURI is a link of the publisher's own, from which the
	// service fetches the file.
	PublisherDefinedSASURI partnercenter.Secret `json:"publisherDefinedSasUri,omitzero"`
	// State is where the file stands.
	State FileState `json:"state,omitzero"`
	// Description is the document's description.
	Description string `json:"description,omitzero"`
	// FriendlyName is the document's title.
	FriendlyName string `json:"friendlyName,omitzero"`
}

func (ListingAsset) resourceType() string { return "ListingAsset" }

// Media is a collection of pictures, videos or documents of one listing.
//
//pc:operation GET /products/{productID}/listings/{listingID}/images
//pc:operation POST /products/{productID}/listings/{listingID}/images
//pc:operation GET /products/{productID}/listings/{listingID}/images/{imageID}
//pc:operation PUT /products/{productID}/listings/{listingID}/images/{imageID}
//pc:operation DELETE /products/{productID}/listings/{listingID}/images/{imageID}
//pc:operation GET /products/{productID}/listings/{listingID}/videos
//pc:operation POST /products/{productID}/listings/{listingID}/videos
//pc:operation GET /products/{productID}/listings/{listingID}/videos/{videoID}
//pc:operation PUT /products/{productID}/listings/{listingID}/videos/{videoID}
//pc:operation DELETE /products/{productID}/listings/{listingID}/videos/{videoID}
//pc:operation GET /products/{productID}/listings/{listingID}/assets
//pc:operation POST /products/{productID}/listings/{listingID}/assets
//pc:operation GET /products/{productID}/listings/{listingID}/assets/{assetID}
//pc:operation PUT /products/{productID}/listings/{listingID}/assets/{assetID}
//pc:operation DELETE /products/{productID}/listings/{listingID}/assets/{assetID}
type Media[T any] struct {
	Lister[*Resource[T]]
	Creator[T]
	Updater[T]
	Deleter
	Uploader[T]
}

func media[T any](p ProductScope, listingID, collection string, versioned bool, expand []Expand) Media[T] {
	e := p.at("listings").under("listing id", listingID, collection)
	plain := e
	e.expand = expandQuery(expand)
	return Media[T]{
		Lister[*Resource[T]]{e}, Creator[T]{plain}, updater[T](e, versioned), Deleter{plain},
		uploader[T](plain, versioned, ExpandFileSASURI),
	}
}

// Images returns the logos and screenshots of a listing. [ExpandFileSASURI] adds
// their upload links.
func (p ProductScope) Images(listingID string, expand ...Expand) Media[ListingImage] {
	return media[ListingImage](p, listingID, "images", true, expand)
}

// Videos returns the videos of a listing. [ExpandFileSASURI] adds their upload
// links.
func (p ProductScope) Videos(listingID string, expand ...Expand) Media[ListingVideo] {
	return media[ListingVideo](p, listingID, "videos", false, expand)
}

// Assets returns the documents of a listing. [ExpandFileSASURI] adds their upload
// links.
func (p ProductScope) Assets(listingID string, expand ...Expand) Media[ListingAsset] {
	return media[ListingAsset](p, listingID, "assets", false, expand)
}
