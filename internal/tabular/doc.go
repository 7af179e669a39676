// Package tabular reads exported files: it finds out what a download is (zip,
// gzip or plain text), takes the delimited files out of it, and decodes their
// rows into structs.
//
// What a file is gets decided by its bytes and never by its name, because the
// service promises neither. The memory that is needed does not grow with the
// file.
//
// Rows pass through a pipeline: a goroutine for each open file inflates it and
// splits it into records, workers decode batches of these, and the caller's loop
// takes them in order. See pipeline.go for the whole, splitter.go for records and
// bind.go for cells.
package tabular
