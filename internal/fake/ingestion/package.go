package ingestion

import (
	"archive/zip"
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// PackageScript is what will happen to one package when it has been uploaded.
type PackageScript struct {
	// FileName restricts the script to files of that name; empty means any.
	FileName string
	// Queue and Time replace those of [Settings] if they are not nil.
	Queue, Time *time.Duration
	// Failures end the package in ProcessFailed with these items.
	Failures []Finding
}

func (s *Server) getPackages(x *exchange, p *product) reply {
	var list []object
	for _, i := range p.list("packages", x.now, func(i *item) bool { return i.MovedTo == "" }) {
		list = append(list, s.packageNow(x, i))
	}
	return x.others(list)
}

// packageNow shows a package as it stands: readers do not see its type.
func (s *Server) packageNow(x *exchange, i *item) object {
	body := i.Body.clone()
	body.set("resourceType", "")
	now := &item{Collection: i.Collection, ID: i.ID, ETag: i.ETag, Body: body, File: i.File}
	if u := i.Upload; u != nil {
		switch {
		case x.now.Before(u.Begins):
		case x.now.Before(u.Ends):
			now.Body.set("state", inProcessing)
		default:
			now.Body.set("state", u.State)
			if len(u.Items) > 0 {
				now.Body.set("validationItems", u.Items)
			}
		}
	}
	return s.file(x, now, s.link(x, now))
}

func (s *Server) postPackage(x *exchange, p *product) reply {
	in, err := parseObject(x.body)
	if err == nil && in.text("resourceType") == "" {
		return x.invalid(faults{"resourceType": {"The resourceType field is required."}})
	}
	return s.postFile(x, p, "packages", "")
}

// getPackage reads a package. One that has moved is answered with 301 and a text
// that holds the new id, as the Store does.
func (s *Server) getPackage(x *exchange, p *product) reply {
	i := p.find("packages", x.arg("id"), x.now)
	if i == nil {
		return x.missing()
	}
	if i.MovedTo == "" {
		return ok(http.StatusOK, s.packageNow(x, i))
	}
	moved := build("ToId", i.MovedTo, "Name", i.Body.text("fileName"), "ProcessingState", processed, "ValidationItems", []string{})
	text := "The package has moved permanently. " + string(moved.append(nil))
	return reply{status: http.StatusMovedPermanently, body: encode(text)}
}

// putPackage replaces the description of a package. When it declares the file to be
// uploaded, the file is looked at, which takes its time.
func (s *Server) putPackage(x *exchange, _ *product, i *item) reply {
	in, body, refused := s.object(x, "packages")
	if refused != nil {
		return *refused
	}
	if refused := x.checkUpdate(i, in); refused != nil {
		return *refused
	}
	kind := body.text("resourceType")
	if kind == "" { // as it was read
		kind = i.Body.text("resourceType")
		body.set("resourceType", kind)
	}
	body.del("fileSasUri")
	if !body.has("fileName") {
		body.set("fileName", i.Body.get("fileName"))
	}
	u := i.Upload
	switch body.text("state") {
	case uploaded:
		if !s.cfg.Blobs.Has(i.File) {
			return x.invalid(faults{"fileSasUri": {"The file has not been uploaded."}})
		}
		u = s.process(x, i, kind, body.text("fileName"))
	case inProcessing, processed, processFailed:
		// The service sets these; a client that sends back what it has read
		// changes nothing.
		body.set("state", i.Body.get("state"))
	default:
		body.set("state", pendingUpload)
		u = nil
	}
	body.del("validationItems")
	i.Body, _ = s.kinds["packages"].read(body) // in order
	i.Upload, i.ETag = u, s.etag(x.now)
	out := s.packageNow(x, i)
	out.set("resourceType", kind)
	return ok(http.StatusOK, out).with("Etag", i.ETag)
}

// process decides what becomes of an uploaded package. Packages of Business Central
// are processed at once; they are no archives that the fake could look into.
func (s *Server) process(x *exchange, i *item, kind, name string) *upload {
	u := &upload{Begins: x.now.Add(x.settings.PackageQueue), State: processed}
	duration := x.settings.PackageTime
	businessCentral := strings.HasPrefix(kind, "Dynamics365BusinessCentral")
	if businessCentral || x.settings.InstantPackages {
		u.Begins, duration = x.now, 0
	}
	if !businessCentral {
		if problem := s.readZip(i.File); problem != "" {
			u.State = processFailed
			u.Items = []object{Finding{"PackageInvalid", "Error", problem, name}.object()}
		}
	}
	for n, script := range s.packages {
		if script.FileName != "" && !strings.EqualFold(script.FileName, name) {
			continue
		}
		s.packages = append(s.packages[:n:n], s.packages[n+1:]...)
		if script.Queue != nil {
			u.Begins = x.now.Add(*script.Queue)
		}
		if script.Time != nil {
			duration = *script.Time
		}
		if len(script.Failures) > 0 {
			u.State, u.Items = processFailed, findings(script.Failures)
		}
		break
	}
	u.Ends = u.Begins.Add(duration)
	return u
}

// readZip says what is wrong with an archive, empty if nothing is.
func (s *Server) readZip(path string) string {
	content, _ := s.cfg.Blobs.Read(path)
	if _, err := zip.NewReader(bytes.NewReader(content), int64(len(content))); err != nil {
		return fmt.Sprintf("The file is not a zip archive: %v.", err)
	}
	return ""
}
