package main

import (
	"bytes"
	"fmt"
	"go/format"
	"strings"
)

// renderDatasets returns the file with the description of every dataset.
func renderDatasets(list []dataset) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(header + "package query\n\n")
	b.WriteString("// documentedNames returns the names of all documented datasets.\n")
	b.WriteString("func documentedNames() []string {\n\treturn []string{\n")
	for _, d := range list {
		fmt.Fprintf(&b, "\t\t%q,\n", d.Name)
	}
	b.WriteString("\t}\n}\n\n")
	b.WriteString("// documented returns the description of the dataset with that name, in lower case.\n")
	b.WriteString("func documented(name string) (Dataset, bool) {\n\tswitch name {\n")
	for _, d := range list {
		fmt.Fprintf(&b, "case %q:\nreturn Dataset{\nName: %q,\n", strings.ToLower(d.Name), d.Name)
		if err := renderColumns(&b, "Columns", d.Columns); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		if err := renderColumns(&b, "Metrics", d.Metrics); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		if len(d.DateRanges) > 0 && !d.DateRangesInferred {
			fmt.Fprintf(&b, "DateRanges: []Timespan{\"%s\"},\n", strings.Join(d.DateRanges, `", "`))
		}
		if err := renderColumns(&b, "Disputed", d.AdditionalColumns); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Name, err)
		}
		if d.deduced() {
			b.WriteString("Uncertain: true,\n")
		}
		b.WriteString("}, true\n")
	}
	b.WriteString("}\nreturn Dataset{}, false\n}\n")
	return format.Source(b.Bytes())
}

func renderColumns(b *bytes.Buffer, list string, columns []column) error {
	if len(columns) == 0 {
		return nil
	}
	fmt.Fprintf(b, "%s: []Column{\n", list)
	for _, c := range columns {
		typ, err := typeName(c.Type)
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		fmt.Fprintf(b, "{Name: %q, Type: %s},\n", c.Name, typ)
	}
	b.WriteString("},\n")
	return nil
}

// typeName returns the constant for a type. A type that is new to the list needs a
// decision, so it is an error here; in row types it would be text.
func typeName(typ string) (string, error) {
	switch typ {
	case "string":
		return "TypeString", nil
	case "enum":
		return "TypeEnum", nil
	case "guid":
		return "TypeGUID", nil
	case "integer":
		return "TypeInteger", nil
	case "decimal":
		return "TypeDecimal", nil
	case "date":
		return "TypeDate", nil
	case "datetime":
		return "TypeDateTime", nil
	case "flag01":
		return "TypeFlag", nil
	case "yesno":
		return "TypeYesNo", nil
	case "boolean":
		return "TypeBoolean", nil
	}
	return "", fmt.Errorf("the type %q is unknown: add it to package query and to this generator", typ)
}
