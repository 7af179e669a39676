// Package header reads and writes the HTTP headers that the API pipeline and the
// sign-in requests have in common.
package header
