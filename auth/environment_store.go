package auth

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// scheme matches the beginning of a URL. One letter is a drive of Windows.
var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:`)

// openStore opens the store of a location: a directory, or what the function that the
// program has supplied makes of another URL.
func openStore(location string, open func(string) (TokenStore, error)) (TokenStore, error) {
	kind := strings.ToLower(strings.TrimSuffix(scheme.FindString(location), ":"))
	switch {
	case kind == "":
		return NewFileStore(location, nil)
	case kind == "file":
		dir, err := fileLocation(location)
		if err != nil {
			return nil, err
		}
		return NewFileStore(dir, nil)
	case open == nil:
		return nil, fmt.Errorf("auth: %s names a store of kind %q, and this program can open directories only; "+
			"set Options.OpenStore to a function that opens it%s, or use a directory", EnvRefreshTokenStore, kind, constructor(kind))
	}
	store, err := open(location)
	if err != nil { // which may quote the location, and that may hold a password
		var secrets []string
		if u, parseErr := url.Parse(location); parseErr == nil && u.User != nil {
			password, _ := u.User.Password()
			secrets = append(secrets, password, u.User.String())
		} else if parseErr != nil {
			secrets = append(secrets, location)
		}
		return nil, fmt.Errorf("auth: opening the store of %s: %w", EnvRefreshTokenStore, scrubbed(err, secrets...))
	}
	if store == nil {
		return nil, fmt.Errorf("auth: Options.OpenStore has opened nothing for %s of kind %q", EnvRefreshTokenStore, kind)
	}
	return store, nil
}

// fileLocation takes "file:" off a directory, and what a URL puts between them.
func fileLocation(location string) (string, error) {
	rest := location[len("file:"):]
	if !strings.HasPrefix(rest, "//") {
		return rest, nil
	}
	u, err := url.Parse(location)
	if err != nil || u.Host != "" && u.Host != "localhost" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("auth: %s is a file URL that is no local directory; write it like file:///var/lib/app/tokens", EnvRefreshTokenStore)
	}
	dir := u.Path
	if len(dir) > 2 && dir[0] == '/' && dir[2] == ':' { // file:///C:/tokens
		dir = dir[1:]
	}
	return filepath.FromSlash(dir), nil
}

// constructor names what opens stores of a kind.
func constructor(kind string) string {
	switch kind {
	case "redis", "rediss", "unix":
		return " with redisstore.New (module auth/redisstore)"
	case "postgres", "postgresql":
		return " with postgresstore.New (module auth/postgresstore)"
	case "https":
		return ", a Key Vault for example with keyvaultstore.New (module auth/keyvaultstore)"
	case "keyring":
		return " with keyringstore.New (module auth/keyringstore)"
	}
	return ""
}
