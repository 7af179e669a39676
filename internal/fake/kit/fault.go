package kit

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Drop is a way for a connection to end without an answer.
type Drop int

// The ways to lose an answer.
const (
	// DropNone: the request is answered.
	DropNone Drop = iota
	// DropRefuse: no connection comes about. The service has seen nothing. Over
	// a loopback listener, where the connection already stands, it is a reset.
	DropRefuse
	// DropReset: the connection is reset after the request was sent; the service
	// did nothing.
	DropReset
	// DropAnswer: the service does its work, then the connection is reset before
	// the answer.
	DropAnswer
)

// Fault is something that goes wrong. Its first group of fields says with which
// requests, the second what happens; several things may happen to one request.
type Fault struct {
	// Method is the HTTP method; empty means any.
	Method string
	// Host is the service's public host name; empty means any. An asterisk
	// stands for any text.
	Host string
	// Path is the unescaped path; empty means any. An asterisk stands for any
	// text, slashes included.
	Path string
	// Skip lets that many matching requests pass first.
	Skip int
	// Times is how many requests are hit; 0 means one, a negative number all.
	Times int

	// Latency passes before anything else happens.
	Latency time.Duration
	// Drop ends the connection without an answer.
	Drop Drop
	// Status answers in the service's place, which does not see the request.
	Status int
	// Afterwards lets the service do its work first; its answer is thrown away.
	Afterwards bool
	// Body is the answer's body; nil means one of Shape with Code and Message.
	Body []byte
	// Shape, Code and Message describe the error body.
	Shape         Shape
	Code, Message string
	// Header is added to the answer, also to the service's own.
	Header http.Header
	// RetryAfter is sent in the header of that name if it is not zero.
	RetryAfter time.Duration
	// RetryAfterDate sends it as a date, not as seconds.
	RetryAfterDate bool
	// Cut ends the connection after CutAt bytes of the answer's body.
	Cut   bool
	CutAt int64
	// Stall stops the answer's body after StallAt bytes, for StallFor; zero
	// means until the client goes away.
	Stall    bool
	StallAt  int64
	StallFor time.Duration
}

// Faults is the list of faults to come. The zero value is ready; it is safe for
// concurrent use.
type Faults struct {
	mu     sync.Mutex
	number int
	list   []*Injected
}

// Injected is a fault on the list.
type Injected struct {
	faults *Faults
	id     int
	fault  Fault
	seen   int
	hits   int
}

// Hits returns how many requests the fault has hit.
func (i *Injected) Hits() int {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	return i.hits
}

// Remove takes the fault off the list.
func (i *Injected) Remove() {
	i.faults.mu.Lock()
	defer i.faults.mu.Unlock()
	i.faults.list = slices.DeleteFunc(i.faults.list, func(o *Injected) bool { return o == i })
}

// Add appends a fault. Of several that match a request, the one added first
// takes it; the others wait.
func (f *Faults) Add(fault Fault) *Injected {
	if fault.Times == 0 {
		fault.Times = 1
	}
	if fault.Status != 0 && (fault.Status < 200 || fault.Status > 599) {
		fault.Status = http.StatusInternalServerError // nothing else can be sent
	}
	fault.Header = fault.Header.Clone()
	fault.Body = slices.Clone(fault.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.number++
	i := &Injected{faults: f, id: f.number, fault: fault}
	f.list = append(f.list, i)
	return i
}

// Waiting is a fault on the list, described.
type Waiting struct {
	// ID tells it from the others.
	ID int
	// Fault is what was added.
	Fault Fault
	// Hits is how many requests it has hit.
	Hits int
}

// List describes the faults on the list, in their order.
func (f *Faults) List() []Waiting {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Waiting, len(f.list))
	for n, i := range f.list {
		out[n] = Waiting{i.id, i.fault, i.hits}
	}
	return out
}

// Remove takes the fault with the ID off the list; it reports whether it was there.
func (f *Faults) Remove(id int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.list)
	f.list = slices.DeleteFunc(f.list, func(i *Injected) bool { return i.id == id })
	return len(f.list) < n
}

// Clear takes all faults off the list.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// take returns the fault for a request, if there is one, and counts it.
func (f *Faults) take(method, host, path string) (Fault, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for n, i := range f.list {
		if !i.fault.matches(method, host, path) {
			continue
		}
		if i.seen++; i.seen <= i.fault.Skip {
			continue
		}
		i.hits++
		if i.fault.Times > 0 && i.hits >= i.fault.Times {
			f.list = slices.Delete(f.list, n, n+1)
		}
		return i.fault, true
	}
	return Fault{}, false
}

func (f Fault) matches(method, host, path string) bool {
	return (f.Method == "" || strings.EqualFold(f.Method, method)) &&
		(f.Host == "" || Match(strings.ToLower(f.Host), strings.ToLower(host))) &&
		(f.Path == "" || Match(f.Path, path))
}

// Match reports whether text fits the pattern, in which an asterisk stands for
// any text and everything else for itself.
func Match(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return strings.HasSuffix(text, parts[last])
}
