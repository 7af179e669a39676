package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/ingestion"
)

// config is what the command line says.
type config struct {
	offer     string
	live      bool
	modules   string
	plans     string
	inFlight  string
	notes     string
	dryRun    bool
	resume    string
	tokenFile string
	fail      bool
	pace      time.Duration
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("publish", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.StringVar(&cfg.offer, "offer", fakeOffer, "offer `id`")
	fs.BoolVar(&cfg.live, "live", false, "go on to customers when the preview is there")
	fs.StringVar(&cfg.modules, "modules", "", "`list` of modules to publish, for example Listing,Property; default: the whole offer")
	fs.StringVar(&cfg.plans, "plans", "", "`list` of plan ids, - for none; default: all plans")
	fs.StringVar(&cfg.inFlight, "in-flight", string(ingestion.InFlightRefuse), "what to do about another submission: refuse, wait, \"take over\" or cancel")
	fs.StringVar(&cfg.notes, "notes", "", "`text` for the people who certify")
	fs.BoolVar(&cfg.dryRun, "dry-run", false, "show the steps and do nothing")
	fs.StringVar(&cfg.resume, "resume", "", "go on with the publication of a `token` that an earlier run has printed, or of @file; what it publishes, and how far, is in the token")
	fs.StringVar(&cfg.tokenFile, "token-file", "publish.token", "`file` for the token of the publication under way")
	fs.BoolVar(&cfg.fail, "fail", false, "let the embedded fake find mistakes in the offer")
	fs.DurationVar(&cfg.pace, "pace", 3*time.Second, "how long each half of the way takes the embedded fake")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	err := cfg.check(fs.Args())
	if err != nil {
		fmt.Fprintf(stderr, "publish: %v\n", err)
	}
	return cfg, err
}

func (cfg *config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected arguments: %s", strings.Join(rest, " "))
	case cfg.offer == "":
		return errors.New("-offer must not be empty")
	case cfg.tokenFile == "":
		return errors.New("-token-file must not be empty")
	case cfg.pace < 0:
		return errors.New("-pace must not be negative")
	case cfg.dryRun && cfg.resume != "":
		return errors.New("choose either -dry-run or -resume")
	}
	if path, isFile := strings.CutPrefix(cfg.resume, "@"); isFile {
		token, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		cfg.resume = strings.TrimSpace(string(token))
	}
	return nil
}

// request is what is to be published.
func (cfg *config) request() ingestion.PublishRequest {
	r := ingestion.PublishRequest{Goal: ingestion.GoalPreview, InFlight: ingestion.InFlight(cfg.inFlight), Option: cfg.option()}
	if cfg.live {
		r.Goal = ingestion.GoalLive
	}
	for _, m := range split(cfg.modules) {
		r.Modules = append(r.Modules, ingestion.Module(m))
	}
	if r.WithoutPlans = cfg.plans == "-"; !r.WithoutPlans {
		r.Plans = split(cfg.plans)
	}
	return r
}

func (cfg *config) option() *ingestion.PublishOption {
	if cfg.notes == "" {
		return nil
	}
	return &ingestion.PublishOption{CertificationNotes: cfg.notes}
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
