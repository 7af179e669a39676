package ingestion_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/ingestion"
)

// The published schema is held against the package: whatever it lists must be
// there. What the schema has wrong, by what the service has been seen to do, is
// listed here with the reason; an entry that is no longer needed fails the test.
func schemaMistakes() map[string]string {
	return map[string]string{
		"GET /products $skipToken":                      "page links are followed as they come; a token of one's own making is of no use",
		"GET /products/{productID}/variants $skipToken": "the same",
		"Common.PagedCollection.@odata.nextLink":        "the service sends nextLink; the name of the schema is read too",
		"Products.BaseProduct.externalIds":              "answers say externalIDs, which the derived schema has; case does not matter when reading",
		"Products.AzureProduct.externalIds":             "inherited from there",
		"Branches.Branch.id":                            "branches have been seen without id only",
		"Products.ProductStoreLink":                     "nothing refers to it",
		"Availabilities.PreviewMarketplaceGroup":        "not an array of strings but an object with Type and Values, AudienceGroup",
		"Packages.AzurePackage.resourceType \"\"":       "not a type: it is what is there when a package is read",
	}
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       string            `json:"type"`
	Format     string            `json:"format"`
	Enum       []string          `json:"enum"`
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	AllOf      []schema          `json:"allOf"`
	OneOf      []schema          `json:"oneOf"`
}

type parameter struct {
	Ref      string `json:"$ref"`
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
}

type openAPI struct {
	Paths map[string]map[string]struct {
		Parameters []parameter `json:"parameters"`
	} `json:"paths"`
	Components struct {
		Schemas    map[string]schema    `json:"schemas"`
		Parameters map[string]parameter `json:"parameters"`
	} `json:"components"`
}

// specFile reads a file of the specification, which is not part of the module.
func specFile(t *testing.T, name string) []byte {
	t.Helper()
	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("PARTNERCENTER_SPEC is not set: it names the folder with ingestion-openapi.json and recordings/")
	}
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func readOpenAPI(t *testing.T) openAPI {
	t.Helper()
	var api openAPI
	if err := json.Unmarshal(specFile(t, "ingestion-openapi.json"), &api); err != nil {
		t.Fatal(err)
	}
	return api
}

// excuses hands out the listed mistakes, and knows which were asked for.
type excuses struct {
	left map[string]string
}

func (e *excuses) has(name string) bool {
	_, ok := e.left[name]
	delete(e.left, name)
	return ok
}

func TestThePublishedSchemaHasItsCounterparts(t *testing.T) {
	t.Parallel()
	api := readOpenAPI(t)
	excused := &excuses{schemaMistakes()}
	checkOperations(t, api, excused)
	checkSchemas(t, api, excused)
	for name, reason := range excused.left {
		t.Errorf("%s is listed as a mistake (%s), but nothing asked for it", name, reason)
	}
}

func checkOperations(t *testing.T, api openAPI, excused *excuses) {
	t.Helper()
	golden := map[string]operation{}
	for _, op := range operations() {
		if _, twice := golden[op.name]; twice {
			t.Errorf("%s is there twice", op.name)
		}
		golden[op.name] = op
	}
	documented := documentedOperations(t)
	count := 0
	for path, methods := range api.Paths {
		for method, spec := range methods {
			count++
			name := strings.ToUpper(method) + " " + path
			op, ok := golden[name]
			if !ok {
				t.Errorf("%s has no counterpart", name)
				continue
			}
			delete(golden, name)
			if !documented[name] {
				t.Errorf("%s is on no //pc:operation line", name)
			}
			delete(documented, name)
			for _, p := range spec.Parameters {
				if p.Ref != "" {
					p = api.Components.Parameters[p.Ref[strings.LastIndexByte(p.Ref, '/')+1:]]
				}
				switch {
				case p.In == "query" && !strings.Contains(op.query, p.Name+"=") && !excused.has(name+" "+p.Name):
					t.Errorf("%s: %s is not among what is sent", name, p.Name)
				case p.Name == "If-Match" && op.ifMatch == "":
					t.Errorf("%s: If-Match is not sent", name)
				}
			}
		}
	}
	if len(api.Paths) != 43 || count != 78 {
		t.Errorf("the schema has %d paths and %d operations; this package was made for 43 and 78", len(api.Paths), count)
	}
	for name := range golden {
		t.Errorf("%s is not in the schema", name)
	}
	for name := range documented {
		t.Errorf("%s is on a //pc:operation line, but not in the schema", name)
	}
}

