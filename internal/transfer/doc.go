// Package transfer fetches one file from a blob store by its pre-signed link, or
// puts one there, so that what arrives is the file, whole and of one version, or an
// error.
//
// [Open] reads at any offset; [DownloadFile] writes to disk and survives a crash.
// Both stand on the same layers, the outermost first:
//
//   - open.go with cursor.go and ahead.go, or download.go with its part file and
//     sidecar and, for several connections, crew.go, board.go and governor.go:
//     which bytes are wanted next, and by how many requests at a time;
//   - fetcher.go: whether a failure can be mended, how often and how soon;
//   - request.go with checksum.go: one range request, its checks, its body;
//   - link.go: the link that is good now;
//   - [Doer]: the wire, with retries below it.
//
// [Upload] puts a file there, whole or in blocks: upload_file.go cuts and names the
// blocks, upload_blocks.go sends them, upload_list.go asks for and commits them, and
// upload_wire.go decides which failures can be mended, as fetcher.go does.
//
// Offsets and lengths count the bytes as the store holds them. A file stored with
// Content-Encoding: gzip arrives as gzip; unpacking is the reader's business.
package transfer
