// Package rules tests what holds for the whole repository and no compiler checks:
// every exported name is documented, and imports point one way.
package rules
