package ingestion

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// publishState is what a publication must remember to go on elsewhere: all that its
// resume token holds.
type publishState struct {
	request PublishRequest
	// after is the newest submission before the publication's own, as noted right
	// before asking for one: whatever is newer was made by this publication.
	after string
	// submission is the publication's own; empty until it is known.
	submission string
	// promoted says that the service has taken the order to go live.
	promoted bool
	// stale marks the failed way to live of an earlier promotion.
	stale string
}

// Names of the parameters in tokens.
const (
	paramGoal       = "goal"
	paramModules    = "modules"
	paramPlans      = "plans"
	paramNoPlans    = "withoutPlans"
	paramInFlight   = "inFlight"
	paramOption     = "option"
	paramNotes      = "notes" // there were some
	paramAfter      = "after"
	paramSubmission = "submission"
	paramPromoted   = "promoted"
	paramStale      = "stale"
)

// params leaves out what a publication has behind it.
func (s publishState) params() map[string]string {
	m := map[string]string{paramGoal: string(s.request.Goal)}
	if s.submission != "" {
		m[paramSubmission] = s.submission
		if s.promoted {
			m[paramPromoted] = "true"
		}
		if s.stale != "" {
			m[paramStale] = s.stale
		}
		return m
	}
	m[paramInFlight] = string(s.request.InFlight)
	if len(s.request.Modules) > 0 {
		m[paramModules] = list(s.request.Modules)
	}
	if len(s.request.Plans) > 0 {
		m[paramPlans] = list(s.request.Plans)
	}
	if s.request.WithoutPlans {
		m[paramNoPlans] = "true"
	}
	if o := s.request.Option; o != nil {
		if o.CertificationNotes != "" {
			m[paramNotes] = "omitted"
		}
		m[paramOption] = fmt.Sprintf("%s %t %t", o.ReleaseTime.UTC().Format(time.RFC3339Nano), o.IsManualPublish, o.IsAutoPromote)
	}
	if s.after != "" {
		m[paramAfter] = s.after
	}
	return m
}

// list writes names as JSON, of which none can be broken by what is in a name.
func list[S ~string](names []S) string {
	raw, err := json.Marshal(names)
	if err != nil {
		panic(err) // strings only: cannot happen
	}
	return string(raw)
}

func parsePublishState(m map[string]string, option *PublishOption) (publishState, error) {
	s := publishState{
		request: PublishRequest{
			Goal: PublishGoal(m[paramGoal]), InFlight: InFlight(m[paramInFlight]), Option: option, WithoutPlans: m[paramNoPlans] != "",
		},
		after: m[paramAfter], submission: m[paramSubmission], promoted: m[paramPromoted] != "", stale: m[paramStale],
	}
	if s.request.Goal == "" {
		return s, errors.New("the goal is missing")
	}
	if s.submission != "" {
		s.request.Option = nil // it has been submitted
		return s, errors.Join(s.request.check(), checkID("submission id", s.submission))
	}
	if s.request.InFlight == "" {
		return s, errors.New("neither a submission nor what to submit is in it")
	}
	if err := unlist(m[paramModules], &s.request.Modules); err != nil {
		return s, fmt.Errorf("modules: %w", err)
	}
	if err := unlist(m[paramPlans], &s.request.Plans); err != nil {
		return s, fmt.Errorf("plans: %w", err)
	}
	if s.after != "" {
		if _, err := parseMark(s.after); err != nil {
			return s, err
		}
	}
	if option == nil && m[paramOption] != "" {
		if m[paramNotes] != "" {
			return s, errors.New("the certification notes are not in it, and it was not submitted yet: pass the PublishOption of the request again")
		}
		o, err := parseOption(m[paramOption])
		if err != nil {
			return s, err
		}
		s.request.Option = &o
	}
	return s, s.request.check()
}

func unlist[S ~string](text string, names *[]S) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), names); err != nil {
		return errors.New("not a list")
	}
	return nil
}

func parseOption(text string) (PublishOption, error) {
	var o PublishOption
	parts := strings.Fields(text)
	if len(parts) != 3 {
		return o, errors.New("the publish option is damaged")
	}
	var bad [3]error
	o.ReleaseTime, bad[0] = time.Parse(time.RFC3339Nano, parts[0])
	o.IsManualPublish, bad[1] = strconv.ParseBool(parts[1])
	o.IsAutoPromote, bad[2] = strconv.ParseBool(parts[2])
	if slices.ContainsFunc(bad[:], func(err error) bool { return err != nil }) {
		return o, errors.New("the publish option is damaged")
	}
	return o, nil
}

// mark notes which submission is the newest; "0 -" if there is none.
func mark(s Submission, found bool) string {
	if !found {
		return "0 -"
	}
	return strconv.Itoa(s.ReleaseNumber) + " " + s.ID
}

func parseMark(text string) (Submission, error) {
	number, id, ok := strings.Cut(text, " ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || id == "" {
		return Submission{}, errors.New("the newest submission before is damaged")
	}
	if id == "-" {
		id = ""
	}
	return Submission{ReleaseNumber: n, ID: id}, nil
}
