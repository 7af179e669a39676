package pctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/partnercenter-go/partnercenter/internal/fake/blob"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// What begins the names of files that clients have uploaded, and of blocks that wait to
// become one. Each holds a line of JSON, a [blob.Written] or a [stagedBlock], and then the
// content.
const (
	uploadPrefix = "upload-"
	blockPrefix  = "block-"
)

// stagedBlock says what a file with a block is.
type stagedBlock struct {
	Path string `json:"path"`
	ID   string `json:"id"`
}

// keeping has written down what clients upload, before they are told that it is there.
func (s *Server) keeping(h http.Handler) http.Handler {
	if s.state == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			h.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(&keeper{ResponseWriter: w, keep: func() { s.state.note(s.keepUpload(r)) }}, r)
	})
}

// keeper does something before it answers that a request has succeeded.
type keeper struct {
	http.ResponseWriter
	keep func()
}

// WriteHeader implements [http.ResponseWriter].
func (k *keeper) WriteHeader(status int) {
	if status == http.StatusCreated {
		k.keep()
	}
	k.ResponseWriter.WriteHeader(status)
}

// Unwrap serves [http.ResponseController].
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// keepUpload writes down what a request has put into the store.
func (s *Server) keepUpload(r *http.Request) error {
	path := r.URL.Path
	if r.URL.Query().Get("comp") == "block" {
		id := r.URL.Query().Get("blockid")
		content, ok := s.blobs.Staged(path, id)
		if !ok { // committed meanwhile
			return nil
		}
		return s.state.keepFile(blockPrefix+kit.Fingerprint(path)+"-"+kit.Fingerprint(id), stagedBlock{path, id}, content)
	}
	w, ok := s.blobs.Written(path)
	if !ok {
		return nil
	}
	err := s.state.keepFile(uploadPrefix+kit.Fingerprint(path), w, w.Content)
	// Blocks that were not used are gone.
	return errors.Join(err, s.state.forgetFiles(blockPrefix+kit.Fingerprint(path)+"-"))
}

// restoreUploads puts the files and blocks back into the store.
func (s *Server) restoreUploads() error {
	if err := s.state.eachFile(uploadPrefix, func(head, content []byte) error {
		var w blob.Written
		if err := json.Unmarshal(head, &w); err != nil {
			return err
		}
		w.Content = content
		return s.blobs.Rewrite(w)
	}); err != nil {
		return err
	}
	return s.state.eachFile(blockPrefix, func(head, content []byte) error {
		var b stagedBlock
		if err := json.Unmarshal(head, &b); err != nil {
			return err
		}
		return s.blobs.Stage(b.Path, b.ID, content)
	})
}

// sweepUploads removes those of which the store knows nothing any more, because what they
// belonged to was deleted.
func (s *Server) sweepUploads() error {
	uploads, err := s.state.files(uploadPrefix)
	blocks, errBlocks := s.state.files(blockPrefix)
	errs := []error{err, errBlocks}
	if len(uploads)+len(blocks) == 0 {
		return errors.Join(errs...)
	}
	known := make(map[string]bool)
	for _, path := range s.blobs.Paths() {
		known[kit.Fingerprint(path)] = true
	}
	for _, name := range append(uploads, blocks...) {
		_, of, _ := strings.Cut(filepath.Base(name), "-")
		if of, _, _ = strings.Cut(of, "-"); !known[of] {
			errs = append(errs, remove(name))
		}
	}
	return errors.Join(errs...)
}

// remove removes a file, if nobody else was quicker.
func remove(name string) error {
	if err := os.Remove(name); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// forgetUploads removes them.
func (st *state) forgetUploads() error {
	return errors.Join(st.forgetFiles(uploadPrefix), st.forgetFiles(blockPrefix))
}

func (st *state) keepFile(name string, head any, content []byte) error {
	b, err := json.Marshal(head)
	if err != nil {
		return err
	}
	return st.dir.Write(name, bytes.Join([][]byte{b, content}, []byte("\n")))
}

// eachFile reads all files whose name begins with the prefix.
func (st *state) eachFile(prefix string, use func(head, content []byte) error) error {
	list, err := st.files(prefix)
	if err != nil {
		return err
	}
	for _, name := range list {
		b, err := os.ReadFile(name) //nolint:gosec // in the directory that the caller has named
		if err != nil {
			return err
		}
		head, content, _ := bytes.Cut(b, []byte("\n"))
		if err := use(head, content); err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
	}
	return nil
}

// forgetFiles removes those files.
func (st *state) forgetFiles(prefix string) error {
	list, err := st.files(prefix)
	errs := []error{err}
	for _, name := range list {
		errs = append(errs, remove(name))
	}
	return errors.Join(errs...)
}

func (st *state) files(prefix string) ([]string, error) {
	list, err := os.ReadDir(st.dir.Path("."))
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range list {
		if strings.HasPrefix(e.Name(), prefix) {
			out = append(out, st.dir.Path(e.Name()))
		}
	}
	return out, nil
}
