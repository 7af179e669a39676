package ingestion

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// roots are the types that are read or written as a whole.
func roots() []any {
	return []any{
		Product{}, ProductSetup{}, Branch{}, ProductAvailability{}, FeatureAvailability{}, Property{}, Listing{}, ListingImage{},
		ListingVideo{}, ListingAsset{}, Package{}, Variant{}, Submission{}, SubmissionRequest{}, ValidationItem{}, CertificationReport{},
		WorkflowDetail{}, ResellerConfiguration{}, SupplementalContent{}, CosellAsset{}, CosellListing{},
		ManagedApplicationConfiguration{}, SolutionTemplateConfiguration{}, ApplicationConfiguration{}, BusinessCentralConfiguration{},
		CustomerEngagementConfiguration{}, OperationsConfiguration{}, ResourceManagerTestDrive{}, BusinessCentralTestDrive{},
		CustomerEngagementTestDrive{}, OperationsTestDrive{}, UnknownConfiguration{},
		AzureTableLeads{}, AzureBlobLeads{}, DynamicsLeads{}, HTTPSEndpointLeads{}, MarketoLeads{}, SalesforceLeads{}, UnknownLeads{},
	}
}

// The codec goes by conventions that the compiler does not know.
func TestEveryTypeFollowsTheConventionsOfTheCodec(t *testing.T) {
	t.Parallel()
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		switch typ {
		case secretType(), timeType(), decimalType(), rawType():
			return
		}
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(typ.Elem())
		case reflect.Map:
			if typ.Key().Kind() != reflect.String {
				t.Errorf("%s: the key is no text", typ)
			}
			visit(typ.Elem())
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		case reflect.Struct:
			if seen[typ] {
				return
			}
			seen[typ] = true
			if !isObject(typ) {
				t.Errorf("%s does not begin with Object", typ)
				return
			}
			names := map[string]bool{}
			for i := 1; i < typ.NumField(); i++ {
				f := typ.Field(i)
				name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
				if name == "" || !f.IsExported() || options != "" && options != "omitzero" {
					t.Errorf("%s.%s: tag %q", typ, f.Name, f.Tag)
				}
				if names[strings.ToLower(name)] {
					t.Errorf("%s has %q twice", typ, name)
				}
				names[strings.ToLower(name)] = true
				if f.Type == secretType() && !secretName(name) {
					t.Errorf("%s.%s: %q is a secret that redacted does not know", typ, f.Name, name)
				}
				if f.Type == secretType() && options != "omitzero" {
					t.Errorf("%s.%s would be sent empty", typ, f.Name)
				}
				visit(f.Type)
			}
		default:
			t.Errorf("%s is of a kind that the codec does not know", typ)
		}
	}
	for _, r := range roots() {
		visit(reflect.TypeOf(r))
	}
	for name := range structsWithObject(t) {
		found := false
		for typ := range seen {
			found = found || typ.Name() == name
		}
		if !found {
			t.Errorf("%s is missing from roots", name)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d types were seen", len(seen))
	}
}

// structsWithObject finds in the source every struct that embeds Object.
func structsWithObject(t *testing.T) map[string]bool {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, name := range names {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			s, ok := spec.Type.(*ast.StructType)
			if ok && len(s.Fields.List) > 0 {
				if id, ok := s.Fields.List[0].Type.(*ast.Ident); ok && id.Name == "Object" && len(s.Fields.List[0].Names) == 0 {
					found[spec.Name.Name] = true
				}
			}
			return true
		})
	}
	return found
}

func TestWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	if decodeValue([]byte("1.5"), reflect.ValueOf(new(float64)).Elem()) {
		t.Error("a float was read")
	}
	if _, err := encodeValue(reflect.ValueOf(1.5)); err == nil {
		t.Error("a float was sent")
	}
	if _, err := decodeItem[int]([]byte("{}")); err == nil {
		t.Error("a number was taken for an item")
	}
	if _, err := parseDocument([]byte(`{} x`)); err == nil {
		t.Error("text behind an object was read over")
	}
	if got := lastSegment("https://x/a/b/?c=/d"); got != "b" {
		t.Errorf("last segment %q", got)
	}
	if Category("new").Subcategories() != nil {
		t.Error("subcategories of an unknown category")
	}
}
