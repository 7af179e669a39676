// Package foreigntest holds the emulator against clients that were not written for it, and
// know nothing of this module: curl, Python's requests, Microsoft's sign-in library for
// Node and its storage client. They run unmodified: only what their names resolve to and
// which certificate authority they trust is told to them.
package foreigntest
