package pctest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// WithStateDir keeps the server's state in a directory, which is created if need be:
// a server that is made with the same directory later continues where this one was,
// and its clients notice nothing but that it was away. Tokens, links, ids, secrets and
// the certificate authority stay what they were.
//
// The state is written a second after it has changed, and by [Server.Close]; a process
// that is killed loses that second, but nothing that was uploaded. Faults, recorded
// requests and scripts that nobody has taken yet are not part of it. The files hold secrets and can be read by their owner only. No two
// processes can use a directory at a time.
func WithStateDir(dir string) Option { return optionFunc(func(c *config) { c.stateDir = dir }) }

// The files of a state directory.
const (
	identityFile  = "identity.json"
	stateFile     = "state.json"
	authorityFile = "ca.pem"
	authorityKey  = "ca-key.pem"
)

// savedIdentity is what a server is: it is written once.
type savedIdentity struct {
	Version  int    `json:"pctestIdentity"`
	Seed     uint64 `json:"seed"`
	Secret   string `json:"clientSecret"`
	Password string `json:"password"`
	TokenKey []byte `json:"tokenKey"` // PEM
	LinkKey  []byte `json:"linkKey"`
}

// savedState is where a server is.
type savedState struct {
	Version int             `json:"pctestState"`
	Clock   kit.Lead        `json:"clock"`
	Tokens  json.RawMessage `json:"tokens"`
	Files   json.RawMessage `json:"files,omitempty"`
	Rest    json.RawMessage `json:"rest"`
}

// state writes the state down from time to time.
type state struct {
	dir   *kit.Dir
	write func() ([]byte, error)

	mu      sync.Mutex
	timer   *time.Timer // runs when something is to be written
	closed  bool
	err     error          // of the latest attempt
	lost    error          // of a file that a client has uploaded
	pending sync.WaitGroup // for the timer

	writing sync.Mutex // held while the file is written
}

// saveDelay is how long changes wait for company.
const saveDelay = time.Second

// openState opens a directory and reads who the server is, or decides it.
func openState(dir string, cfg *config) (st *state, err error) {
	d, err := kit.OpenDir(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	b, err := d.Read(identityFile)
	if err != nil {
		return nil, err
	}
	saved := savedIdentity{Version: snapshotVersion}
	if b != nil {
		if err := json.Unmarshal(b, &saved); err != nil || saved.Version != snapshotVersion {
			return nil, fmt.Errorf("%s was not written by this version of pctest, or is damaged: remove the directory to begin anew", d.Path(identityFile))
		}
		key, err := parseKey(saved.TokenKey)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.Path(identityFile), err)
		}
		cfg.tokenKey = key
	} else {
		id := newIdentity(cfg.seed)
		if cfg.tokenKey, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, err
		}
		der, err := x509.MarshalPKCS8PrivateKey(cfg.tokenKey)
		if err != nil {
			return nil, err
		}
		saved.Seed, saved.Secret, saved.Password = cfg.seed, id.secret.Reveal(), id.password.Reveal()
		saved.TokenKey = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
		saved.LinkKey = []byte(rand.Text() + rand.Text())
		if b, err = json.Marshal(saved); err != nil { //nolint:gosec // the file is for its owner only
			return nil, err
		}
		if err := d.Write(identityFile, b); err != nil {
			return nil, err
		}
	}
	cfg.seed, cfg.linkKey = saved.Seed, saved.LinkKey
	cfg.secret, cfg.password = partnercenter.NewSecret(saved.Secret), partnercenter.NewSecret(saved.Password)
	return &state{dir: d}, nil
}

func parseKey(b []byte) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, errors.New("the key is damaged")
	}
	v, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := v.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key is of another kind")
	}
	return key, nil
}

// resume reads the state, if there is one, and writes it down from now on.
func (s *Server) resume() error {
	b, err := s.state.dir.Read(stateFile)
	if err != nil {
		return err
	}
	if b != nil {
		var saved savedState
		if err := json.Unmarshal(b, &saved); err != nil {
			return fmt.Errorf("%s is damaged: %w", s.state.dir.Path(stateFile), err)
		}
		if saved.Version != snapshotVersion {
			return fmt.Errorf("%s has version %d, this package reads %d", s.state.dir.Path(stateFile), saved.Version, snapshotVersion)
		}
		s.clock.SetLead(saved.Clock)
		if saved.Files != nil {
			if err := s.blobs.Restore(saved.Files); err != nil {
				return fmt.Errorf("%s: %w", s.state.dir.Path(stateFile), err)
			}
		}
		if err := errors.Join(s.entra.Restore(saved.Tokens), s.restore(saved.Rest)); err != nil {
			return fmt.Errorf("%s: %w", s.state.dir.Path(stateFile), err)
		}
	}
	if err := s.restoreUploads(); err != nil {
		return err
	}
	// Not before all is there: what has been restored may have gone on meanwhile, since calls
	// that are due are made at once.
	s.state.start(s.allState)
	return nil
}

// allState writes everything down that a successor needs, secrets included.
func (s *Server) allState() ([]byte, error) {
	if err := s.sweepUploads(); err != nil {
		return nil, err
	}
	tokens, err := s.entra.Snapshot()
	if err != nil {
		return nil, err
	}
	files, err := s.blobs.Snapshot()
	if err != nil {
		return nil, err
	}
	rest, err := s.snapshot(true)
	if err != nil {
		return nil, err
	}
	return json.Marshal(savedState{snapshotVersion, s.clock.Lead(), tokens, files, rest})
}

// changed is called after whatever may have changed the state.
func (s *Server) changed() {
	if s.state != nil {
		s.state.changed()
	}
}

// start has the state written down from now on, first as it is.
func (st *state) start(write func() ([]byte, error)) {
	st.mu.Lock()
	st.write = write
	st.mu.Unlock()
	st.changed()
}

func (st *state) changed() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.timer == nil && !st.closed && st.write != nil {
		st.pending.Add(1)
		st.timer = time.AfterFunc(saveDelay, func() {
			defer st.pending.Done()
			st.save()
		})
	}
}

// save writes the state down.
func (st *state) save() {
	st.mu.Lock()
	st.timer = nil // what changes from now on is for the next time
	st.mu.Unlock()
	st.writing.Lock()
	defer st.writing.Unlock()
	b, err := st.write()
	if err == nil {
		err = st.dir.Write(stateFile, b)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.err = err
}

// problem returns why the state could not be written, nil if it could.
func (st *state) problem() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	return errors.Join(st.err, st.lost)
}

// note keeps the error of an uploaded file that could not be written.
func (st *state) note(err error) {
	if err == nil {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.lost = err
}

// close writes the state a last time and gives the directory back.
func (st *state) close() error {
	st.mu.Lock()
	st.closed = true
	if st.timer != nil && st.timer.Stop() {
		st.pending.Done()
	}
	st.mu.Unlock()
	st.pending.Wait() // a late one must not write into what is another's by then
	st.save()
	return errors.Join(st.problem(), st.dir.Close())
}
