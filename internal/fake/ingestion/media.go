package ingestion

import (
	"bytes"
	"image/png"
	"net/http"
	"strings"
)

// States of a file.
const (
	pendingUpload = "PendingUpload"
	uploaded      = "Uploaded"
	inProcessing  = "InProcessing"
	processed     = "Processed"
	processFailed = "ProcessFailed"
)

// getMedia lists the images, videos or assets of a listing.
func (s *Server) getMedia(x *exchange, p *product, collection string) reply {
	if p.find("listings", x.arg("listing"), x.now) == nil {
		return x.missing()
	}
	var list []object
	for _, i := range p.list(collection, x.now, func(i *item) bool { return strings.EqualFold(i.Parent, x.arg("listing")) }) {
		list = append(list, s.file(x, i, s.expandedLink(x, i)))
	}
	return x.others(list)
}

// postMedia adds an image, video or asset to a listing.
func (s *Server) postMedia(x *exchange, p *product, collection string) reply {
	listing := p.find("listings", x.arg("listing"), x.now)
	if listing == nil {
		return x.missing()
	}
	return s.postFile(x, p, collection, listing.ID)
}

func (s *Server) getCosellAssets(x *exchange, p *product) reply {
	var list []object
	for _, i := range p.list("cosellassets", x.now, nil) {
		list = append(list, s.file(x, i, s.expandedLink(x, i)))
	}
	return x.others(list)
}

// postCosellAsset answers with 200, according to the OpenAPI document.
func (s *Server) postCosellAsset(x *exchange, p *product) reply {
	r := s.postFile(x, p, "cosellassets", "")
	if r.status == http.StatusCreated {
		r.status = http.StatusOK
	}
	return r
}

// postFile adds a resource with a file that is to be uploaded.
func (s *Server) postFile(x *exchange, p *product, collection, parent string) reply {
	_, body, refused := s.object(x, collection)
	if refused != nil {
		return *refused
	}
	part := filePart(collection, body)
	if part != nil && strings.TrimSpace(part.text("fileName")) == "" {
		return x.invalid(faults{"fileName": {"The fileName field is required."}})
	}
	i := &item{Collection: collection, ID: s.nextID(), Parent: parent, ETag: s.etag(x.now), Visible: x.now, File: "/file/" + s.nextNumber(fileBase)}
	if collection == "cosellassets" {
		i.Module = moduleCosell
	}
	if part != nil {
		part.del("fileSasUri")
		if state := part.text("state"); state == "" {
			part.set("state", pendingUpload)
		} else if state != pendingUpload {
			return x.invalid(faults{"state": {"The field state is invalid."}})
		}
		body = withPart(collection, body, part)
	}
	i.Body, _ = s.kinds[collection].read(body) // in order
	p.Items = append(p.Items, i)
	return ok(http.StatusCreated, s.file(x, i, s.uploadLink(x, i.File))).with("Location", x.location(i.ID)).with("Etag", i.ETag)
}

// filePart is the object that describes the file: of videos the thumbnail, if there
// is one.
func filePart(collection string, body object) object {
	if collection == "videos" {
		return body.object("thumbnail")
	}
	return body
}

func withPart(collection string, body, part object) object {
	if collection == "videos" {
		body.set("thumbnail", part)
		return body
	}
	return part
}

// file shows a resource with a link to its file; without one if the link is empty.
func (s *Server) file(_ *exchange, i *item, link string) object {
	body := i.Body.clone()
	if part := filePart(i.Collection, body); part != nil && link != "" {
		part.set("fileSasUri", link)
		body, _ = s.kinds[i.Collection].read(withPart(i.Collection, body, part)) // in order
	}
	out := &item{ID: i.ID, Body: body, ETag: i.ETag}
	return out.show()
}

// expandedLink is the link that $expand asks for, else empty. The malformed form
// that one client sends has been understood, and later been ignored.
func (s *Server) expandedLink(x *exchange, i *item) string {
	asked := x.query("$expand")
	if rest, twice := strings.CutPrefix(asked, "$expand="); twice {
		if !x.settings.LinksForMalformedExpand {
			return ""
		}
		asked = rest
	}
	for name := range strings.SplitSeq(asked, ",") {
		if strings.EqualFold(strings.TrimSpace(name), "FileSasUri") {
			return s.link(x, i)
		}
	}
	return ""
}

// link is for uploads as long as the file is awaited, and for reading after that.
func (s *Server) link(x *exchange, i *item) string {
	if part := filePart(i.Collection, i.Body); part.text("state") == pendingUpload || x.settings.EchoUploadLink {
		return s.uploadLink(x, i.File)
	}
	return s.readLink(x, i.File)
}

func (s *Server) getFile(x *exchange, _ *product, i *item) reply {
	return ok(http.StatusOK, s.file(x, i, s.expandedLink(x, i)))
}

// putFile replaces the description of a file. When it declares the file to be
// uploaded, the file is looked at.
func (s *Server) putFile(x *exchange, _ *product, i *item) reply {
	in, body, refused := s.object(x, i.Collection)
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	if part := filePart(i.Collection, body); part != nil {
		part.del("fileSasUri")
		if !part.has("state") {
			part.set("state", pendingUpload)
		}
		if part.text("state") == uploaded && !part.has("publisherDefinedSasUri") {
			state, refused := s.inspect(x, i, part)
			if refused != nil {
				return *refused
			}
			part.set("state", state)
		}
		body = withPart(i.Collection, body, part)
	}
	i.Body, _ = s.kinds[i.Collection].read(body) // in order
	i.ETag = s.etag(x.now)
	return ok(http.StatusOK, s.file(x, i, s.link(x, i))).with("Etag", i.ETag)
}

// inspect looks at an uploaded file and returns the state that it leads to. Images
// stay Uploaded, as recorded; that a logo of the wrong size becomes ProcessFailed,
// and a file that is not there is refused, is the fake's choice.
func (s *Server) inspect(x *exchange, i *item, part object) (string, *reply) {
	content, ok := s.cfg.Blobs.Read(i.File)
	if !ok {
		r := x.invalid(faults{"fileSasUri": {"The file has not been uploaded."}})
		return "", &r
	}
	if len(content) == 0 {
		return processFailed, nil
	}
	width, height := logoSize(part.text("type"))
	if i.Collection != "images" || width == 0 {
		return uploaded, nil
	}
	cfg, err := png.DecodeConfig(bytes.NewReader(content))
	if err != nil || cfg.Width != width || cfg.Height != height {
		return processFailed, nil
	}
	return uploaded, nil
}

// logoSize is the size in pixels that a logo must have, 0 for other images.
func logoSize(kind string) (width, height int) {
	switch strings.ToLower(kind) {
	case "azurelogosmall":
		return 48, 48
	case "azurelogomedium":
		return 90, 90
	case "azurelogolarge":
		return 216, 216
	case "azurelogowide":
		return 255, 115
	}
	return 0, 0
}
