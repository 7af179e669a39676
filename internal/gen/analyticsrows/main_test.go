package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected files")

// The list in testdata is invented. It has a column of every type.
func TestOutputIsAsExpected(t *testing.T) {
	dir := t.TempDir()
	rows, datasets := filepath.Join(dir, "rows.go"), filepath.Join(dir, "datasets.go")
	if err := run([]string{"-spec", "testdata/datasets.json", "-rows", rows, "-datasets", datasets}, io.Discard); err != nil {
		t.Fatal(err)
	}
	for got, golden := range map[string]string{rows: "testdata/rows.golden", datasets: "testdata/datasets.golden"} {
		made, err := os.ReadFile(got)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(golden, made, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		// Descriptions are other people's sentences. Comments are composed of names and
		// types.
		if bytes.Contains(made, []byte("prose")) {
			t.Errorf("%s has the description of a column in it", golden)
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(made)); diff != "" {
			t.Errorf("%s (-want +got), -update accepts it:\n%s", golden, diff)
		}
	}
}

// What is committed is what the generator makes today.
func TestCommittedFilesAreUpToDate(t *testing.T) {
	dir := os.Getenv("PARTNERCENTER_SPEC")
	if dir == "" {
		t.Skip("PARTNERCENTER_SPEC names no folder with the wire specification")
	}
	list, err := load(filepath.Join(dir, "analytics-datasets.json"))
	if err != nil {
		t.Fatal(err)
	}
	for file, render := range map[string]func([]dataset) ([]byte, error){
		"../../../analytics/rows_gen.go":             renderRows,
		"../../../analytics/query/documented_gen.go": renderDatasets,
	} {
		want, err := render(list)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the generator makes: run go generate ./internal/gen/analyticsrows (-want +got)\n%s",
				file, cmp.Diff(string(want), string(got)))
		}
	}
}

func TestMistakesInTheListAreReported(t *testing.T) {
	for _, c := range []struct{ name, list, want string }{
		{"no JSON", `{`, "unexpected end of JSON"},
		{"nothing", `{"programs": {}}`, "there are no datasets"},
		{"twice", `{"programs": {"cmp": {"datasets": [{"name": "A"}, {"name": "a"}]}}}`, "two datasets"},
		{"clash", `{"programs": {"cmp": {"datasets": [{"name": "A", "columns": [{"name": "x_y", "type": "string"}, {"name": "xY", "type": "string"}]}]}}}`, "two columns would have the field XY"},
		{"meta", `{"programs": {"cmp": {"datasets": [{"name": "A", "columns": [{"name": "RowMeta", "type": "string"}]}]}}}`, "the field RowMeta"},
		{"type", `{"programs": {"cmp": {"datasets": [{"name": "A", "columns": [{"name": "x", "type": "float"}]}]}}}`, `the type "float" is unknown`},
		{"metric", `{"programs": {"cmp": {"datasets": [{"name": "A", "metrics": [{"name": "x"}]}]}}}`, `the type "" is unknown`},
		{"additional", `{"programs": {"cmp": {"datasets": [{"name": "A", "additionalColumns": [{"name": "x"}]}]}}}`, `the type "" is unknown`},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			spec := filepath.Join(dir, "spec.json")
			if err := os.WriteFile(spec, []byte(c.list), 0o600); err != nil {
				t.Fatal(err)
			}
			err := run([]string{"-spec", spec, "-rows", filepath.Join(dir, "a.go"), "-datasets", filepath.Join(dir, "b.go")}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if made, err := filepath.Glob(filepath.Join(dir, "*.go")); err != nil || len(made) > 0 {
				t.Errorf("files were written: %v %v", made, err)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"-spec", "x"}, {"-nonsense"}, {"-spec", "nowhere.json", "-rows", "x", "-datasets", "y"}} {
		if err := run(args, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
}

func TestWords(t *testing.T) {
	for _, c := range []struct{ column, field, phrase string }{
		{"OfferName", "OfferName", "offer name"},
		{"MarketplaceSubscriptionId", "MarketplaceSubscriptionID", "marketplace subscription ID"},
		{"SKU", "SKU", "SKU"}, {"Sku", "SKU", "SKU"}, {"SkuBillingType", "SKUBillingType", "SKU billing type"},
		{"SKUBillingType", "SKUBillingType", "SKU billing type"},
		{"EstimatedExtendedChargePC", "EstimatedExtendedChargePC", "estimated extended charge PC"},
		{"PGAMpnId", "PGAMPNID", "PGA MPN ID"}, {"CustomerTPid", "CustomerTPID", "customer TPID"}, {"CustomerTpid", "CustomerTPID", "customer TPID"},
		{"ACR_USD", "ACRUSD", "ACR USD"}, {"AI_OfferType", "AIOfferType", "AI offer type"},
		{"ServiceLevel1", "ServiceLevel1", "service level1"}, {"D365FOCluster", "D365FOCluster", "D365FO cluster"},
		{"lastModifiedAt", "LastModifiedAt", "last modified at"}, {"month", "Month", "month"}, {"ResourceUri", "ResourceURI", "resource URI"},
	} {
		if got := goName(c.column); got != c.field {
			t.Errorf("the field of %s is %s, want %s", c.column, got, c.field)
		}
		if got := phrase(c.column); got != c.phrase {
			t.Errorf("%s reads %q, want %q", c.column, got, c.phrase)
		}
	}
}
