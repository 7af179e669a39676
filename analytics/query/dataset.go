package query

// Dataset describes a dataset to the check. [Describe] makes one of what the
// service lists, [Documented] of what its documentation says.
type Dataset struct {
	// Name is the name behind FROM.
	Name string
	// Columns are the plain columns. When there are neither columns nor metrics,
	// names are not checked.
	Columns []Column
	// Metrics are the columns that are aggregated over the others.
	Metrics []Column
	// DateRanges are the words allowed behind TIMESPAN. When there are none, the
	// documented ones are.
	DateRanges []Timespan
	// Disputed are names that the documentation uses although the list of the
	// dataset lacks them: they cause a warning in place of an error.
	Disputed []Column
	// Uncertain says that the description may be wrong: other names than the listed
	// ones cause warnings in place of errors.
	Uncertain bool
}

// Column is a column or metric of a [Dataset].
type Column struct {
	// Name is the name as the dataset spells it. Queries may use any case.
	Name string
	// Type is what its cells hold, empty when that is not known.
	Type ColumnType
}

// ColumnType says what the cells of a column hold. The service publishes names
// only; types are what the documentation says or lets one conclude.
type ColumnType string

// The types. More may be added; treat unknown ones as text.
const (
	// TypeString is text.
	TypeString ColumnType = "string"
	// TypeEnum is one of a few words.
	TypeEnum ColumnType = "enum"
	// TypeGUID is a GUID as text.
	TypeGUID ColumnType = "guid"
	// TypeInteger is a whole number.
	TypeInteger ColumnType = "integer"
	// TypeDecimal is a number with or without a fraction.
	TypeDecimal ColumnType = "decimal"
	// TypeDate is a day.
	TypeDate ColumnType = "date"
	// TypeDateTime is an instant in UTC.
	TypeDateTime ColumnType = "datetime"
	// TypeFlag is 1 or 0.
	TypeFlag ColumnType = "flag01"
	// TypeYesNo is Yes or No.
	TypeYesNo ColumnType = "yesno"
	// TypeBoolean is True or False.
	TypeBoolean ColumnType = "boolean"
)

// Describe returns the description of a dataset as the service lists it: by names.
// Types, and names in dispute, are filled in where the documentation has them.
//
// https://learn.microsoft.com/partner-center/insights/analytics-api-get-all-datasets
func Describe(name string, columns, metrics, dateRanges []string) Dataset {
	d := Dataset{Name: name}
	published, _ := Documented(name)
	types := make(map[string]ColumnType, len(published.Columns)+len(published.Metrics))
	listed := make(map[string]bool, len(columns)+len(metrics))
	for _, list := range [][]Column{published.Disputed, published.Columns, published.Metrics} {
		for _, c := range list {
			types[fold(c.Name)] = c.Type
		}
	}
	take := func(names []string) []Column {
		out := make([]Column, len(names))
		for i, n := range names {
			out[i] = Column{Name: n, Type: types[fold(n)]}
			listed[fold(n)] = true
		}
		return out
	}
	d.Columns, d.Metrics = take(columns), take(metrics)
	for _, c := range published.Disputed {
		if !listed[fold(c.Name)] {
			d.Disputed = append(d.Disputed, c)
		}
	}
	for _, r := range dateRanges {
		d.DateRanges = append(d.DateRanges, Timespan(r))
	}
	return d
}
