package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/partnercenter-go/partnercenter"
	"github.com/partnercenter-go/partnercenter/analytics"
	"github.com/partnercenter-go/partnercenter/analytics/query"
)

// serve is the whole job.
func serve(ctx context.Context, cfg config, lookup func(string) (string, bool), stdout io.Writer) error {
	if err := os.MkdirAll(cfg.out, 0o750); err != nil {
		return err
	}
	service, err := connect(cfg, lookup, stdout)
	if err != nil {
		return err
	}
	defer service.close()
	key, err := secret(cfg.out)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.listen)
	if err != nil {
		return err
	}
	if cfg.public == "" {
		cfg.public = "http://" + listener.Addr().String()
	}
	ctx, enough := context.WithCancel(ctx)
	defer enough()
	inbox := &inbox{client: service.client, dir: cfg.out, left: cfg.files, enough: enough, stdout: stdout}
	receiver, err := analytics.NewReceiver(service.client, inbox.take, inbox.options(key))
	if err != nil {
		return errors.Join(err, listener.Close())
	}

	server := &http.Server{Handler: receiver, ReadHeaderTimeout: 10 * time.Second}
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	var served, received error
	wg.Go(func() { served = server.Serve(listener) })
	wg.Go(func() { received = receiver.Run(work) })
	err = schedule(ctx, cfg, service, receiver, stdout)
	if err == nil && service.fake != nil {
		service.hurry(ctx, cfg.pace)
	}
	if err == nil {
		<-ctx.Done()
	}
	// First no more calls are accepted, then those that have been are worked off.
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, server.Shutdown(down))
	stop()
	wg.Wait()
	if errors.Is(served, http.ErrServerClosed) {
		served = nil
	}
	return errors.Join(err, served, received)
}

// schedule makes sure that the report runs, and calls here.
func schedule(ctx context.Context, cfg config, s *service, receiver *analytics.Receiver, stdout io.Writer) error {
	callback, err := receiver.URL(cfg.public)
	if err != nil {
		return err
	}
	applied, err := s.client.Apply(ctx, analytics.Schedule{
		Name: cfg.name, Query: cfg.query, Interval: cfg.every, Count: cfg.runs, CallbackURL: callback,
	})
	if err != nil {
		return err
	}
	receiver.Watch(applied.Report.ID) // in case that a call is lost
	fmt.Fprintf(stdout, "schedule %s: %s, next file after %s\n", cfg.name, applied.Action, applied.Report.Start.Format(time.RFC3339))
	return nil
}

// inbox downloads what the receiver has found.
type inbox struct {
	client *analytics.Client
	dir    string
	stdout io.Writer

	mu     sync.Mutex
	left   int // files until it is enough; 0: never
	enough context.CancelFunc
}

// options make the receiver deliver whatever the service still has and the folder
// has not: so nothing is missing that became ready while the program was down.
func (b *inbox) options(key partnercenter.Secret) *analytics.ReceiverOptions {
	return &analytics.ReceiverOptions{
		Secret: key, Since: time.Now().Add(-analytics.Retention), Seen: b, OnError: b.failed,
	}
}

// path is where the file of a run lies once it is whole.
func (b *inbox) path(x analytics.Execution) string {
	return filepath.Join(b.dir, x.GeneratedAt.Format("20060102T150405Z")+"_"+filepath.Base(x.ID)+"."+string(x.Format))
}

// Seen implements [analytics.SeenStore].
func (b *inbox) Seen(_ context.Context, x analytics.Execution) (bool, error) {
	_, err := os.Stat(b.path(x))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// MarkSeen implements [analytics.SeenStore]: the file is the mark.
func (b *inbox) MarkSeen(context.Context, analytics.Execution) error { return nil }

// failed tells what went wrong; the receiver tries again.
func (b *inbox) failed(reportID string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(b.stdout, "report %s: %v\n", reportID, err)
}

func (b *inbox) take(ctx context.Context, x analytics.Execution) error {
	path := b.path(x)
	if _, err := b.client.DownloadFile(ctx, x, path, nil); err != nil {
		return err
	}
	content, err := analytics.OpenFile(path)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }() // it has been read to its end by then
	rows := 0
	for _, err := range analytics.Records(content, query.Dataset{}, nil) {
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		rows++
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	fmt.Fprintf(b.stdout, "%s: %d rows\n", path, rows)
	if b.left--; b.left == 0 {
		b.enough()
	}
	return nil
}
