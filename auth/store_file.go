package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// FileStore is a [TokenStore] in a directory of a local disk, for one machine: a
// command-line tool, a service, several processes of either. It can lock, list and delete, and
// it is safe for concurrent use.
//
// Every key has a file of its own, so that a damaged one costs one tenant and tenants do
// not wait for each other. A file is replaced as a whole: the new one is written beside
// it, synced to the disk, renamed, and the directory is synced. Whenever the process or
// the machine dies, the old or the new record is there, never a part of one. (Windows
// cannot sync directories; there the last rename can be undone by a power failure.)
//
// Locks are those of the operating system and end with the process that holds them, also
// when it is killed. They do not work between machines: do not use a network file system.
//
// Files have mode 0600 in a directory of mode 0700, and a store that others can read or
// write is refused with [ErrInsecureStore]. On Windows the directory's access list rules;
// choose one below the user's profile. The files are not encrypted.
type FileStore struct {
	dir        string
	groupTrust bool
	disk       disk
}

// FileOptions tunes a [FileStore].
type FileOptions struct {
	// TrustGroup accepts a directory and files that their group can read and write.
	// Kubernetes makes them so in volumes with an fsGroup. Files are still created
	// for their owner only.
	TrustGroup bool
}

// disk is what a FileStore asks of the operating system, so that tests can let it fail.
type disk struct {
	sync    func(*os.File) error
	rename  func(from, to string) error
	syncDir func(dir string) error
}

// Names of the files of one key end so.
const (
	suffixRecord = ".json"  // the record
	suffixTemp   = ".tmp"   // the next one, being written; may remain after a crash
	suffixLease  = ".lock"  // lock of Lock; empty
	suffixWrite  = ".write" // lock of Save and Delete; empty
)

// maxFile bounds what is read: a record, its key and the rest.
const maxFile = MaxRecordSize + 16*maxKey

// fileFormat marks the files of this store.
const fileFormat = "partnercenter-token"

// fileContent is what is in a file. Record is the output of MarshalRecord.
type fileContent struct {
	Format  string          `json:"format"`
	Key     string          `json:"key"`
	Version Version         `json:"version"`
	Record  json.RawMessage `json:"record"`
}

// NewFileStore returns a store in a directory, which is created when it is first written
// to. It should hold nothing else. Nil options are the defaults.
func NewFileStore(dir string, opts *FileOptions) (*FileStore, error) {
	if dir == "" {
		return nil, errors.New("auth: the file store needs a directory, for example one below os.UserConfigDir")
	}
	// A later change of the working directory must not move the store.
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("auth: directory of the file store: %w", err)
	}
	s := &FileStore{dir: abs, disk: disk{sync: (*os.File).Sync, rename: os.Rename, syncDir: syncDir}}
	if opts != nil {
		s.groupTrust = opts.TrustGroup
	}
	return s, nil
}

// String describes the store.
func (s *FileStore) String() string { return "file store in " + s.dir }

// GoString describes the store as String does.
func (s *FileStore) GoString() string { return fmt.Sprintf("auth.FileStore(%q)", s.dir) }

// Load implements [TokenStore].
func (s *FileStore) Load(ctx context.Context, key string) (Record, Version, error) {
	if err := begin(ctx, key); err != nil {
		return Record{}, "", err
	}
	if err := s.checkDir(); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("auth: %s, key %q: %w", s, key, ErrNoRecord)
		}
		return Record{}, "", err
	}
	r, v, err := s.read(ctx, key)
	if err == nil && v == "" {
		err = fmt.Errorf("auth: %s, key %q: %w", s, key, ErrNoRecord)
	}
	return r, v, err
}

// Save implements [TokenStore].
func (s *FileStore) Save(ctx context.Context, key string, r Record, expect Version) (Version, error) {
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	record, err := MarshalRecord(r)
	if err != nil {
		return "", err
	}
	content := fileContent{Format: fileFormat, Key: key, Version: NewVersion(), Record: record}
	data, err := encodePlain(content)
	if err != nil {
		return "", fmt.Errorf("auth: %s, key %q: %w", s, key, err)
	}
	if err := s.makeDir(); err != nil {
		return "", err
	}
	unlock, err := s.lock(ctx, key, suffixWrite)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := s.expect(ctx, key, expect); err != nil {
		return "", err
	}
	if err := s.replace(ctx, key, append(data, '\n')); err != nil {
		return "", fmt.Errorf("auth: %s, key %q: cannot save: %w", s, key, err)
	}
	return content.Version, nil
}