// sources parses the package without its tests.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

func documentedOperations(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, f := range sources(t) {
		for _, group := range f.Comments {
			for _, c := range group.List {
				if name, ok := strings.CutPrefix(c.Text, "//pc:operation "); ok {
					found[name] = true
				}
			}
		}
	}
	return found
}

// constants lists the values of the package's constants by type.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, f := range sources(t) {
		for _, d := range f.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.CONST {
				continue
			}
			for _, s := range decl.Specs {
				spec, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				kind, ok := spec.Type.(*ast.Ident)
				if !ok {
					continue
				}
				for _, v := range spec.Values {
					if lit, ok := v.(*ast.BasicLit); ok {
						if s, err := strconv.Unquote(lit.Value); err == nil {
							found[kind.Name] = append(found[kind.Name], s)
						}
					}
				}
			}
		}
	}
	return found
}

// counterparts maps schemas, without their common prefix, to types.
func counterparts() map[string]reflect.Type {
	of := reflect.TypeOf
	member := of(ingestion.AudienceMember{})
	return map[string]reflect.Type{
		"Availabilities.AudienceMember":                                          member,
		"Availabilities.CustomMeter":                                             of(ingestion.CustomMeter{}),
		"Availabilities.FeatureAvailability":                                     of(ingestion.FeatureAvailability{}),
		"Availabilities.IncludedBaseQuantity":                                    of(ingestion.IncludedBaseQuantity{}),
		"Availabilities.LocalizedDateTime":                                       of(ingestion.LocalizedTime{}),
		"Availabilities.LocalizedDateTimeRange":                                  of(ingestion.DateTimeRange{}),
		"Availabilities.MarketState":                                             of(ingestion.MarketState{}),
		"Availabilities.Price":                                                   of(ingestion.Price{}),
		"Availabilities.PriceSchedule":                                           of(ingestion.PriceSchedule{}),
		"Availabilities.PricingCadence":                                          of(ingestion.PriceCadence{}),
		"Availabilities.PricingUnit":                                             of(ingestion.PricingUnit{}),
		"Availabilities.ProductAvailability":                                     of(ingestion.ProductAvailability{}),
		"Availabilities.ScheduleInfo_Availabilities.PriceSchedule_":              of(ingestion.PriceScheduleInfo{}),
		"Availabilities.Trial":                                                   of(ingestion.Trial{}),
		"Branches.Branch":                                                        of(ingestion.Branch{}),
		"Certification.SupplementalContent":                                      of(ingestion.SupplementalContent{}),
		"Certification.SupplementalContentAsset":                                 of(ingestion.SupplementalAsset{}),
		"Common.EntityResource":                                                  of(ingestion.Listing{}),
		"Common.IdentifiedResource":                                              of(ingestion.Listing{}),
		"Common.TypedResource":                                                   of(ingestion.Listing{}),
		"Common.TypeValuePair":                                                   of(ingestion.TypeValue{}),
		"Cosell.CosellAsset":                                                     of(ingestion.CosellAsset{}),
		"Cosell.CosellContact":                                                   of(ingestion.CosellContact{}),
		"Cosell.CosellListing":                                                   of(ingestion.CosellListing{}),
		"Cosell.CosellSolutionArea":                                              of(ingestion.CosellSolutionArea{}),
		"LeadManagement.AzureBlobLeadConfiguration":                              of(ingestion.AzureBlobLeads{}),
		"LeadManagement.AzureTableLeadConfiguration":                             of(ingestion.AzureTableLeads{}),
		"LeadManagement.BaseLeadConfiguration":                                   of(ingestion.UnknownLeads{}),
		"LeadManagement.HttpsEndpointLeadConfiguration":                          of(ingestion.HTTPSEndpointLeads{}),
		"LeadManagement.MarketoLeadConfiguration":                                of(ingestion.MarketoLeads{}),
		"LeadManagement.SalesForceLeadConfiguration":                             of(ingestion.SalesforceLeads{}),
		"Listings.AzureListing":                                                  of(ingestion.Listing{}),
		"Listings.BaseListing":                                                   of(ingestion.Listing{}),
		"Listings.ListingAsset":                                                  of(ingestion.ListingAsset{}),
		"Listings.ListingContact":                                                of(ingestion.ListingContact{}),
		"Listings.ListingImage":                                                  of(ingestion.ListingImage{}),
		"Listings.ListingUri":                                                    of(ingestion.ListingURI{}),
		"Listings.ListingVideo":                                                  of(ingestion.ListingVideo{}),
		"Listings.ListingVideoThumbnail":                                         of(ingestion.VideoThumbnail{}),
		"Packages.AzureApplicationPackageConfiguration":                          of(ingestion.ApplicationConfiguration{}),
		"Packages.AzureBaseTestDrivePackageConfiguration":                        of(ingestion.ResourceManagerTestDrive{}),
		"Packages.AzureManagedApplicationPackageConfiguration":                   of(ingestion.ManagedApplicationConfiguration{}),
		"Packages.AzurePackage":                                                  of(ingestion.Package{}),
		"Packages.AzurePolicy":                                                   of(ingestion.AzurePolicy{}),
		"Packages.AzureResourceManagerTestDrivePackageConfiguration":             of(ingestion.ResourceManagerTestDrive{}),
		"Packages.AzureSolutionTemplatePackageConfiguration":                     of(ingestion.SolutionTemplateConfiguration{}),
		"Packages.BasePackage":                                                   of(ingestion.Package{}),
		"Packages.BasePackageConfiguration":                                      of(ingestion.UnknownConfiguration{}),
		"Packages.Dynamics365BusinessCentralPackageConfiguration":                of(ingestion.BusinessCentralConfiguration{}),
		"Packages.Dynamics365BusinessCentralTestDrivePackageConfiguration":       of(ingestion.BusinessCentralTestDrive{}),
		"Packages.Dynamics365CustomerEngagementPackageConfiguration":             of(ingestion.CustomerEngagementConfiguration{}),
		"Packages.Dynamics365CustomerEngagementTestDrivePackageConfiguration":    of(ingestion.CustomerEngagementTestDrive{}),
		"Packages.Dynamics365OperationsPackageConfiguration":                     of(ingestion.OperationsConfiguration{}),
		"Packages.Dynamics365OperationsTestDrivePackageConfiguration":            of(ingestion.OperationsTestDrive{}),
		"Packages.PackageRegionAvailability":                                     of(ingestion.PackageRegionAvailability{}),
		"Packages.PublishTarget":                                                 of(ingestion.PublishTarget{}),
		"Packages.RoleAuthorization":                                             of(ingestion.RoleAuthorization{}),
		"Products.AzureProduct":                                                  of(ingestion.Product{}),
		"Products.AzureProductSetup":                                             of(ingestion.ProductSetup{}),
		"Products.BaseProduct":                                                   of(ingestion.Product{}),
		"Properties.AzureProperty":                                               of(ingestion.Property{}),
		"Properties.BaseProperty":                                                of(ingestion.Property{}),
		"Properties.CustomAmendment":                                             of(ingestion.CustomAmendment{}),
		"Properties.Tenant":                                                      member,
		"Reseller.ResellerConfiguration":                                         of(ingestion.ResellerConfiguration{}),
		"Submissions.CertificationReport":                                        of(ingestion.CertificationReport{}),
		"Submissions.PendingUpdateInfo":                                          of(ingestion.PendingUpdate{}),
		"Submissions.PublishOption":                                              of(ingestion.PublishOption{}),
		"Submissions.Submission":                                                 of(ingestion.Submission{}),
		"Submissions.SubmissionCreationRequest":                                  of(ingestion.SubmissionRequest{}),
		"Submissions.ValidationItem":                                             of(ingestion.ValidationItem{}),
		"Submissions.VariantResource":                                            of(ingestion.VariantResource{}),
		"Submissions.WorkflowDetail":                                             of(ingestion.WorkflowDetail{}),
		"Submissions.WorkflowStepDetail":                                         of(ingestion.WorkflowStep{}),
		"Variants.AzureGovernmentCertification":                                  of(ingestion.GovernmentCertification{}),
		"Variants.AzureSkuVariant":                                               of(ingestion.Variant{}),
		"Variants.AzureTestDriveVariant":                                         of(ingestion.Variant{}),
		"Variants.BaseVariant":                                                   of(ingestion.Variant{}),
		"Variants.ValidationResult":                                              of(ingestion.ValidationResult{}),
		"LeadManagement.DynamicsCustomerRelationshipManagementLeadConfiguration": of(ingestion.DynamicsLeads{}),
	}
}

