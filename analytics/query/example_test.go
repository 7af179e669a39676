package query_test

import (
	"errors"
	"fmt"

	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// A text is checked before it is sent: against the service's own list of datasets
// in production, against the documented one here.
func ExampleCheck() {
	catalog := query.NewCatalog(query.AllDocumented()...)
	const text = `SELECT OfferNmae, NormalizedUsage FROM ISVUsage
WHERE SKUBillingType == 'Paid' AND IsPrivateOffer = 'Yes'`

	_, problems := query.Check(text, catalog)
	fmt.Print(problems.Explain(text))
	fmt.Println("refused:", problems.Err() != nil)
	// Output:
	// 1:8: error: ISVUsage has no column or metric OfferNmae; did you mean OfferName?
	//   SELECT OfferNmae, NormalizedUsage FROM ISVUsage
	//          ^^^^^^^^^
	//   write: OfferName
	//
	// 2:22: error: the operator is =, not ==
	//   WHERE SKUBillingType == 'Paid' AND IsPrivateOffer = 'Yes'
	//                        ^^
	//   write: =
	//
	// 2:53: warning: IsPrivateOffer is 1 or 0
	//   WHERE SKUBillingType == 'Paid' AND IsPrivateOffer = 'Yes'
	//                                                       ^^^^^
	//   write: '1'
	// refused: true
}

func ExampleParse() {
	q, err := query.Parse("select AssetId, Quantity from ISVOrder where Quantity >= 100 order by Quantity limit 5")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(q.Columns(), q.Dataset(), q.Limit())
	for _, c := range q.Conditions() {
		fmt.Println(c.Column(), c.Op(), c.Values())
	}
	fmt.Println("greatest first:", q.Orders()[0].Descending())
	fmt.Println(q)
	// Output:
	// [AssetId Quantity] ISVOrder 5
	// Quantity >= [100]
	// greatest first: true
	// SELECT AssetId, Quantity FROM ISVOrder WHERE Quantity >= 100 ORDER BY Quantity LIMIT 5
}

// Every problem is an error of its own, with its place in the text.
func ExampleProblem() {
	_, err := query.Parse("SELECT AssetId FROM ISVOrder WHERE OrderStatus = ‘Active’")
	if p, ok := errors.AsType[query.Problem](err); ok {
		fmt.Println(p.Code, p.Line, p.Column, p.Suggestion)
	}
	fmt.Println(err)
	// Output:
	// quotes 1 50 'Active'
	// query:1:50: text stands between straight single quotes ('), as typed on a keyboard; write 'Active'
}

func ExampleSelect() {
	paid := query.Select("OfferName", "NormalizedUsage").From("ISVUsage").Where(query.Eq("SKUBillingType", "Paid"))

	top, err := paid.Where(query.In("OfferType", "SaaS", "Azure Applications")).
		OrderBy(query.Desc("NormalizedUsage")).Limit(10).Timespan(query.LastMonth).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(top)

	// What a user has typed is a value, never a part of the text.
	found, err := paid.Where(query.Eq("OfferName", "x' OR 'a' = 'a")).Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(found.Conditions()[1])

	_, err = paid.Select("Usage; DROP").Build()
	fmt.Println(err)
	// Output:
	// SELECT OfferName, NormalizedUsage FROM ISVUsage WHERE SKUBillingType = 'Paid' AND OfferType IN ('SaaS', 'Azure Applications') ORDER BY NormalizedUsage DESC LIMIT 10 TIMESPAN LAST_MONTH
	// OfferName = 'x'' OR ''a'' = ''a'
	// query: column 3: "Usage; DROP" is no name: names have ASCII letters, digits and underscores and do not begin with a digit
}

// A stored query is not made again when it says the same already.
func ExampleEqual() {
	const stored = "SELECT OfferName FROM ISVUsage\r\nWHERE OfferType IN ('SaaS', 'VM') AND RawUsage > 0"
	const wanted = "select OfferName from ISVUsage where RawUsage > 0 and OfferType in ('vm', 'saas') timespan last_6_months"
	fmt.Println(query.Equal(stored, wanted))
	// Output: true
}

// The service lists names only; types are added where the documentation has them.
func ExampleDescribe() {
	d := query.Describe("ISVOrder", []string{"AssetId", "Quantity", "IsTrial"}, nil, []string{"LAST_MONTH", "LIFETIME"})
	catalog := query.NewCatalog(d)
	_, problems := query.Check("SELECT OrderId FROM ISVOrder WHERE IsTrial = 1 TIMESPAN TODAY", catalog)
	for _, p := range problems {
		fmt.Printf("%v %s: %s\n", p.Severity, p.Code, p.Message)
	}
	// Output:
	// warning disputed: OrderId is not among the columns that ISVOrder lists, although the documentation uses it: the service may refuse it
	// warning domain: IsTrial is 'True' or 'False'
	// error timespan: ISVOrder has no TIMESPAN TODAY, only LAST_MONTH, LIFETIME
}