// Delete implements [Deleter]. The empty lock files of the key stay.
func (s *FileStore) Delete(ctx context.Context, key string, expect Version) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	if expect == "" {
		return fmt.Errorf("auth: %s, key %q: %w", s, key, ErrConflict)
	}
	if err := s.makeDir(); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, key, suffixWrite)
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.expect(ctx, key, expect); err != nil {
		return err
	}
	err = os.Remove(s.path(key, suffixTemp))
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = whileBusy(ctx, fileBusy, func() error { return os.Remove(s.path(key, suffixRecord)) })
	}
	if err == nil {
		err = s.disk.syncDir(s.dir)
	}
	if err != nil {
		return fmt.Errorf("auth: %s, key %q: cannot delete: %w", s, key, err)
	}
	return nil
}

// Lock implements [Locker]. The lease does not expire.
func (s *FileStore) Lock(ctx context.Context, key string) (Lease, error) {
	if err := begin(ctx, key); err != nil {
		return nil, err
	}
	if err := s.makeDir(); err != nil {
		return nil, err
	}
	unlock, err := s.lock(ctx, key, suffixLease)
	if err != nil {
		return nil, err
	}
	return &fileLease{unlock: sync.OnceFunc(unlock)}, nil
}

// Keys implements [Lister]. Files that are not records of this store are left out and
// reported together at the end, so that a damaged one does not hide the others.
func (s *FileStore) Keys(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		names, err := s.recordFiles()
		var problems []error
		if err != nil {
			problems = append(problems, err)
		}
		for _, name := range names {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			content, _, err := s.readFile(ctx, filepath.Join(s.dir, name))
			switch {
			case errors.Is(err, fs.ErrNotExist): // deleted meanwhile
			case err != nil:
				problems = append(problems, err)
			case fileName(content.Key)+suffixRecord != name:
				problems = append(problems, fmt.Errorf("auth: %s: %s is not the file of the key in it; move it away: %w", s, name, ErrUnreadable))
			case !yield(content.Key, nil):
				return
			}
		}
		if err := errors.Join(problems...); err != nil {
			yield("", err)
		}
	}
}