// short takes the common prefixes off the names of schemas.
func short(name string) string {
	for _, prefix := range []string{"#/components/schemas/", "Microsoft.Ingestion.Api.Models.", "Microsoft.Ingestion.Api.DataModel."} {
		name = strings.ReplaceAll(name, prefix, "")
	}
	return name
}

func checkSchemas(t *testing.T, api openAPI, excused *excuses) {
	t.Helper()
	schemas := map[string]schema{}
	for name, s := range api.Components.Schemas {
		schemas[short(name)] = s
	}
	c := &schemaCheck{t: t, schemas: schemas, types: counterparts(), values: constants(t), excused: excused}
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		goType, known := c.types[name]
		switch {
		case known:
			delete(c.types, name)
			c.members(name, goType)
		case strings.HasPrefix(name, "Common.PagedCollection_"): // a page of something
		case name == "Common.PagedCollection":
			for property := range c.properties(name) {
				if !excused.has(name + "." + property) {
					t.Errorf("%s.%s has no counterpart", name, property)
				}
			}
		case !excused.has(name):
			t.Errorf("schema %s has no counterpart", name)
		}
	}
	for name := range c.types {
		t.Errorf("there is no schema %s", name)
	}
	if len(schemas) != 102 {
		t.Errorf("the schema has %d types; this package was made for 102", len(schemas))
	}
}

