// Package admin is the way to look into the fakes and to steer them while they serve:
// a small JSON API and a page that uses it. Nothing of it is Partner Center's.
package admin
