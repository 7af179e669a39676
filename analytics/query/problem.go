package query

import (
	"fmt"
	"strings"
)

// Severity says whether a query with the problem can work.
type Severity int

const (
	// Warning is a problem that the service accepts, or that it may accept as far
	// as its documentation lets one know.
	Warning Severity = iota + 1
	// Error is a problem with which the service refuses the query.
	Error
)

// String returns "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("Severity(%d)", int(s))
}

// Code is the kind of a [Problem]. More may be added.
type Code string

// Problems of the text, whatever the datasets are.
const (
	// CodeEmpty is a text without a query in it.
	CodeEmpty Code = "empty"
	// CodeEncoding is text that is not UTF-8, or a letter or blank that only looks
	// like the right one.
	CodeEncoding Code = "encoding"
	// CodeSyntax is anything unexpected that has no code of its own.
	CodeSyntax Code = "syntax"
	// CodeMissingSelect is a text that does not begin with SELECT.
	CodeMissingSelect Code = "missing-select"
	// CodeMissingFrom is a query without FROM.
	CodeMissingFrom Code = "missing-from"
	// CodeEmptySelect is a SELECT without columns.
	CodeEmptySelect Code = "empty-select"
	// CodeStar is SELECT *.
	CodeStar Code = "star"
	// CodeFunction is a call such as SUM(x), or a name with parentheses.
	CodeFunction Code = "function"
	// CodeAlias is another name for a column or dataset.
	CodeAlias Code = "alias"
	// CodeQualifiedName is a name with a prefix and a dot.
	CodeQualifiedName Code = "qualified-name"
	// CodeQuotedName is a name in quotes or brackets.
	CodeQuotedName Code = "quoted-name"
	// CodeSubquery is a query in parentheses.
	CodeSubquery Code = "subquery"
	// CodeManyDatasets is a second dataset, with or without JOIN.
	CodeManyDatasets Code = "many-datasets"
	// CodeGrouping is GROUP BY or HAVING.
	CodeGrouping Code = "grouping"
	// CodeOr is OR between conditions.
	CodeOr Code = "or"
	// CodeParentheses are parentheses around conditions.
	CodeParentheses Code = "parentheses"
	// CodeBetween is BETWEEN.
	CodeBetween Code = "between"
	// CodeIsNull is IS NULL or NULL.
	CodeIsNull Code = "is-null"
	// CodeNot is NOT in front of a condition.
	CodeNot Code = "not"
	// CodeOperator is an operator that the language does not have.
	CodeOperator Code = "operator"
	// CodeUnquoted is text, or a date, that lacks its quotes.
	CodeUnquoted Code = "unquoted"
	// CodeQuotes are quotes other than the straight single one.
	CodeQuotes Code = "quotes"
	// CodeUnterminated is text without its closing quote.
	CodeUnterminated Code = "unterminated"
	// CodeNumber is a number in a form that the language does not have.
	CodeNumber Code = "number"
	// CodeEmptyList is IN with nothing in it.
	CodeEmptyList Code = "empty-list"
	// CodeMixedList is a list with both numbers and strings.
	CodeMixedList Code = "mixed-list"
	// CodeList is a list where none belongs, or a single value where one does.
	CodeList Code = "list"
	// CodeRightSide is a column on the right side of a condition.
	CodeRightSide Code = "right-side"
	// CodeDirection is a direction other than ASC and DESC.
	CodeDirection Code = "direction"
	// CodeLimit is a LIMIT that is no positive whole number, or (a warning) an
	// unusually large one.
	CodeLimit Code = "limit"
	// CodeTimespan is a TIMESPAN that is no known word, or none of the dataset's.
	CodeTimespan Code = "timespan"
	// CodeClauseOrder is a clause behind one that it has to precede.
	CodeClauseOrder Code = "clause-order"
	// CodeRepeatedClause is a clause that is there twice.
	CodeRepeatedClause Code = "repeated-clause"
	// CodeComment is a comment.
	CodeComment Code = "comment"
	// CodeSemicolon is a semicolon.
	CodeSemicolon Code = "semicolon"
	// CodeTooMany is the last of the problems of a text that has too many.
	CodeTooMany Code = "too-many"
)

