package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sasVersion is the sv parameter of links.
const sasVersion = "2022-11-02"

// Link returns a new pre-signed link for reading the blob at path, below base,
// that works until ttl has passed or [Server.ExpireLinks] is called. Every link has
// a signature of its own.
func (s *Server) Link(base, path string, ttl time.Duration) string {
	expires := s.clock.Wall().Add(ttl).Truncate(time.Second)
	q := url.Values{
		"sv":   {sasVersion},
		"sr":   {"b"},
		"se":   {expires.Format(time.RFC3339)},
		"sp":   {"r"},
		"scid": {s.ids.Next()}, // makes the signature unique
	}
	q.Set("sig", s.sign(path, s.generation(path), q))
	return strings.TrimSuffix(base, "/") + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// UploadLink returns a link to the blob at path, which need not exist, that grants
// the given rights, for example "rwl". It looks like those that the ingestion API
// hands out: parameters in that order, and none that makes it unique.
func (s *Server) UploadLink(base, path, rights string, ttl time.Duration) string {
	return s.uploadLink(base, path, rights, ttl, "")
}

// StampedLink is [Server.UploadLink] with a time without a name in front of the
// parameters, in lower-case escapes, as the ingestion API has been seen to put it
// there. It means nothing, but breaks clients that take a query apart and put it
// together again.
func (s *Server) StampedLink(base, path, rights string, ttl time.Duration) string {
	stamp := s.clock.Now().Format("01/02/2006 15:04:05")
	stamp = strings.NewReplacer("/", "%2f", ":", "%3a", " ", "+").Replace(stamp)
	return s.uploadLink(base, path, rights, ttl, stamp+"&")
}

func (s *Server) uploadLink(base, path, rights string, ttl time.Duration, front string) string {
	s.mu.Lock()
	generation := s.entry(path).generation
	s.mu.Unlock()
	const version = "2018-03-28"
	expires := s.clock.Wall().Add(ttl).Truncate(time.Second).Format(time.RFC3339)
	signature := s.sign(path, generation, url.Values{"sv": {version}, "sr": {"b"}, "se": {expires}, "sp": {rights}})
	return strings.TrimSuffix(base, "/") + (&url.URL{Path: path}).EscapedPath() + "?" + front +
		"sv=" + version + "&sr=b&sig=" + url.QueryEscape(signature) + "&se=" + url.QueryEscape(expires) + "&sp=" + rights
}

// ExpireLinks makes all links to the blob that were issued so far invalid; an
// empty path means those to all blobs.
func (s *Server) ExpireLinks(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, b := range s.blobs {
		if path == "" || p == path {
			b.generation++
		}
	}
}

func (s *Server) generation(path string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.blobs[path]; b != nil {
		return b.generation
	}
	return 0
}

func (s *Server) sign(path string, generation int, q url.Values) string {
	mac := hmac.New(sha256.New, s.key[:])
	for _, part := range []string{path, strconv.Itoa(generation), q.Get("sv"), q.Get("sr"), q.Get("se"), q.Get("sp"), q.Get("scid")} {
		_, _ = mac.Write([]byte(part + "\n"))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// check returns the code and message of the 403 that a link deserves; an empty
// code when it is good and grants one of the rights.
func (s *Server) check(r *http.Request, path string, generation int, rights string) (code, message string) {
	q := r.URL.Query()
	const failed = "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature."
	given, err := base64.StdEncoding.DecodeString(q.Get("sig"))
	if err != nil || len(given) == 0 {
		return "AuthenticationFailed", failed
	}
	want, err := base64.StdEncoding.DecodeString(s.sign(path, generation, q))
	if err != nil || !hmac.Equal(given, want) {
		return "AuthenticationFailed", failed
	}
	expires, err := time.Parse(time.RFC3339, q.Get("se"))
	if err != nil || !s.clock.Wall().Before(expires) {
		return "AuthenticationFailed", failed + " Signature not valid in the specified time frame."
	}
	if !strings.ContainsAny(q.Get("sp"), rights) {
		return "AuthorizationPermissionMismatch", "This request is not authorized to perform this operation using this permission."
	}
	return "", ""
}
