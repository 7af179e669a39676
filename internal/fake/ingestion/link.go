package ingestion

import (
	"fmt"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
)

// fileBase is where the numbers of files begin.
const fileBase = 3_046_000_000_000_000_000

// uploadLink is a link that a file can be written to.
func (s *Server) uploadLink(x *exchange, path string) string {
	return s.cfg.Blobs.UploadLink(x.blobs, path, "rwl", x.settings.LinkLifetime)
}

// readLink is a link for reading. Its query begins with a time without a name, as
// recorded in 2023.
func (s *Server) readLink(x *exchange, path string) string {
	return s.cfg.Blobs.StampedLink(x.blobs, path, "rl", x.settings.ReadLinkLifetime)
}

// reportLink is a link to the report of a certification, which is made when it is
// asked for.
func (s *Server) reportLink(x *exchange, sub *submission) string {
	path := fmt.Sprintf("/reports/%s.html", sub.ID)
	if !s.cfg.Blobs.Has(path) {
		page := "<html><body><h1>Certification report of submission " + sub.ID + "</h1></body></html>\n"
		_ = s.cfg.Blobs.Put(path, blob.Bytes([]byte(page)), x.now, blob.Properties{ContentType: "text/html"}) // in memory: cannot fail
	}
	return s.cfg.Blobs.UploadLink(x.blobs, path, "r", x.settings.ReadLinkLifetime)
}
