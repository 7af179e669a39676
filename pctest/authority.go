package pctest

import (
	"crypto/tls"
	"fmt"

	"github.com/partnercenter-go/partnercenter/internal/fake/kit"
)

// AuthorityPEM returns the certificate of the server's own certificate authority, for
// clients to trust: curl --cacert, REQUESTS_CA_BUNDLE, NODE_EXTRA_CA_CERTS. The
// authority is made when it is needed first, for this server alone; with
// [WithStateDir] it is always the same.
func (s *Server) AuthorityPEM() ([]byte, error) {
	ca, err := s.authority()
	if err != nil {
		return nil, fmt.Errorf("pctest: %w", err)
	}
	return ca.PEM(), nil
}

// Certificate issues a certificate for the services' public names, for localhost and
// 127.0.0.1, and for further names and addresses, to be used in a [tls.Config].
func (s *Server) Certificate(hosts ...string) (tls.Certificate, error) {
	ca, err := s.authority()
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pctest: %w", err)
	}
	names := []string{"localhost", "127.0.0.1", "::1", string(Login), string(API), string(Insights), string(Blob)}
	cert, err := ca.Leaf(append(names, hosts...)...)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("pctest: %w", err)
	}
	return cert, nil
}

// authority returns the authority, which it makes or reads the first time.
func (s *Server) authority() (*kit.Authority, error) {
	s.caMu.Lock()
	defer s.caMu.Unlock()
	if s.ca != nil {
		return s.ca, nil
	}
	ca, err := s.openAuthority()
	if err != nil {
		return nil, err
	}
	s.ca = ca
	return ca, nil
}

func (s *Server) openAuthority() (*kit.Authority, error) {
	if s.state == nil {
		return kit.NewAuthority()
	}
	dir := s.state.dir
	cert, err := dir.Read(authorityFile)
	if err != nil {
		return nil, err
	}
	key, err := dir.Read(authorityKey)
	if err != nil {
		return nil, err
	}
	if cert != nil && key != nil {
		ca, err := kit.ReadAuthority(cert, key)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir.Path(authorityFile), err)
		}
		return ca, nil
	}
	ca, err := kit.NewAuthority()
	if err != nil {
		return nil, err
	}
	if key, err = ca.KeyPEM(); err != nil {
		return nil, err
	}
	if err := dir.Write(authorityKey, key); err != nil {
		return nil, err
	}
	return ca, dir.Write(authorityFile, ca.PEM())
}
