package pctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// uploadPrefix begins the names of files that clients have uploaded. Each holds a line
// of JSON, an [upload], and then the content.
const uploadPrefix = "upload-"

// upload says what a file of the state directory is.
type upload struct {
	Path        string `json:"path"`
	ContentType string `json:"contentType"`
}

// keeping has files written down that clients upload. Blocks that are not committed yet
// are not files.
func (s *Server) keeping(h http.Handler) http.Handler {
	if s.state == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if r.Method == http.MethodPut && r.URL.Query().Get("comp") != "block" {
			if err := s.keepUpload(r.URL.Path); err != nil {
				s.state.failed(err)
			}
		}
	})
}

func (s *Server) keepUpload(path string) error {
	content, ok := s.blobs.Read(path)
	if !ok {
		return nil
	}
	head, err := json.Marshal(upload{path, s.blobs.ContentType(path)})
	if err != nil {
		return err
	}
	return s.state.dir.Write(uploadPrefix+kit.Fingerprint(path), bytes.Join([][]byte{head, content}, []byte("\n")))
}

// restoreUploads puts the files back into the store.
func (s *Server) restoreUploads() error {
	list, err := s.state.uploads()
	if err != nil {
		return err
	}
	for _, name := range list {
		b, err := os.ReadFile(name) //nolint:gosec // in the directory that the caller has named
		if err != nil {
			return err
		}
		head, content, _ := bytes.Cut(b, []byte("\n"))
		var u upload
		if err := json.Unmarshal(head, &u); err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
		if err := s.blobs.Put(u.Path, blob.Bytes(content), s.clock.Wall(), blob.Properties{ContentType: u.ContentType}); err != nil {
			return err
		}
	}
	return nil
}

// uploads lists the files.
func (st *state) uploads() ([]string, error) {
	list, err := os.ReadDir(st.dir.Path("."))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list {
		if strings.HasPrefix(e.Name(), uploadPrefix) {
			out = append(out, st.dir.Path(e.Name()))
		}
	}
	return out, nil
}

// forgetUploads removes them.
func (st *state) forgetUploads() error {
	list, err := st.uploads()
	errs := []error{err}
	for _, name := range list {
		errs = append(errs, os.Remove(name))
	}
	return errors.Join(errs...)
}
