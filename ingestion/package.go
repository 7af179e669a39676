package ingestion

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// Package is a file with what a plan installs.
type Package struct {
	Object

	// Type is the kind of package. The service leaves it empty when a package is
	// read: set it before writing such a package back. It is sent as resourceType.
	Type PackageType `json:"resourceType"`
	// FileName is the file's name.
	FileName string `json:"fileName,omitzero"`
	// FileSASURI is where the file is uploaded to; it grants access to whoever has
	// it.
	FileSASURI partnercenter.Secret `json:"fileSasUri,omitzero"`
	// FileSize is the file's size in bytes.
	FileSize int64 `json:"fileSize,omitzero"`
	// State is where the file stands.
	State FileState `json:"state,omitzero"`
	// IsEmpty says that there is no file.
	IsEmpty bool `json:"isEmpty,omitzero"`
	// IsCertified says that the package has been certified.
	IsCertified bool `json:"isCertified,omitzero"`
	// ValidationItems is what the service found in the file.
	ValidationItems []ValidationItem `json:"validationItems,omitzero"`
	// PublishTargets says where the package is published.
	PublishTargets []PublishTarget `json:"publishTargets,omitzero"`
}

func (p Package) check() error {
	if p.Type == "" || p.FileName == "" {
		return errors.New("ingestion: a package needs Type, for example ingestion.ApplicationPackage, and FileName")
	}
	return nil
}

// PackageType is a kind of package. More kinds may appear.
type PackageType string

// Kinds of packages.
const (
	// ApplicationPackage is the zip of an Azure application.
	ApplicationPackage PackageType = "AzureApplicationPackage"
	// BusinessCentralExtension is the app file of a Business Central app.
	BusinessCentralExtension PackageType = "Dynamics365BusinessCentralAddOnExtensionPackage"
	// BusinessCentralLibrary is a library that a Business Central app needs.
	BusinessCentralLibrary PackageType = "Dynamics365BusinessCentralAddOnLibraryExtensionPackage"
	// BusinessCentralDependency is another app that a Business Central app needs.
	BusinessCentralDependency PackageType = "Dynamics365BusinessCentralAddOnDependencyPackage"
)

// PublishTarget is a place where a package is published.
type PublishTarget struct {
	Object

	// SandboxID is the sandbox.
	SandboxID string `json:"sandboxId,omitzero"`
	// TrainID is the release train.
	TrainID string `json:"trainId,omitzero"`
	// FirstPublished is when the package was published there for the first time.
	FirstPublished time.Time `json:"firstPublishedDateTime,omitzero"`
}

// Packages is the collection of a product's packages.
//
//pc:operation GET /products/{productID}/packages
//pc:operation POST /products/{productID}/packages
//pc:operation GET /products/{productID}/packages/{packageID}
//pc:operation PUT /products/{productID}/packages/{packageID}
//pc:operation DELETE /products/{productID}/packages/{packageID}
type Packages struct {
	Lister[*Resource[Package]]
	Creator[Package]
	Updater[Package]
	Deleter
	Uploader[Package]
}

// Packages returns the product's packages.
func (p ProductScope) Packages() Packages {
	e := p.at("packages")
	return Packages{Lister[*Resource[Package]]{e}, Creator[Package]{e}, updater[Package](e, false), Deleter{e}, uploader[Package](e, false)}
}

// maxMoves is how often a package may have moved on before the search for it ends.
const maxMoves = 3

// Get reads a package. Packages of the Store can move to another id, which the
// service tells in the text of a 301; it is followed.
func (p Packages) Get(ctx context.Context, id string, opts ...partnercenter.CallOption) (*Resource[Package], error) {
	for moves := 0; ; moves++ {
		r, err := p.Updater.Get(ctx, id, opts...)
		e, ok := errors.AsType[*partnercenter.Error](err)
		if !ok || e.StatusCode != http.StatusMovedPermanently || moves == maxMoves {
			return r, err
		}
		if id = movedTo(e.Body); id == "" {
			return r, err
		}
	}
}
