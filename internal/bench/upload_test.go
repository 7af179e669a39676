package bench

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what the store checks
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"

	"github.com/partnercenter-go/partnercenter/internal/azuritetest"
	"github.com/partnercenter-go/partnercenter/internal/transfer"
)

// uploadTurns are the contenders of BenchmarkUpload. Their link is the file's path
// and, on a second line, where it goes.
var uploadTurns = map[string]func(ctx context.Context, link string, o *outcome) error{
	"ours, upload":         oursUpload,
	"azblob, upload":       azblobUpload,
	"azblob with our sums": azblobUploadWithSums,
}

func openUpload(link string) (f *os.File, target string, err error) {
	path, target, _ := strings.Cut(link, "\n")
	f, err = os.Open(path)
	return f, target, err
}

func oursUpload(ctx context.Context, link string, o *outcome) error {
	f, target, err := openUpload(link)
	if err != nil {
		return err
	}
	src, err := source(target)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	// Each turn sends all of it.
	res, err := transfer.Upload(ctx, transfer.Target{Doer: src.Doer, Link: src.Link}, f, &transfer.UploadOptions{NoResume: true})
	o.Bytes = res.Bytes
	return errors.Join(err, f.Close())
}

func azblobUpload(ctx context.Context, link string, o *outcome) error {
	f, target, err := openUpload(link)
	if err != nil {
		return err
	}
	c, err := blockblob.NewClientWithNoCredential(target, nil)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	o.Bytes = info.Size()
	_, err = c.UploadFile(ctx, f, nil)
	return errors.Join(err, f.Close())
}

// azblobUploadWithSums promises what ours does, on azblob: an MD5 for every block and
// the SHA-256 of the file, which is read once. As many blocks of the same size are on
// their way as with azblob's UploadFile.
func azblobUploadWithSums(ctx context.Context, link string, o *outcome) (err error) {
	const blockSize, parallel = 4 << 20, 5
	f, target, err := openUpload(link)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	c, err := blockblob.NewClientWithNoCredential(target, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var workers sync.WaitGroup
	room := make(chan []byte, parallel)
	for range parallel {
		room <- make([]byte, blockSize)
	}
	sha := sha256.New()
	var ids []string
	for ctx.Err() == nil {
		buf := <-room
		n, readErr := io.ReadFull(f, buf)
		if n > 0 {
			_, _ = sha.Write(buf[:n])
			id := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%08d", len(ids)))
			ids, o.Bytes = append(ids, id), o.Bytes+int64(n)
			workers.Go(func() {
				sum := md5.Sum(buf[:n]) //nolint:gosec // what the store checks
				if _, err := c.StageBlock(ctx, id, streaming.NopCloser(bytes.NewReader(buf[:n])), &blockblob.StageBlockOptions{
					TransactionalValidation: blob.TransferValidationTypeMD5(sum[:]),
				}); err != nil {
					cancel(err)
				}
				room <- buf
			})
		}
		if readErr != nil {
			if !errors.Is(readErr, io.EOF) && !errors.Is(readErr, io.ErrUnexpectedEOF) {
				cancel(readErr)
			}
			break
		}
	}
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	sum := hex.EncodeToString(sha.Sum(nil))
	_, err = c.CommitBlockList(ctx, ids, &blockblob.CommitBlockListOptions{Metadata: map[string]*string{"sha256": &sum}})
	return err
}

// BenchmarkUpload uploads a file to Azurite by ours, which sends an MD5 with every
// block and takes the SHA-256 of the file, and by azblob's UploadFile, which does
// neither; and by a program on azblob that does both. Client and emulator share the
// processors here, so that every hash costs time. The size in MiB comes from PARTNERCENTER_BENCH_MIB, default 320, since azblob
// sends up to 256 MiB as a whole; -short makes it 16. Azurite keeps everything in
// memory.
//
//	PARTNERCENTER_BENCH_MIB=2048 go test -run '^$' -bench Upload -benchtime 1x -v ./internal/bench
func BenchmarkUpload(b *testing.B) {
	mib := benchMiB(b, 320)
	if testing.Short() {
		mib = 16
	}
	s := azuritetest.Start(b)
	s.Container(b, "file")
	link := randomFile(b, mib<<20) + "\n" + s.Link("file/app.zip", "rwl", time.Now().Add(24*time.Hour))
	race(b, fmt.Sprintf("%d MiB to Azurite", mib), link, mib<<20, "ours, upload", "azblob, upload", "azblob with our sums")
}