type schemaCheck struct {
	t       *testing.T
	schemas map[string]schema
	types   map[string]reflect.Type
	values  map[string][]string
	excused *excuses
}

// properties flattens what a schema is made of.
func (c *schemaCheck) properties(name string) map[string]schema {
	out := map[string]schema{}
	var add func(schema)
	add = func(s schema) {
		if s.Ref != "" {
			s = c.schemas[short(s.Ref)]
		}
		for _, part := range s.AllOf {
			add(part)
		}
		maps.Copy(out, s.Properties)
	}
	add(c.schemas[name])
	return out
}

func (c *schemaCheck) members(name string, goType reflect.Type) {
	for _, property := range slices.Sorted(maps.Keys(c.properties(name))) {
		s := c.properties(name)[property]
		field, found := fieldFor(goType, property)
		if !found {
			resource := goType != reflect.TypeFor[ingestion.Branch]()
			switch {
			case property == "resourceType":
				c.constantType(name, goType, s)
			case resource && (property == "id" || property == "@odata.etag"): // Resource.ID, Resource.ETag
			case !c.excused.has(name + "." + property):
				c.t.Errorf("%s.%s has no counterpart in %s", name, property, goType)
			}
			continue
		}
		if !c.fits(s, field.Type) {
			c.t.Errorf("%s.%s is a %s, which %s.%s, a %s, cannot hold", name, property, s.Type, goType, field.Name, field.Type)
		}
		c.enum(name, property, s, field.Type)
	}
}

