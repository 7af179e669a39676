package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/partnercenter-go/partnercenter/pctest"
)

// config is what the command line says.
type config struct {
	addr       string
	dir        string
	seed       uint64
	rows       int
	speed      float64
	exportTime time.Duration
	mfa        bool
	admin      pctest.AdminAccess
	faults     []pctest.Fault
}

// byDefault is the -export-time that nobody has asked for.
const byDefault time.Duration = -1

// slowExport is how long an export takes, by the server's clock, if that runs fast.
const slowExport = 24 * time.Hour

func parseFlags(args []string, stdout io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("emulator", flag.ContinueOnError)
	fs.SetOutput(io.Discard) // a mistake is one line
	fs.StringVar(&cfg.addr, "addr", "127.0.0.1:8443", "`address` to serve on; port 0 means any free one")
	fs.StringVar(&cfg.dir, "dir", "", "`directory` that keeps the state; default: memory")
	fs.Uint64Var(&cfg.seed, "seed", 1, "varies ids and data")
	fs.IntVar(&cfg.rows, "rows", 5000, "number of earnings; 0 for none")
	fs.Float64Var(&cfg.speed, "speed", 1, "how many times as fast the server's clock runs; tokens and links keep to the real time")
	fs.DurationVar(&cfg.exportTime, "export-time", byDefault, "how long an export takes by the server's clock;\ndefault: until the second poll, or 24h if -speed is not 1")
	fs.BoolVar(&cfg.mfa, "mfa", false, "refuse users who have signed in without a second factor")
	faults := fs.String("faults", "", "`file` with what shall go wrong, as JSON: see pctest.ParseFaults")
	admin := fs.String("admin", "loopback", "who may use /_pctest/: loopback, anywhere or off")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(stdout, "usage: emulator [flags]")
			fs.SetOutput(stdout)
			fs.PrintDefaults()
			return cfg, err
		}
		return cfg, fmt.Errorf("%w; -help lists the flags", err)
	}
	return cfg, cfg.check(fs.Args(), *admin, *faults)
}

func (cfg *config) check(rest []string, admin, faults string) error {
	switch admin {
	case "loopback":
		cfg.admin = pctest.AdminLoopback
	case "anywhere":
		cfg.admin = pctest.AdminAnywhere
	case "off":
		cfg.admin = pctest.AdminOff
	default:
		return fmt.Errorf("-admin %q: choose loopback, anywhere or off", admin)
	}
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected arguments: %s", strings.Join(rest, " "))
	case cfg.rows < 0:
		return errors.New("-rows must not be negative")
	case !(cfg.speed > 0):
		return errors.New("-speed must be positive")
	case cfg.exportTime < 0 && cfg.exportTime != byDefault:
		return errors.New("-export-time must not be negative")
	}
	if _, _, err := net.SplitHostPort(cfg.addr); err != nil {
		return fmt.Errorf("-addr %q: it must be host:port", cfg.addr)
	}
	if cfg.exportTime < 0 && cfg.speed != 1 {
		cfg.exportTime = slowExport
	}
	if faults == "" {
		return nil
	}
	b, err := os.ReadFile(faults)
	if err != nil {
		return fmt.Errorf("-faults: %w", err)
	}
	if cfg.faults, err = pctest.ParseFaults(b); err != nil {
		return fmt.Errorf("-faults %s: %w", faults, err)
	}
	return nil
}

// options are what the flags mean for the server.
func (cfg *config) options() []pctest.Option {
	data := pctest.Data{Seed: cfg.seed, Rows: cfg.rows}
	if cfg.rows == 0 {
		data.Rows = -1
	}
	opts := []pctest.Option{
		pctest.WithSeed(cfg.seed),
		pctest.WithData(data),
		pctest.WithReportData(pctest.ReportData{Seed: cfg.seed}),
		pctest.WithSpeed(cfg.speed),
		pctest.WithBehavior(func(b *pctest.Behavior) {
			b.RequireMFA = cfg.mfa
			if cfg.exportTime >= 0 {
				queued := cfg.exportTime / 24
				b.Steps = []pctest.Step{pctest.QueuedFor(queued), pctest.ProcessingFor(cfg.exportTime - queued), pctest.Completed()}
			}
		}),
		pctest.WithAnalyticsBehavior(func(b *pctest.AnalyticsBehavior) { b.RequireMFA = cfg.mfa }),
		pctest.WithIngestionBehavior(func(b *pctest.IngestionBehavior) { b.RequireMFA = cfg.mfa }),
	}
	if cfg.dir != "" {
		opts = append(opts, pctest.WithStateDir(cfg.dir))
	}
	return opts
}
