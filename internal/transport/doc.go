// Package transport is the request pipeline that all API packages share.
//
// A call passes these stages, each in a file of its own, the outermost first:
// ids (Client-Request-ID, ms-correlationid, ms-requestid), retry, auth, origin
// guard, logging, wire. go-retryablehttp drives the retry stage; the policy is
// this package's own.
//
// Blob traffic, which is authorised by its URL, goes through a second pipeline
// without ids and credentials: see [Blob].
package transport