// Problems that are found with the help of a [Catalog].
const (
	// CodeDataset is a dataset that the catalog does not have.
	CodeDataset Code = "dataset"
	// CodeColumn is a name that is neither column nor metric of the dataset.
	CodeColumn Code = "column"
	// CodeDisputed (a warning) is a column that the documentation uses although the
	// dataset does not list it.
	CodeDisputed Code = "disputed"
	// CodeDomain (a warning) is a value that no cell of the column has, such as
	// 'Yes' for a column of zeros and ones. The service answers with no rows.
	CodeDomain Code = "domain"
)

// Warnings about texts that are well formed.
const (
	// CodeRepeatedColumn is a column that is selected twice.
	CodeRepeatedColumn Code = "repeated-column"
	// CodeDistinct is a DISTINCT that changes nothing.
	CodeDistinct Code = "distinct"
	// CodeQuoteInText is a quote inside of text, which the documentation has no
	// notation for.
	CodeQuoteInText Code = "quote-in-text"
	// CodePattern is a LIKE whose pattern may not mean what it seems to.
	CodePattern Code = "pattern"
)

// Problem is one mistake in a query, and what to write instead.
type Problem struct {
	// Code is the kind of mistake.
	Code Code
	// Severity tells mistakes from doubts.
	Severity Severity
	// Offset and End are the byte offsets of the first character concerned and of
	// the one behind the last.
	Offset, End int
	// Line and Column are the place of Offset for people, both counted from 1. A
	// column is a character, not a byte.
	Line, Column int
	// Message says what is wrong, and what to do where no text can be suggested.
	Message string
	// Suggestion is the text to write in place of Offset to End. It is empty when
	// there is none.
	Suggestion string
}

// Error returns line, column, message and suggestion in one line.
func (p Problem) Error() string {
	s := fmt.Sprintf("query:%d:%d: %s", p.Line, p.Column, p.Message)
	if p.Suggestion != "" {
		s += "; write " + shorten(p.Suggestion, 200)
	}
	if p.Severity == Warning {
		s += " (warning)"
	}
	return s
}

// Problems are the mistakes in one query, in the order of the text. As an error it
// is what [Parse] and [Problems.Err] return; [errors.AsType] finds both the list
// and its first [Problem].
type Problems []Problem

// Error returns the first mistake and the number of others.
func (ps Problems) Error() string {
	switch len(ps) {
	case 0:
		return "query: no problems"
	case 1:
		return ps[0].Error()
	}
	first := ps[0]
	if errs := ps.Errors(); len(errs) > 0 {
		first = errs[0]
	}
	return fmt.Sprintf("%s (and %d more)", first.Error(), len(ps)-1)
}

// Unwrap returns the problems one by one.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// Errors returns the problems with which the service refuses the query.
func (ps Problems) Errors() Problems { return ps.with(Error) }

// Warnings returns the others.
func (ps Problems) Warnings() Problems { return ps.with(Warning) }

func (ps Problems) with(s Severity) Problems {
	var out Problems
	for _, p := range ps {
		if p.Severity == s {
			out = append(out, p)
		}
	}
	return out
}

// Err returns the problems as an error when one of them is more than a warning,
// and nil otherwise.
func (ps Problems) Err() error {
	for _, p := range ps {
		if p.Severity == Error {
			return ps
		}
	}
	return nil
}

// Explain lists the problems for a terminal: each with the line of the text that
// it is about, and a caret below the place. The text is the one that was checked.
func (ps Problems) Explain(text string) string {
	var b strings.Builder
	for i, p := range ps {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%d:%d: %v: %s\n", p.Line, p.Column, p.Severity, p.Message)
		b.WriteString(excerpt(text, p))
		if p.Suggestion != "" {
			fmt.Fprintf(&b, "  write: %s\n", visible(p.Suggestion))
		}
	}
	return b.String()
}
