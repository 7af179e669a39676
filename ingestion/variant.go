package ingestion

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/partnercenter-go/partnercenter"
)

// Variant is a plan of a product or, of older products, its test drive.
type Variant struct {
	Object

	// Type tells plans from test drives. Empty means a plan when one is made. It
	// is written as resourceType.
	Type VariantType `json:"resourceType,omitzero"`
	// State says whether the plan is offered.
	State VariantState `json:"state,omitzero"`
	// FriendlyName is the plan's name in Partner Center.
	FriendlyName string `json:"friendlyName,omitzero"`
	// ConversionPaths is "*" as far as has been seen.
	ConversionPaths string `json:"conversionPaths,omitzero"`
	// LeadGenID is the id under which leads are reported.
	LeadGenID string `json:"leadGenID,omitzero"`
	// ExternalID is the plan id. It can never be changed. Test drives have none.
	ExternalID string `json:"externalID,omitzero"`
	// ReferenceVariantID is a plan that this one shares its package with.
	ReferenceVariantID string `json:"referenceVariantID,omitzero"`
	// CloudAvailabilities are the clouds that the plan is offered in:
	// [CloudPublicAzure], [CloudAzureGovernment].
	CloudAvailabilities []string `json:"cloudAvailabilities,omitzero"`
	// AzureGovernmentCertifications are certifications for Azure Government, under
	// the name of the published schema.
	AzureGovernmentCertifications []GovernmentCertification `json:"azureGovernmentCertifications,omitzero"`
	// CertificationsAzureGovernment are the same under the name that the service
	// uses.
	CertificationsAzureGovernment []GovernmentCertification `json:"certificationsAzureGovernment,omitzero"`
	// SubType is the kind of plan of an Azure application. The service takes
	// [PlanSolutionTemplate] when there is none.
	SubType PlanType `json:"subType,omitzero"`
	// TestDriveType is the kind of a test drive.
	TestDriveType string `json:"testDriveType,omitzero"`
	// ExtendedProperties holds further pairs.
	ExtendedProperties []TypeValue `json:"extendedProperties,omitzero"`
}

func (Variant) resourceType() string { return string(SKUVariant) }

func (v Variant) check() error {
	if strings.EqualFold(string(v.Type), string(TestDriveVariant)) {
		return nil
	}
	if v.ExternalID == "" || v.FriendlyName == "" {
		return errors.New("ingestion: a plan needs ExternalID, which is the plan id, and FriendlyName")
	}
	return nil
}

// TestDriveID is the id of the variant that is a product's test drive.
const TestDriveID = "testdrive"

// VariantType tells plans from test drives. More types may appear.
type VariantType string

// Types of variants.
const (
	// SKUVariant is a plan.
	SKUVariant VariantType = "AzureSkuVariant"
	// TestDriveVariant is a test drive.
	TestDriveVariant VariantType = "AzureTestDriveVariant"
	// BaseVariant is what both are, in the published schema.
	BaseVariant VariantType = "BaseVariant"
)

// VariantState says whether a plan is offered. More states may appear.
type VariantState string

// States of a plan.
const (
	// VariantInactive: not offered.
	VariantInactive VariantState = "Inactive"
	// VariantActive: offered, which is where plans begin.
	VariantActive VariantState = "Active"
)

// PlanType is the kind of plan of an Azure application. More kinds may appear.
type PlanType string

// Kinds of plans of Azure applications.
const (
	// PlanManagedApplication is managed by the publisher.
	PlanManagedApplication PlanType = "managed-application"
	// PlanSolutionTemplate is managed by the customer.
	PlanSolutionTemplate PlanType = "solution-template"
)

// Clouds that a plan can be offered in.
const (
	// CloudPublicAzure is Azure.
	CloudPublicAzure = "public-azure"
	// CloudAzureGovernment is the cloud of the US government.
	CloudAzureGovernment = "azure-government"
)

// GovernmentCertification is a certification for Azure Government.
type GovernmentCertification struct {
	Object

	// ValidationResults is what the service found.
	ValidationResults []ValidationResult `json:"validationResults,omitzero"`
	// Title is the certification's name.
	Title string `json:"title,omitzero"`
	// URI is where it is documented.
	URI string `json:"uri,omitzero"`
}

// ValidationResult is a mistake in some fields.
type ValidationResult struct {
	Object

	// MemberNames are the fields.
	MemberNames []string `json:"memberNames,omitzero"`
	// ErrorMessage says what is wrong.
	ErrorMessage string `json:"errorMessage,omitzero"`
}

// Variants is the collection of a product's plans.
//
//pc:operation GET /products/{productID}/variants
//pc:operation POST /products/{productID}/variants
//pc:operation GET /products/{productID}/variants/{variantID}
//pc:operation PUT /products/{productID}/variants/{variantID}
//pc:operation DELETE /products/{productID}/variants/{variantID}
type Variants struct {
	Lister[*Resource[Variant]]
	Creator[Variant]
	Updater[Variant]
	Deleter
}

// Variants returns the product's plans.
func (p ProductScope) Variants() Variants {
	e := p.at("variants")
	return Variants{Lister[*Resource[Variant]]{e}, Creator[Variant]{e}, updater[Variant](e, false), Deleter{e}}
}

// ByPlanID finds the plan with the plan id, which is not the variant's own id. If
// there is none, the error matches [partnercenter.ErrNotFound].
func (v Variants) ByPlanID(ctx context.Context, planID string, opts ...partnercenter.CallOption) (*Resource[Variant], error) {
	if strings.TrimSpace(planID) == "" {
		return nil, errors.New("ingestion: the plan id is empty")
	}
	for r, err := range v.All(ctx, opts...) {
		if err != nil {
			return nil, err
		}
		if strings.EqualFold(r.Data.ExternalID, planID) {
			return r, nil
		}
	}
	return nil, fmt.Errorf("ingestion: no plan has the id %q: %w", planID, partnercenter.ErrNotFound)
}
