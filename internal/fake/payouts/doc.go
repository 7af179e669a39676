// Package payouts is a fake of the earnings and payments export API of Partner
// Center: the six operations, the $filter language, executed on synthetic data,
// and the files that the exports lead to.
//
// It rests on the Learn pages "Create earnings export request" and its siblings
// (https://learn.microsoft.com/partner-center/developer/manage-earnings), on the
// REST reference "Partner Payouts" and, for the columns, on the report pages
// "Earnings reports" and "Payments report". What those leave open and the fake
// had to decide is marked in the comments as the fake's choice.
package payouts
