// Package entra is a small, stateful stand-in for Microsoft Entra ID: the token
// endpoints, the documents that clients read before they use them, and a check
// for the tokens it has issued.
//
// It speaks the wire of the identity platform's v1 and v2 endpoints as Microsoft
// Learn describes them (https://learn.microsoft.com/entra/identity-platform/), with
// real RS256 tokens, and answers mistakes with the AADSTS codes of
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes. Three
// things are inventions of the fake, because no source describes them: the wording of
// descriptions, the length of a lock-out (one minute) and the number of wrong
// passwords that leads to one (ten, as Entra's smart lock-out counts by default).
//
// Grants live in files of their own (grant_*.go) and are entered in one table
// (grants.go), so that another flow is another file.
package entra
