package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/partnercenter-go/partnercenter/pctest"
)

// farewell is how long requests under way may take when the program ends.
const farewell = 5 * time.Second

// serve runs the emulator until the context ends.
func serve(ctx context.Context, cfg config, stdout, stderr io.Writer) (err error) {
	// The port first: whoever has it is probably another emulator.
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server has done so already, if there was one

	callbacks := http.DefaultTransport.(*http.Transport).Clone() //nolint:errcheck,forcetypeassert // it is one
	defer callbacks.CloseIdleConnections()
	fake, err := pctest.New(append(cfg.options(), pctest.WithCallbacks(callbacks))...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fake.Close()) }()
	for _, f := range cfg.faults {
		fake.Inject(f)
	}
	caFile, cleanUp, err := writeAuthority(fake, cfg.dir)
	if err != nil {
		return err
	}
	defer cleanUp()
	server, err := newServer(fake, cfg, listener.Addr(), stderr)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(listener, "", "") }()
	if err := announce(stdout, fake, cfg, listener.Addr(), caFile); err != nil {
		return errors.Join(err, server.Close(), ignoreClosed(<-ended))
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewell)
	defer cancel()
	if err := server.Shutdown(bye); err != nil {
		_ = server.Close() // whoever takes so long is cut off
	}
	return ignoreClosed(<-ended)
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func newServer(fake *pctest.Server, cfg config, addr net.Addr, stderr io.Writer) (*http.Server, error) {
	host, _, err := net.SplitHostPort(addr.String())
	if err != nil {
		return nil, err
	}
	cert, err := fake.Certificate(host)
	if err != nil {
		return nil, err
	}
	// Faults cut connections, which HTTP/2 shares between requests.
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler:           fake.Handler(cfg.admin),
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
		Protocols:         protocols,
		ReadHeaderTimeout: 2 * time.Minute, // of a crowd, too
		IdleTimeout:       5 * time.Minute,
		ErrorLog:          log.New(stderr, "emulator: ", log.LstdFlags),
	}, nil
}

// writeAuthority says in which file the certificate authority is. Without a directory for
// the state it is a temporary one, which cleanUp removes.
func writeAuthority(fake *pctest.Server, dir string) (file string, cleanUp func(), err error) {
	pem, err := fake.AuthorityPEM()
	if err != nil {
		return "", nil, err
	}
	if dir != "" {
		file, err = filepath.Abs(filepath.Join(dir, "ca.pem"))
		return file, func() {}, err
	}
	temp, err := os.MkdirTemp("", "pctest-emulator-")
	if err != nil {
		return "", nil, err
	}
	file = filepath.Join(temp, "ca.pem")
	if err := os.WriteFile(file, pem, 0o600); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(temp))
	}
	return file, func() { _ = os.RemoveAll(temp) }, nil
}

// ready is the line that the program prints when it serves.
type ready struct {
	BaseURL string   `json:"baseUrl"`
	Admin   string   `json:"adminUrl,omitempty"`
	Address string   `json:"address"`
	CAFile  string   `json:"caFile"`
	Hosts   []string `json:"hosts"`
	// BaseURLs are what clients with one setting for each service take.
	BaseURLs     map[string]string `json:"baseUrls"`
	TenantID     string            `json:"tenantId"`
	TenantDomain string            `json:"tenantDomain"`
	Clients      []client          `json:"clients"`
	Users        []user            `json:"users"`
	RefreshToken string            `json:"refreshToken"`
}

type client struct {
	ClientID     string   `json:"clientId"`
	ClientSecret string   `json:"clientSecret"`
	RedirectURIs []string `json:"redirectUris"`
}

type user struct {
	Username string `json:"username"`
	Password string `json:"password"`
	MFACode  string `json:"mfaCode,omitempty"`
}

// announce prints the line. All that it tells is invented and good for nothing but this
// server, and so may be seen.
func announce(stdout io.Writer, fake *pctest.Server, cfg config, addr net.Addr, caFile string) error {
	base := "https://" + reachable(addr)
	line := ready{
		BaseURL: base, Address: addr.String(), CAFile: caFile, BaseURLs: make(map[string]string),
		TenantID: fake.TenantID(), TenantDomain: "contoso.example",
		Clients:      []client{{fake.ClientID(), fake.ClientSecret().Reveal(), []string{"http://localhost"}}},
		RefreshToken: fake.RefreshToken().Reveal(),
	}
	if cfg.admin != pctest.AdminOff {
		line.Admin = base + "/_pctest/"
	}
	for name, host := range map[string]pctest.Host{"login": pctest.Login, "api": pctest.API, "analytics": pctest.Insights} {
		line.BaseURLs[name] = base + "/" + string(host)
	}
	line.Hosts = []string{string(pctest.Login), string(pctest.API), string(pctest.Insights), string(pctest.Blob)}
	for _, u := range fake.Users() {
		line.Users = append(line.Users, user{u.Username, u.Password.Reveal(), u.MFACode})
	}
	b, err := json.Marshal(line) //nolint:gosec // that the line tells the secrets is its purpose
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%s\n", b)
	return err
}

// reachable is an address as a client on this machine writes it.
func reachable(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
