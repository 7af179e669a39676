// Package tabular reads exported files: it finds out what a download is (zip,
// gzip or plain text), takes the delimited files out of it, and decodes their
// rows into structs.
//
// What a file is gets decided by its bytes and never by its name, because the
// service promises neither. The memory that is needed does not grow with the
// file.
package tabular
