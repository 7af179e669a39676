package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/partnercenter-go/partnercenter/payouts"
)

// config is what the command line says.
type config struct {
	device   bool
	store    string
	key      string
	resource string
	hint     string
	redirect string
	replace  bool
}

func parseFlags(args []string, stderr io.Writer) (config, error) {
	var cfg config
	fs := flag.NewFlagSet("signin", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.BoolVar(&cfg.device, "device", false, "sign in on another device with a code, without a browser here")
	fs.StringVar(&cfg.store, "store", "file", "where to save the refresh token: file, file:`DIRECTORY`, keyring, or the URL of a Redis server")
	fs.StringVar(&cfg.key, "key", "", "`name` of the record in the store; default: the tenant ID")
	fs.StringVar(&cfg.resource, "resource", payouts.DefaultResource, "the API to consent to")
	fs.StringVar(&cfg.hint, "user", "", "sign-in `name` to suggest")
	fs.StringVar(&cfg.redirect, "redirect", "", "loopback `URI` where the browser returns to, default http://localhost")
	fs.BoolVar(&cfg.replace, "replace", false, "also replace what another application or tenant has saved under the key")
	if err := fs.Parse(args); err != nil {
		return cfg, err
	}
	var err error
	switch {
	case fs.NArg() > 0:
		err = fmt.Errorf("unexpected arguments: %s", strings.Join(fs.Args(), " "))
	case cfg.device && cfg.redirect != "":
		err = errors.New("-redirect is for the browser, not for -device")
	}
	if err != nil {
		fmt.Fprintf(stderr, "signin: %v\n", err)
	}
	return cfg, err
}