// recordFiles lists the files that end like a record.
func (s *FileStore) recordFiles() ([]string, error) {
	err := s.checkDir()
	var entries []fs.DirEntry
	if err == nil {
		entries, err = os.ReadDir(s.dir)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // nothing has been saved yet
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffixRecord) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// expect checks the version of the stored record. The caller holds the write lock.
func (s *FileStore) expect(ctx context.Context, key string, expect Version) error {
	_, v, err := s.read(ctx, key)
	if err != nil && !errors.Is(err, ErrUnreadable) {
		return err
	}
	if v != expect {
		return fmt.Errorf("auth: %s, key %q: %w", s, key, ErrConflict)
	}
	return nil
}

// read returns the record of a key, or no version if there is none.
func (s *FileStore) read(ctx context.Context, key string) (Record, Version, error) {
	path := s.path(key, suffixRecord)
	content, version, err := s.readFile(ctx, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Record{}, "", nil
	case err != nil:
		return Record{}, version, err
	case content.Key != key:
		return Record{}, version, fmt.Errorf("auth: %s holds the record of key %q, not of %q: %w", path, content.Key, key, ErrUnreadable)
	}
	r, err := UnmarshalRecord(content.Record)
	if err != nil {
		return Record{}, version, fmt.Errorf("auth: %s: %w", path, err)
	}
	return r, version, nil
}

// readFile reads one file. One that cannot be understood gets a version from its bytes,
// so that it can be replaced, but only as long as it stays as it is.
func (s *FileStore) readFile(ctx context.Context, path string) (fileContent, Version, error) {
	var f *os.File
	err := whileBusy(ctx, fileBusy, func() (err error) {
		f, err = os.Open(path) //nolint:gosec // the name is made from a hash
		return err
	})
	if err != nil {
		return fileContent{}, "", fmt.Errorf("auth: token file: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return fileContent{}, "", fmt.Errorf("auth: token file: %w", err)
	}
	if open := s.openTo(info.Mode(), 0o077); open != "" {
		return fileContent{}, "", fmt.Errorf("auth: %s can be read or written by %s (mode %#o); set its mode to 0600, and if somebody may have read it, revoke the user's sessions and sign in again: %w",
			path, open, info.Mode().Perm(), ErrInsecureStore)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return fileContent{}, "", fmt.Errorf("auth: token file: %w", err)
	}
	var content fileContent
	if len(data) > maxFile || json.Unmarshal(data, &content) != nil || content.Format != fileFormat || content.Version == "" || ValidateKey(content.Key) != nil {
		sum := sha256.Sum256(data)
		return fileContent{}, Version("damaged-" + hex.EncodeToString(sum[:])), fmt.Errorf("auth: %s is not a token file; restore it or sign in again: %w", path, ErrUnreadable)
	}
	return content, content.Version, nil
}

// replace puts data in the place of the record. The caller holds the write lock.
func (s *FileStore) replace(ctx context.Context, key string, data []byte) (err error) {
	temp, path := s.path(key, suffixTemp), s.path(key, suffixRecord)
	// A crash may have left one, and one that somebody else has put here must not
	// be written to.
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the name is made from a hash
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp) // already gone after the rename
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = s.disk.sync(f)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := whileBusy(ctx, fileBusy, func() error { return s.disk.rename(temp, path) }); err != nil {
		return err
	}
	return s.disk.syncDir(s.dir)
}

// lock waits for one of the lock files of a key.
func (s *FileStore) lock(ctx context.Context, key, suffix string) (unlock func(), err error) {
	path := s.path(key, suffix)
	var f *os.File
	err = AwaitLock(ctx, func(context.Context) (ok bool, err error) {
		f, ok, err = tryLockFile(path)
		return ok, err
	})
	if err != nil {
		return nil, fmt.Errorf("auth: %s, key %q: waiting for the lock: %w", s, key, err)
	}
	return func() { _ = f.Close() }, nil
}

// busyFor is how long to put up with a virus scanner or another reader on Windows.
const busyFor = 2 * time.Second

// whileBusy repeats what failed only because somebody has a file open, which happens on
// Windows.
func whileBusy(ctx context.Context, busy func(error) bool, do func() error) error {
	ctx, cancel := context.WithTimeout(ctx, busyFor)
	defer cancel()
	var last error
	err := AwaitLock(ctx, func(context.Context) (bool, error) {
		last = do()
		if last != nil && busy(last) {
			return false, nil
		}
		return true, last
	})
	if last != nil {
		return last
	}
	return err
}

// path is the name of one of the files of a key.
func (s *FileStore) path(key, suffix string) string {
	return filepath.Join(s.dir, fileName(key)+suffix)
}

// fileName makes a name of a key that is valid on every system, different for every key
// also where case does not count, and that people can recognise.
func fileName(key string) string {
	label := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		default:
			return '_'
		}
	}, key[:min(len(key), 48)])
	sum := sha256.Sum256([]byte(key))
	return "token-" + label + "-" + hex.EncodeToString(sum[:16])
}

// makeDir makes sure that the directory is there and nobody else's.
func (s *FileStore) makeDir() error {
	err := s.checkDir()
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("auth: directory of the file store: %w", err)
	}
	if err := s.disk.syncDir(filepath.Dir(s.dir)); err != nil {
		return fmt.Errorf("auth: directory of the file store: %w", err)
	}
	return s.checkDir()
}

// checkDir refuses a directory in which others can replace files.
func (s *FileStore) checkDir() error {
	info, err := os.Stat(s.dir)
	switch {
	case err != nil:
		return fmt.Errorf("auth: directory of the file store: %w", err)
	case !info.IsDir():
		return fmt.Errorf("auth: %s is not a directory; a file store needs one of its own", s.dir)
	}
	if open := s.openTo(info.Mode(), 0o022); open != "" {
		return fmt.Errorf("auth: %s can be written by %s (mode %#o); give the file store a directory of its own with mode 0700: %w",
			s.dir, open, info.Mode().Perm(), ErrInsecureStore)
	}
	return nil
}

// openTo says who of those that are not trusted has one of the permissions.
func (s *FileStore) openTo(mode fs.FileMode, permissions fs.FileMode) string {
	mode &= permissions
	switch {
	case !modesCount: // the system knows no such modes
		return ""
	case mode&0o007 != 0:
		return "everybody"
	case mode&0o070 != 0 && !s.groupTrust:
		return "its group"
	default:
		return ""
	}
}

// fileLease is a held lock of a FileStore.
type fileLease struct{ unlock func() }

// Release implements [Lease].
func (l *fileLease) Release(context.Context) error {
	l.unlock()
	return nil
}

// Expires implements [Lease]: never.
func (l *fileLease) Expires() time.Time { return time.Time{} }
