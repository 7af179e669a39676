package analytics

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/partnercenter-go/partnercenter"
)

// ReceiverOptions tunes a [Receiver]. Zero fields, and a nil pointer, mean the
// defaults.
type ReceiverOptions struct {
	// Secret is the part of the callback URL that nobody can guess: 16 to 128
	// letters, digits, hyphens and underscores. The service signs nothing, so this
	// is all that tells its calls from others. Give one that survives restarts,
	// since it is part of the URL that the reports hold. Default: 256 random bits.
	Secret partnercenter.Secret
	// Queue is how many reports may wait for a worker at a time. Calls beyond are
	// answered with 503. Default 256.
	Queue int
	// Workers is how many reports are looked at, and delivered, at a time. The
	// runs of one report are always delivered one by one. Default 1.
	Workers int
	// MaxBody is the number of bytes of a call's body, which is not used for
	// anything. Larger ones are answered with 413. Default 64 KiB.
	MaxBody int64
	// Reports are looked at from the beginning, also without a call. A report that
	// has been called for is added by itself, for as long as it exists.
	Reports []string
	// PollInterval is how often they are looked at, for the case that a call was
	// lost. Default 30 min; negative: never.
	PollInterval time.Duration
	// Since is the time after which files count. Default: of each report the
	// latest file that is there when it is first looked at, and all later ones.
	Since time.Time
	// Seen remembers what has been delivered. Default: in memory. With one that
	// lasts, and Since, everything that was missed while the program was down is
	// delivered after a restart.
	Seen SeenStore
	// DrainTimeout is how much time is left for accepted calls when the receiver
	// is stopped. Default 30 s.
	DrainTimeout time.Duration
	// OnError is called with every failure to look at a report or to deliver a
	// run, from the workers' goroutines. All of them are tried again. Default:
	// only the client's logger gets to know.
	OnError func(reportID string, err error)
}

// SeenStore remembers which runs have been delivered. It must be safe for
// concurrent use.
type SeenStore interface {
	// Seen reports whether a run has been delivered.
	Seen(ctx context.Context, x Execution) (bool, error)
	// MarkSeen notes that a run has been delivered. When the program ends between
	// delivery and this call, the run is delivered again.
	MarkSeen(ctx context.Context, x Execution) error
}

// Receiver is an [http.Handler] for the calls by which the service tells that a
// report is ready, and what follows them: it looks at the report through the API,
// since a call can come from anybody and says next to nothing, and delivers every
// run with a file that has not been delivered before.
//
//	receiver, err := analytics.NewReceiver(client, deliver, nil)
//	callback, err := receiver.URL("https://hooks.example.com/pc") // for ReportRequest.CallbackURL
//	mux.Handle("/pc/", receiver)
//	err = receiver.Run(ctx)
//
// A call is answered with 200 as soon as it is in the queue; with 404 when it does
// not know the secret, and with 503 when the queue is full or the receiver stops.
// Whether the service repeats calls is not documented: what is lost that way is
// found when the report is looked at the next time.
//
// Calls for a report that is waiting already are one call. All methods are safe
// for concurrent use.
//
// https://learn.microsoft.com/partner-center/insights/insights-programmatic-first-api-call
type Receiver struct {
	client  *Client
	deliver func(context.Context, Execution) error
	opts    ReceiverOptions
	digest  [sha256.Size]byte // of the secret
	started atomic.Bool

	mu       sync.Mutex
	tasks    map[string]*task // by report
	arrivals int
	known    map[string]*watched
	closing  bool
	wake     chan struct{}
}

