package transfer

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
)

const (
	partSuffix    = ".part"
	sidecarSuffix = ".part.json"
	tempSuffix    = ".tmp" // behind the sidecar's name, while it is written
	// sidecarVersion is the version of the format that this package writes, and
	// the only one that it reads.
	sidecarVersion = 1
	// maxSidecar bounds what is read of a sidecar; one range takes about 60 bytes.
	maxSidecar = 4 << 20
)

// sidecar lies beside a part file and says what of it can be relied on: only
// bytes that were synced to disk before the sidecar that lists them was written.
// It holds no link, because a link is a credential.
type sidecar struct {
	Version  int    `json:"version"`
	Identity string `json:"identity"`
	ETag     string `json:"etag"`
	Size     int64  `json:"size"`
	MD5      []byte `json:"md5,omitempty"` // of the whole file, as the store gave it
	// Ranges are finished pieces in the file's order, without overlap. Where one
	// connection was used there is at most one, which begins at 0.
	Ranges []doneRange `json:"ranges"`
}

// doneRange is a finished piece of the part file: the bytes from Start up to but
// not including End, and the CRC-32C that shows whether they are still there.
type doneRange struct {
	Start int64  `json:"start"`
	End   int64  `json:"end"`
	CRC   uint32 `json:"crc32c"`
}

// parseSidecar reads a sidecar and accepts only one that could be true.
func parseSidecar(data []byte) (sidecar, error) {
	var s sidecar
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields() // a field of the future may matter
	if err := dec.Decode(&s); err != nil {
		return sidecar{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return sidecar{}, errors.New("text after the object")
	}
	switch {
	case s.Version != sidecarVersion:
		return sidecar{}, fmt.Errorf("version %d is not known", s.Version)
	case s.Identity == "":
		return sidecar{}, errors.New("no identity")
	case s.Size < 0:
		return sidecar{}, errors.New("negative size")
	case len(s.MD5) != 0 && len(s.MD5) != 16:
		return sidecar{}, errors.New("the MD5 is none")
	}
	ordered := slices.IsSortedFunc(s.Ranges, func(a, b doneRange) int { return cmp.Compare(a.Start, b.Start) })
	reached := int64(0)
	for _, r := range s.Ranges {
		if !ordered || r.Start < reached || r.End <= r.Start || r.End > s.Size {
			return sidecar{}, fmt.Errorf("impossible range %d to %d", r.Start, r.End)
		}
		reached = r.End
	}
	return s, nil
}

// spans lists the finished pieces.
func (s sidecar) spans() []span {
	var all []span
	for _, r := range s.Ranges {
		all = append(all, span{r.Start, r.End})
	}
	return all
}

// version is the state of the file that the sidecar is about.
func (s sidecar) version() version { return version{etag: s.ETag, size: s.Size, md5: s.MD5} }

// loadSidecar reads the sidecar at path. The error matches fs.ErrNotExist when
// there is none.
func loadSidecar(path string) (sidecar, error) {
	info, err := os.Stat(path)
	if err != nil {
		return sidecar{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxSidecar {
		return sidecar{}, errors.New("not a sidecar file")
	}
	data, err := os.ReadFile(path) //nolint:gosec // beside the file that the caller has named
	if err != nil {
		return sidecar{}, err
	}
	return parseSidecar(data)
}

// save writes the sidecar in one step: a crash leaves the old one or the new one.
func (s sidecar) save(path string) (err error) {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	temp := path + tempSuffix // the part file's lock keeps others away
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // as above
	if err != nil {
		return err
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		_ = os.Remove(temp)
	}
	return err
}

// removeSidecar removes the sidecar, and what a crash may have left of another one.
func removeSidecar(path string) error {
	for _, name := range []string{path, path + tempSuffix} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
