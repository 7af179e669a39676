package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/partnercenter-go/partnercenter/auth"
)

// config is what the command line says.
type config struct {
	apis      []auth.API // nil: all
	tenant    string
	skipProbe bool
	showUser  bool
	json      bool
	explain   string
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("doctor", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.Func("api", "look at this `API` only: payouts, analytics or ingestion; may be repeated", func(name string) error {
		found := only(name)
		if found == nil {
			return errors.New("choose payouts, analytics or ingestion")
		}
		cfg.apis = append(cfg.apis, found...)
		return nil
	})
	fs.StringVar(&cfg.tenant, "tenant", "", "`ID` of the tenant to sign in to, if not the one of the environment")
	fs.BoolVar(&cfg.skipProbe, "no-probe", false, "look at the tokens only; send nothing to the APIs")
	fs.BoolVar(&cfg.showUser, "show-user", false, "name the signed-in user in the report")
	fs.BoolVar(&cfg.json, "json", false, "print the report as JSON")
	fs.StringVar(&cfg.explain, "explain", "", "say what a `code` means, such as AADSTS7000222 or 900421, and do nothing else")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	if fs.NArg() > 0 {
		err := fmt.Errorf("unexpected arguments: %s", strings.Join(fs.Args(), " "))
		fmt.Fprintf(stderr, "doctor: %v\n", err)
		return cfg, err
	}
	return cfg, nil
}

// only returns the APIs of one package, nil if there is no such package.
func only(name string) []auth.API {
	kept := slices.DeleteFunc(auth.PartnerAPIs(), func(a auth.API) bool {
		first, _, _ := strings.Cut(a.Name, " ")
		return first != name
	})
	if len(kept) == 0 {
		return nil
	}
	return kept
}