// constantType checks types that write their resourceType by themselves.
func (c *schemaCheck) constantType(name string, goType reflect.Type, s schema) {
	raw, err := ingestion.EncodeForTest(reflect.New(goType).Interface())
	var written struct {
		ResourceType string `json:"resourceType"`
	}
	if err == nil {
		err = json.Unmarshal(raw, &written)
	}
	if err != nil || len(s.Enum) > 0 && !slices.Contains(s.Enum, written.ResourceType) || written.ResourceType == "" {
		c.t.Errorf("%s writes the resourceType %q, the schema has %q (%v)", goType, written.ResourceType, s.Enum, err)
	}
	_ = name
}

func (c *schemaCheck) enum(name, property string, s schema, goType reflect.Type) {
	if s.Items != nil && len(s.Items.Enum) > 0 {
		c.t.Errorf("%s.%s: enums inside arrays are not expected here", name, property)
	}
	if len(s.Properties) > 0 {
		c.categories(name, property, s)
	}
	for _, value := range s.Enum {
		if !slices.Contains(c.values[goType.Name()], value) && !c.excused.has(name+"."+property+" "+strconv.Quote(value)) {
			c.t.Errorf("%s.%s can be %q, for which %s has no constant", name, property, value, goType)
		}
	}
}

// categories checks the one enum that is an object of arrays.
func (c *schemaCheck) categories(name, property string, s schema) {
	for category, items := range s.Properties {
		if !slices.Contains(c.values["Category"], category) {
			c.t.Errorf("%s.%s has the category %q, for which there is no constant", name, property, category)
		}
		if want := items.Items.Enum; !slices.Equal(want, ingestion.Category(category).Subcategories()) {
			c.t.Errorf("subcategories of %s: %q, want %q", category, ingestion.Category(category).Subcategories(), want)
		}
	}
}

func fieldFor(goType reflect.Type, property string) (reflect.StructField, bool) {
	for f := range goType.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name == property {
			return f, true
		}
	}
	return reflect.StructField{}, false
}

// fits reports whether a Go type can hold what a schema describes.
func (c *schemaCheck) fits(s schema, goType reflect.Type) bool {
	if goType.Kind() == reflect.Pointer {
		goType = goType.Elem()
	}
	if s.Ref != "" {
		target := short(s.Ref)
		if want, ok := counterparts()[target]; ok {
			return want == goType
		}
		return target == "Availabilities.PreviewMarketplaceGroup" && goType == reflect.TypeFor[ingestion.AudienceGroup]()
	}
	switch {
	case s.Type == "string" && s.Format == "date-time":
		return goType == reflect.TypeFor[time.Time]()
	case s.Type == "string":
		return goType.Kind() == reflect.String || goType == reflect.TypeFor[partnercenter.Secret]()
	case s.Type == "boolean":
		return goType.Kind() == reflect.Bool
	case s.Type == "integer", s.Type == "number" && s.Format == "long":
		return goType.Kind() == reflect.Int || goType.Kind() == reflect.Int64
	case s.Type == "number":
		return goType == reflect.TypeFor[decimal.Decimal]()
	case s.Type == "array":
		return goType.Kind() == reflect.Slice && c.fits(*s.Items, goType.Elem())
	case len(s.Properties) > 0:
		return goType.Kind() == reflect.Map && goType.Key() == reflect.TypeFor[ingestion.Category]()
	default:
		return false
	}
}
