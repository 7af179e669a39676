package tabular

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// zipped makes an archive of pairs of names and texts.
func zipped(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for pair := range slices.Chunk(pairs, 2) {
		f, err := w.Create(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, pair[1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zippedByJava has a folder that is compressed, to two bytes that mean nothing.
func zippedByJava(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	folder, err := w.CreateRaw(&zip.FileHeader{Name: "folderX", Method: zip.Deflate, CompressedSize64: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(folder, "\x03\x00"); err != nil {
		t.Fatal(err)
	}
	f, err := w.Create("x.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(b.Bytes(), []byte("folderX"), []byte("folder/")) // which package archive/zip does not write
}

func gzipped(t testing.TB, name, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name = name
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpenFindsOutWhatAFileIs(t *testing.T) {
	const csv = "a,b\r\n1,\"x\ny\"\n"
	stored := func() []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		f, err := w.CreateHeader(&zip.FileHeader{Name: "s", Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, csv); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	n := int64(len(csv))
	for _, c := range []struct {
		name string
		data []byte
		want []content
	}{
		{"plain", []byte(csv), []content{{"export", n, csv}}},
		{"plain with mark", []byte(utf8Mark + csv), []content{{"export", n, csv}}},
		{"mark alone", []byte(utf8Mark), []content{{"export", 0, ""}}},
		{"one byte", []byte("a"), []content{{"export", 1, "a"}}},
		{"empty", nil, []content{{"export", 0, ""}}},
		{"zip", zipped(t, "2022-03_24", csv), []content{{"2022-03_24", n, csv}}},
		{"zip, stored", stored(), []content{{"s", n, csv}}},
		{"zip with many entries in its order", zipped(t, "2022-04_25.csv", csv, "2022-03_24.csv", "", "c/d.tsv", utf8Mark+"a\tb\n"),
			[]content{{"2022-04_25.csv", n, csv}, {"2022-03_24.csv", 0, ""}, {"c/d.tsv", 4, "a\tb\n"}}},
		{"zip with litter", zipped(t, "dir/", "", "__MACOSX/._x.csv", "junk", "a/__MACOSX/x", "junk", ".DS_Store", "junk", `d\.hidden`, "junk", "x.csv", csv),
			[]content{{"x.csv", n, csv}}},
		{"zip with dangerous names", zipped(t, "../../etc/passwd", csv, "/abs", csv), []content{{"../../etc/passwd", n, csv}, {"/abs", n, csv}}},
		{"zip with an entry without name", zipped(t, "", csv), []content{{"export", n, csv}}},
		{"zip with a folder as Java writes it", zippedByJava(t, csv), []content{{"x.csv", n, csv}}},
		{"zip of gzip", zipped(t, "x.csv.gz", string(gzipped(t, "", utf8Mark+csv))), []content{{"x.csv", -1, csv}}},
		{"zip without entries", zipped(t), nil},
		{"gzip", gzipped(t, "", csv), []content{{"export", -1, csv}}},
		{"gzip with name", gzipped(t, "inner.csv", csv), []content{{"inner.csv", -1, csv}}},
		{"gzip with mark", gzipped(t, "", utf8Mark+csv), []content{{"export", -1, csv}}},
		{"gzip in gzip", gzipped(t, "", string(gzipped(t, "", csv))), []content{{"export", -1, csv}}},
		{"gzip of parts", append(gzipped(t, "", "a,b\n"), gzipped(t, "", "1,2\n")...), []content{{"export", -1, "a,b\n1,2\n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := contents(open(t, c.data))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("Open (-want +got):\n%s", diff)
			}
			if strings.HasPrefix(c.name, "zip") {
				return
			}
			// A stream that trickles must not change what it is taken for.
			s, err := OpenStream("export", iotest.OneByteReader(bytes.NewReader(c.data)))
			if err != nil {
				t.Fatal(err)
			}
			if got, err = contents(s); err != nil {
				t.Fatal(err)
			}
			for i := range c.want {
				c.want[i].Size = -1
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("OpenStream (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	csv := strings.Repeat("a,b\n1,2\n", 100)
	whole := zipped(t, "x.csv", csv)
	header := func(flags, method byte) []byte {
		b := bytes.Clone(whole)
		for _, at := range []struct {
			sign          string
			flags, method int
		}{{"PK\x03\x04", 6, 8}, {"PK\x01\x02", 8, 10}} {
			i := bytes.Index(b, []byte(at.sign))
			b[i+at.flags] |= flags
			if method != 0 {
				b[i+at.method] = method
			}
		}
		return b
	}
	badSum := bytes.Clone(whole)
	sum := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(csv)))
	for _, sign := range []string{"PK\x07\x08", "PK\x01\x02"} {
		i := bytes.Index(badSum, []byte(sign))
		j := i + bytes.Index(badSum[i:], sum)
		badSum[j] ^= 0xff
	}
	damaged := gzipped(t, "", csv)
	damaged[len(damaged)-5] ^= 0xff // the checksum
	deep := []byte(csv)
	for range 4 {
		deep = gzipped(t, "", string(deep))
	}
	for _, c := range []struct {
		name  string
		data  []byte
		says  string
		cause error
	}{
		{"UTF-16, little", []byte("\xff\xfea\x00,\x00"), "export: is UTF-16", nil},
		{"UTF-16, big", []byte("\xfe\xff\x00a"), "export: is UTF-16", nil},
		{"UTF-16 in zip", zipped(t, "u.csv", "\xff\xfea\x00"), "entry u.csv: is UTF-16", nil},
		{"cut zip", whole[:len(whole)-30], "export: damaged or cut zip", nil},
		{"encrypted", header(1, 0), "entry x.csv: is encrypted", nil},
		{"unknown method", header(0, 14), "entry x.csv: is compressed with method 14", nil},
		{"wrong checksum in zip", badSum, "checksum", zip.ErrChecksum},
		{"zip in zip", zipped(t, "in.zip", string(whole)), "entry in.zip: holds another zip", nil},
		{"zip in gzip", gzipped(t, "", string(whole)), "holds another zip", nil},
		{"cut gzip", gzipped(t, "", csv)[:40], "unexpected EOF", io.ErrUnexpectedEOF},
		{"cut gzip header", []byte("\x1f\x8b\x08"), "damaged gzip header", io.ErrUnexpectedEOF},
		{"wrong checksum in gzip", damaged, "checksum", nil},
		{"too deep", deep, "more than 3 times", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			content, err := Open("export", bytes.NewReader(c.data), int64(len(c.data)))
			if err == nil {
				_, err = contents(content)
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || c.cause != nil && !errors.Is(err, c.cause) {
				t.Errorf("error %v, want one that says %q and wraps %v", err, c.says, c.cause)
			}
		})
	}
}

func TestOpenRefusesWhatCannotBeRead(t *testing.T) {
	if _, err := Open("x", nil, 3); err == nil {
		t.Error("Open(nil) succeeded")
	}
	if _, err := Open("x", strings.NewReader("abc"), -1); err == nil {
		t.Error("a negative size was accepted")
	}
	if c, err := Open("x", strings.NewReader("abcde"), 10); err != nil {
		t.Error(err)
	} else if _, err := contents(c); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v for a plain file that is shorter than its size", err)
	}
	if _, err := Open("x", strings.NewReader("abc"), 4); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error %v for a size beyond the end", err)
	}
	if _, err := OpenStream("x", nil); err == nil {
		t.Error("OpenStream(nil) succeeded")
	}
	broken := errors.New("broken")
	if _, err := OpenStream("x", iotest.ErrReader(broken)); !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "x: ") {
		t.Errorf("error %v, want the reader's", err)
	}
	if _, err := OpenStream("x", stuck{}); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("error %v for a reader that returns nothing", err)
	}
	_, err := OpenStream("x", bytes.NewReader(zipped(t, "a.csv", "a\n")))
	if err == nil || !strings.Contains(err.Error(), "store it in a file") {
		t.Errorf("error %v, want one that says what to do with a zip archive", err)
	}
}

type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// More than 65535 entries need the 64-bit directory.
func TestZip64(t *testing.T) {
	const entries = 1<<16 + 10
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := range entries {
		f, err := w.CreateHeader(&zip.FileHeader{Name: fmt.Sprintf("%d", i), Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, "x\n1\n"); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for e, err := range open(t, b.Bytes()).Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Name != fmt.Sprint(n) || e.Size != 4 {
			t.Fatalf("entry %d is %s with %d bytes", n, e.Name, e.Size)
		}
		n++
	}
	if n != entries {
		t.Errorf("%d entries, want %d", n, entries)
	}
}

func TestEntriesKeepTheirTime(t *testing.T) {
	when := time.Date(2024, 2, 10, 1, 2, 4, 0, time.UTC)
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.CreateHeader(&zip.FileHeader{Name: "x", Modified: when}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create("none"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var got []time.Time
	for e, err := range open(t, b.Bytes()).Entries() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Modified)
	}
	if len(got) != 2 || !got[0].Equal(when) || !got[1].IsZero() {
		t.Errorf("times %v, want %v and none", got, when)
	}
}

func TestContentThatInflatesTooMuchIsRefused(t *testing.T) {
	const free = 1 << 20
	zeros := strings.Repeat("\x00", free+1<<18) // inflates 1000:1
	lessFree := func(s *settings) { s.free = free }
	drain := func(c *partnercenter.Content) (n int64, err error) {
		for e, err := range c.Entries() {
			if err != nil {
				return n, err
			}
			k, err := io.Copy(io.Discard, e)
			n += k
			if err != nil {
				return n, err
			}
		}
		return n, nil
	}
	half := zeros[:len(zeros)/2+1]
	for name, data := range map[string][]byte{
		"zip":                zipped(t, "bomb", zeros),
		"gzip":               gzipped(t, "", zeros),
		"entries together":   zipped(t, "a", half, "b", half),
		"gzip inside a zip":  zipped(t, "bomb.gz", string(gzipped(t, "", zeros))),
		"gzip inside a gzip": gzipped(t, "", string(gzipped(t, "", zeros))),
	} {
		t.Run(name, func(t *testing.T) {
			n, err := drain(open(t, data, lessFree))
			if err == nil || !strings.Contains(err.Error(), "more than 200 times") {
				t.Errorf("after %d bytes: %v", n, err)
			}
			if n > free {
				t.Errorf("%d bytes were delivered, want at most %d", n, free)
			}
			c := open(t, data, lessFree)
			c.Limits.MaxRatio = 1 << 20
			if n, err := drain(c); err != nil || n != int64(len(zeros)) && name != "entries together" {
				t.Errorf("with a higher limit: %d bytes, %v", n, err)
			}
		})
	}
	t.Run("stream", func(t *testing.T) {
		c, err := OpenStream("x", bytes.NewReader(gzipped(t, "", zeros)), lessFree)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := drain(c); err == nil || n > free {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
	t.Run("little is never refused", func(t *testing.T) {
		if _, err := drain(open(t, zipped(t, "a", zeros[:free-1]), lessFree)); err != nil {
			t.Error(err)
		}
	})
	t.Run("what is not compressed is never refused", func(t *testing.T) {
		if n, err := drain(open(t, []byte(zeros), lessFree)); err != nil || n != int64(len(zeros)) {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func TestContentIsReadOnce(t *testing.T) {
	c := text(t, "a\n1\n")
	for _, err := range c.Entries() {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if _, err := contents(c); !errors.Is(err, errRead) {
		t.Errorf("second time: %v", err)
	}
}

type closer struct{ calls int }

func (c *closer) Close() error { c.calls++; return errors.New("closing failed") }

func TestContentClosesOnce(t *testing.T) {
	k := &closer{}
	c, err := Open("x", strings.NewReader("a\n"), 2, WithCloser(k))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err == nil {
		t.Error("the closer's error is lost")
	}
	if err := c.Close(); err != nil || k.calls != 1 {
		t.Errorf("second Close: %v, closer called %d times", err, k.calls)
	}
	if _, err := contents(c); !errors.Is(err, errClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestAnEntryIsUselessAfterItsTurn(t *testing.T) {
	var kept *partnercenter.Entry
	for e, err := range open(t, zipped(t, "a", "a\n", "b", "b\n")).Entries() {
		if err != nil {
			t.Fatal(err)
		}
		if kept != nil {
			if n, err := kept.Read(make([]byte, 8)); n != 0 || !errors.Is(err, errStale) {
				t.Errorf("%d bytes, %v", n, err)
			}
		}
		kept = e
	}
}