// NewReceiver makes a receiver. The function deliver gets every new run, with a
// link to its file; when it returns an error it gets the run again later. The runs of
// a report come in their order, so that one which is not taken holds back those after
// it: return nil for a run that is given up. Use [ToChannel] to have them sent to a
// channel instead. Calls are accepted from now on, and looked at once [Receiver.Run]
// runs.
func NewReceiver(client *Client, deliver func(context.Context, Execution) error, opts *ReceiverOptions) (*Receiver, error) {
	if client == nil || deliver == nil {
		return nil, errors.New("analytics: receiver: client and function are required")
	}
	var o ReceiverOptions
	if opts != nil {
		o = *opts
	}
	if o.Secret.IsZero() {
		bits := make([]byte, 32)
		_, _ = rand.Read(bits) // documented never to fail
		o.Secret = partnercenter.NewSecret(base64.RawURLEncoding.EncodeToString(bits))
	}
	if s := o.Secret.Reveal(); len(s) < 16 || len(s) > 128 || !opaque(s) {
		return nil, errors.New("analytics: receiver: Secret must be 16 to 128 letters, digits, hyphens and underscores")
	}
	setDefault(&o.Queue, 256)
	setDefault(&o.Workers, 1)
	setDefault(&o.MaxBody, 64<<10)
	setDefault(&o.PollInterval, 30*time.Minute)
	setDefault(&o.DrainTimeout, 30*time.Second)
	if o.Queue < 0 || o.Workers < 0 || o.MaxBody < 0 || o.DrainTimeout < 0 {
		return nil, errors.New("analytics: receiver: Queue, Workers, MaxBody and DrainTimeout cannot be negative")
	}
	if o.Seen == nil {
		o.Seen = &memory{}
	}
	r := &Receiver{
		client: client, deliver: deliver, opts: o, digest: sha256.Sum256([]byte(o.Secret.Reveal())),
		tasks: map[string]*task{}, known: map[string]*watched{}, wake: make(chan struct{}, 1),
	}
	for _, id := range o.Reports {
		if id = strings.TrimSpace(id); !isReportID(id) {
			return nil, fmt.Errorf("analytics: receiver: %q is not the id of a report", id)
		}
		r.Watch(id)
	}
	return r, nil
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// URL returns the callback URL for reports: base, under which the receiver is
// served, and the secret. It does not print.
func (r *Receiver) URL(base string) (partnercenter.Secret, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return partnercenter.Secret{}, fmt.Errorf("analytics: receiver: %q is not a base URL; write it like https://hooks.example.com/pc", base)
	}
	return partnercenter.NewSecret(strings.TrimRight(base, "/") + "/" + r.opts.Secret.Reveal()), nil
}

// Watch has a report looked at from time to time even if it is never called for.
func (r *Receiver) Watch(reportID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remember(reportID).asked = true
}

// ServeHTTP implements [http.Handler].
//
// The secret may stand at any place of the path, so that it does not matter under
// which prefix the receiver is mounted. What follows it may be joined in every way
// that has been seen: /{id}, //{id}, ?/{id}, ?reportId={id}. Note that
// [http.ServeMux] redirects paths with a double slash by itself.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	rest, ok := r.authorized(req)
	if !ok {
		http.NotFound(w, req)
		return
	}
	if req.Method != http.MethodPost && req.Method != http.MethodGet {
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
		return
	}
	id := calledFor(rest, req.URL)
	if !isReportID(id) {
		http.Error(w, "no report id", http.StatusBadRequest)
		return
	}
	body := http.MaxBytesReader(w, req.Body, r.opts.MaxBody)
	if _, err := io.Copy(io.Discard, body); err != nil {
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "incomplete body", http.StatusBadRequest)
		return
	}
	if !r.enqueue(id, true) {
		w.Header().Set("Retry-After", "60")
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusOK)
}

// authorized finds the secret in the path and returns what follows it. Every
// segment is compared, in a time that depends on the number of segments only.
func (r *Receiver) authorized(req *http.Request) (rest string, ok bool) {
	segments := strings.Split(req.URL.Path, "/")
	for i, s := range segments {
		sum := sha256.Sum256([]byte(s))
		if subtle.ConstantTimeCompare(sum[:], r.digest[:]) == 1 {
			rest, ok = strings.Join(segments[i+1:], "/"), true
		}
	}
	return rest, ok
}

// calledFor finds the report's id in what follows the secret.
func calledFor(rest string, u *url.URL) string {
	if id := strings.Trim(rest, "/"); id != "" {
		return id
	}
	query := strings.TrimLeft(u.RawQuery, "?&/")
	values, err := url.ParseQuery(query)
	if err == nil {
		for name, v := range values {
			if strings.EqualFold(strings.Trim(name, "?/"), "reportId") && len(v) > 0 {
				return strings.Trim(strings.TrimSpace(v[0]), "/")
			}
		}
	}
	id, err := url.QueryUnescape(query)
	if err != nil {
		return ""
	}
	return strings.Trim(id, "/")
}

// isReportID accepts what an id can look like. Ids are opaque, but they end up in
// the path of a request and in logs.
func isReportID(s string) bool { return s != "" && len(s) <= 128 && opaque(s) }

func opaque(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// ToChannel returns a function for [NewReceiver] that sends every run to a channel.
// A channel that nobody reads from holds up the queue, which then refuses calls;
// nothing is dropped.
func ToChannel(ch chan<- Execution) func(context.Context, Execution) error {
	return func(ctx context.Context, x Execution) error {
		select {
		case ch <- x:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
