package kit

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// Gate stands in front of the fakes: it records every request and lets the
// injected faults happen.
type Gate struct {
	Clock    *Clock
	Recorder *Recorder
	Faults   *Faults
}

// Guard puts the gate in front of a fake. The service name and the public host go
// into the record and are what faults match; an empty host means that of the
// request.
func (g *Gate) Guard(service, host string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		public := host
		if public == "" {
			public = r.Host
		}
		g.serve(w, r, service, public, next)
	})
}

func (g *Gate) serve(w http.ResponseWriter, r *http.Request, service, host string, next http.Handler) {
	// A body that breaks off is the handler's to find: it reads the rest.
	start, readErr := io.ReadAll(io.LimitReader(r.Body, maxRecordedBody))
	r.Body = &replayed{Reader: io.MultiReader(bytes.NewReader(start), &failing{r.Body, readErr}), Closer: r.Body}
	entry := g.Recorder.arrive(g.Clock.Now(), service, host, r, start)

	fault, hit := g.Faults.take(r.Method, host, r.URL.Path)
	out := &answer{ResponseWriter: w, ctx: r.Context(), recorder: g.Recorder, entry: entry, fault: fault}
	if !hit {
		next.ServeHTTP(out, r)
		return
	}
	g.Recorder.update(entry, func(e *Request) { e.Fault = true })
	if fault.Latency > 0 && !pause(r.Context(), fault.Latency) {
		panic(http.ErrAbortHandler)
	}
	switch fault.Drop {
	case DropRefuse, DropReset:
		drop(w, fault.Drop)
	case DropAnswer:
		next.ServeHTTP(&nowhere{header: make(http.Header)}, r)
		drop(w, fault.Drop)
	case DropNone:
	}
	for name, values := range fault.Header {
		w.Header()[http.CanonicalHeaderKey(name)] = values
	}
	if fault.RetryAfter != 0 {
		value := strconv.FormatInt(int64((fault.RetryAfter+time.Second-1)/time.Second), 10)
		if fault.RetryAfterDate {
			// Dates have no fractions: round up, or the client comes too early. It
			// counts on its own clock.
			value = g.Clock.Wall().Add(fault.RetryAfter + time.Second - 1).Format(http.TimeFormat)
		}
		w.Header().Set("Retry-After", value)
	}
	if fault.Status != 0 && fault.Afterwards {
		next.ServeHTTP(&nowhere{header: make(http.Header)}, r)
	}
	switch {
	case fault.Status == 0:
		next.ServeHTTP(out, r)
	case fault.Body != nil:
		out.Header().Set("Content-Length", strconv.Itoa(len(fault.Body)))
		out.WriteHeader(fault.Status)
		_, _ = out.Write(fault.Body)
	default:
		fault.Shape.Write(out, fault.Status, fault.Code, fault.Message)
	}
	out.end()
}

// pause waits; it reports false when the client went away first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// dropper is the in-process transport's way to lose a connection.
type dropper interface{ drop(Drop) }

// drop ends the connection under w and does not return.
func drop(w http.ResponseWriter, how Drop) {
	if d, ok := w.(dropper); ok {
		d.drop(how)
	} else if h, ok := w.(http.Hijacker); ok {
		if conn, _, err := h.Hijack(); err == nil {
			under := conn
			if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
				under = t.NetConn()
			}
			if tcp, ok := under.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // closing now sends RST
			}
			_ = under.Close()
		}
	}
	panic(http.ErrAbortHandler)
}

// answer notes what is answered and breaks it as the fault says.
type answer struct {
	http.ResponseWriter
	ctx      context.Context
	recorder *Recorder
	entry    *Request
	fault    Fault
	wrote    bool
	sent     int64
}

// Unwrap serves [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *answer) WriteHeader(status int) {
	if !a.wrote {
		a.wrote = true
		a.recorder.update(a.entry, func(e *Request) { e.Status = status })
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	if !a.wrote {
		a.WriteHeader(http.StatusOK)
	}
	written := 0
	for {
		chunk := p
		if a.fault.Stall {
			chunk = upTo(chunk, a.fault.StallAt-a.sent)
		}
		if a.fault.Cut {
			chunk = upTo(chunk, a.fault.CutAt-a.sent)
		}
		if len(chunk) > 0 {
			n, err := a.ResponseWriter.Write(chunk)
			written += n
			a.sent += int64(n)
			a.recorder.update(a.entry, func(e *Request) { e.Sent = a.sent })
			if err != nil {
				return written, err
			}
			p = p[n:]
		}
		a.trip()
		if len(p) == 0 {
			return written, nil
		}
	}
}

// trip lets the fault happen once its place in the body is reached.
func (a *answer) trip() {
	if a.fault.Cut && a.sent >= a.fault.CutAt {
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	if a.fault.Stall && a.sent >= a.fault.StallAt {
		a.fault.Stall = false
		_ = http.NewResponseController(a.ResponseWriter).Flush()
		if a.fault.StallFor > 0 {
			if pause(a.ctx, a.fault.StallFor) {
				return
			}
		} else {
			<-a.ctx.Done()
		}
		panic(http.ErrAbortHandler)
	}
}

// end lets a fault happen at the end of a body in which nothing was written.
func (a *answer) end() {
	if a.wrote {
		a.trip()
	}
}

func upTo(p []byte, n int64) []byte {
	if int64(len(p)) > n {
		return p[:max(n, 0)]
	}
	return p
}

// nowhere takes an answer that nobody will see.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) WriteHeader(int)             {}
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }

type replayed struct {
	io.Reader
	io.Closer
}

// failing repeats an error that reading has already met.
type failing struct {
	r   io.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return f.r.Read(p)
}
