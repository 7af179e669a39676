package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/partnercenter-go/partnercenter"
)

// plainZip makes an archive the way other tools do: sizes and checksum stand in
// front of the data, and nothing behind it.
func plainZip(t testing.TB, method uint16, extra []byte, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for pair := range slices.Chunk(pairs, 2) {
		packed := []byte(pair[1])
		if method == zip.Deflate {
			archive := zipped(t, pair...)
			z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
			if err != nil {
				t.Fatal(err)
			}
			r, err := z.File[0].OpenRaw()
			if err != nil {
				t.Fatal(err)
			}
			if packed, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		f, err := w.CreateRaw(&zip.FileHeader{
			Name: pair[0], Method: method, CRC32: crc32.ChecksumIEEE([]byte(pair[1])), Extra: extra,
			CompressedSize64: uint64(len(packed)), UncompressedSize64: uint64(len(pair[1])),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(packed); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readBytes opens data and reads all of it.
func readBytes(data []byte) ([]content, error) {
	c, err := Open("export", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return contents(c)
}

// rowsOf opens data and reads all rows.
func rowsOf(data []byte) ([]located, error) {
	c, err := Open("export", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return collect[located](c, nil)
}

// An archive that was cut or altered anywhere is never taken for whole: it is an
// error, or what was altered says nothing about the content.
func TestDamagedArchivesAreNeverTakenForWhole(t *testing.T) {
	pairs := []string{"name.csv", "colA,colB\n" + strings.Repeat("1,2\n3,4\n", 9), "folder/", "", "2022-03_24o", "colA,colB\n5,6\n"}
	extra := []byte{0xfe, 0xca, 4, 0, 1, 2, 3, 4}
	for name, data := range map[string][]byte{
		"deflated, as a stream": zipped(t, pairs...),
		"deflated":              plainZip(t, zip.Deflate, extra, pairs...),
		"stored":                plainZip(t, zip.Store, nil, pairs...),
	} {
		t.Run(name, func(t *testing.T) {
			want, err := rowsOf(data)
			if err != nil || len(want) != 19 {
				t.Fatalf("%d rows, %v", len(want), err)
			}
			for n := range data {
				if _, err := rowsOf(data[:n]); err == nil && n > 0 {
					t.Errorf("the first %d of %d bytes are taken for whole", n, len(data))
				}
			}
			check := func(damage string, altered []byte) {
				t.Helper()
				got, err := rowsOf(altered)
				if err == nil && !reflect.DeepEqual(want, got) {
					t.Errorf("%s: no error, rows (-want +got):\n%s", damage, cmp.Diff(want, got))
				}
			}
			for i := range data {
				for _, flip := range []byte{1 << (i % 8), 1 << ((i + 4) % 8), 0xff} {
					altered := bytes.Clone(data)
					altered[i] ^= flip
					check(fmt.Sprintf("byte %d, bits %08b", i, flip), altered)
				}
			}
			r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
			noise := rand.NewChaCha8([32]byte{3})
			for round := range 200 {
				altered := bytes.Clone(data)
				from := r.IntN(len(data))
				_, _ = noise.Read(altered[from:min(len(data), from+1+r.IntN(20))])
				check(fmt.Sprintf("round %d", round), altered)
			}
		})
	}
}

func TestCutGzipIsNeverTakenForWhole(t *testing.T) {
	data := gzipped(t, "x.csv", "colA,colB\n"+strings.Repeat("1,2\n3,4\n", 9))
	want, err := rowsOf(data)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if _, err := rowsOf(data[:n]); err == nil && n > 2 { // less is a short text file
			t.Errorf("the first %d of %d bytes are taken for whole", n, len(data))
		}
	}
	const header = 10 + len("x.csv") + 1 // its name and time are covered by nothing
	for i := header; i < len(data); i++ {
		for bit := range 8 {
			altered := bytes.Clone(data)
			altered[i] ^= 1 << bit
			if got, err := rowsOf(altered); err == nil && !reflect.DeepEqual(want, got) {
				t.Errorf("byte %d, bit %d: no error", i, bit)
			}
		}
	}
}

// patch changes bytes in the archive's directory, whose n-th entry begins at entry.
func patch(data []byte, n int, change func(entry []byte)) []byte {
	data = bytes.Clone(data)
	at := 0
	for range n + 1 {
		at += bytes.Index(data[at:], []byte("PK\x01\x02")) + 1
	}
	change(data[at-1:])
	return data
}

func TestEntriesThatAreNotWhatTheDirectorySays(t *testing.T) {
	const text = "colA,colB\n1,2\n"
	data := plainZip(t, zip.Store, nil, "name.csv", text, "more.csv", text, "folder/", "")
	put := func(at int, v uint32) func([]byte) {
		return func(e []byte) { binary.LittleEndian.PutUint32(e[at:], v) }
	}
	const compressed, offset, name = 20, 42, 46
	for _, c := range []struct {
		name string
		data []byte
		says string
	}{
		{"another name", patch(data, 0, func(e []byte) { e[name] = 'N' }), "entry Name.csv: is not what the archive's directory says"},
		{"hidden", patch(data, 0, func(e []byte) { e[name] = '.' }), "entry .ame.csv: is not what"},
		{"taken for a folder", patch(data, 0, func(e []byte) { e[name+7] = '/' }), "entry name.cs/: is not what"},
		{"a folder with content", bytes.ReplaceAll(plainZip(t, zip.Store, nil, "folderX", text), []byte("folderX"), []byte("folder/")), "entry folder/: is a folder with content"},
		{"the same data twice", patch(data, 1, func(e []byte) { put(offset, 0)(e); copy(e[name:], "name.csv") }), "shares its data"},
		{"too long", patch(plainZip(t, zip.Deflate, nil, "name.csv", text, "more.csv", text), 0, put(compressed, 60)), "entry more.csv: shares its data"},
		{"another method", patch(data, 0, func(e []byte) { e[10] = 8 }), "is not what the archive's directory says"},
		{"beyond the end", patch(data, 1, put(offset, 1<<20)), "unexpected EOF"},
		{"no header there", patch(data, 1, put(offset, 3)), "not a valid zip file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := readBytes(c.data)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%d files, error %v, want one that says %q", len(got), err, c.says)
			}
		})
	}
}

// A directory that is not the whole archive's would leave out what others list.
func TestEntriesThatNoDirectoryLists(t *testing.T) {
	const text = "colA,colB\n1,2\n"
	one, other := plainZip(t, zip.Store, nil, "a.csv", text), plainZip(t, zip.Store, nil, "b.csv", text)
	longer, none := plainZip(t, zip.Deflate, nil, "longer.csv", text, "c.csv", text), plainZip(t, zip.Store, nil)
	emptied := bytes.Clone(one)
	clear(emptied[len(emptied)-endRecord+endEntriesAt-2:])
	for name, data := range map[string][]byte{
		"another archive of the same size behind": slices.Concat(one, other),
		"a larger one":                      slices.Concat(one, longer),
		"a smaller one":                     slices.Concat(longer, one),
		"an empty one":                      slices.Concat(one, none),
		"a directory that was set to zeros": emptied,
		"a directory that begins later":     patchEnd(one, endOffsetAt, 7),
	} {
		if got, err := readBytes(data); err == nil || !strings.HasPrefix(err.Error(), "export: ") || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %d files, error %v", name, len(got), err)
		}
	}
	// Harmless: what follows the end, and a signature of the directory.
	signed := slices.Insert(bytes.Clone(one), len(one)-endRecord, append([]byte(digitalSignature), 2, 0, 'x', 'y')...)
	for name, data := range map[string][]byte{"zeros behind": append(bytes.Clone(one), make([]byte, 60_000)...), "signature": signed} {
		if got, err := readBytes(data); err != nil || len(got) != 1 {
			t.Errorf("%s: %d files, %v", name, len(got), err)
		}
	}
}

// patchEnd adds to a number in the archive's last record.
func patchEnd(data []byte, at int, add byte) []byte {
	data = bytes.Clone(data)
	data[len(data)-endRecord+at] += add
	return data
}

// An entry's header may have any amount of additional fields.
func TestLongExtraFields(t *testing.T) {
	for _, n := range []int{0, 1000, 1020, 1100, 65_000} {
		extra := binary.LittleEndian.AppendUint16([]byte{0xfe, 0xca}, uint16(n)) //nolint:gosec // fits
		data := plainZip(t, zip.Store, append(extra, make([]byte, n)...), "a.csv", "colA,colB\n1,2\n", "b.csv", "colA,colB\n1,2\n")
		if got, err := readBytes(data); err != nil || len(got) != 2 {
			t.Errorf("%d bytes: %d files, %v", n, len(got), err)
		}
	}
}

func TestTextIsLimited(t *testing.T) {
	row := "1,2\n"
	data := zipped(t, "a", "colA,colB\n"+strings.Repeat(row, 100), "b", "colA,colB\n"+strings.Repeat(row, 100))
	const total = 2 * (10 + 400)
	for limit, fits := range map[int64]bool{0: true, -1: true, total: true, total - 1: false, 500: false, 1: false} {
		c := open(t, data)
		c.Limits.MaxBytes = limit
		n := 0
		var last error
		for _, err := range Rows[pair](c, nil) {
			if last = err; err == nil {
				n++
			}
		}
		if (last == nil) != fits || fits && n != 200 {
			t.Errorf("limit %d: %d rows, %v", limit, n, last)
		}
		if last != nil && !strings.Contains(last.Error(), "Limits.MaxBytes") {
			t.Errorf("limit %d: error %v does not say what to do", limit, last)
		}
	}
	c := open(t, []byte("colA,colB\n1,2\n"))
	c.Limits.MaxBytes = 1
	if _, err := collect[pair](c, nil); err != nil {
		t.Errorf("text that is not compressed: %v", err)
	}
	bomb := open(t, zipped(t, "bomb", "colA,colB\n"+strings.Repeat("0", 70<<20)))
	bomb.Limits.MaxRatio = -1
	if _, err := collect[pair](bomb, &partnercenter.RowOptions{MaxRowBytes: -1, Tolerant: true}); err == nil || strings.Contains(err.Error(), "refused") {
		if _, ofRow := errors.AsType[*partnercenter.RowError](err); !ofRow {
			t.Errorf("without limit: %v", err)
		}
	}
}

// The directory is held in memory, so it must not be as large as whoever made the
// archive likes.
func TestHugeDirectoriesAreRefused(t *testing.T) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	comment := strings.Repeat("x", 60_000)
	for range mostDirectory/len(comment) + 1 {
		if _, err := w.CreateRaw(&zip.FileHeader{Name: "x", Comment: comment}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open("export", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if !errors.Is(err, errDirectory) {
		t.Errorf("error %v", err)
	}
}

// far is an archive that begins behind a gap of zeros.
type far struct {
	gap  int64
	data []byte
}

func (f far) ReadAt(p []byte, off int64) (int, error) {
	for i := range p {
		p[i] = 0
		at := off + int64(i) - f.gap
		if at >= int64(len(f.data)) {
			return i, io.EOF
		}
		if at >= 0 {
			p[i] = f.data[at]
		}
	}
	return len(p), nil
}

// Entries behind the first 4 GiB have their place in 64 bits.
func TestZip64Offsets(t *testing.T) {
	const gap = 5 << 30
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	w.SetOffset(gap)
	f, err := w.Create("x.csv")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, "colA,colB\n1,2\n"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data := far{gap, b.Bytes()}
	copy(data.data, "PK\x03\x04") // as it is already: Open looks at the very first bytes
	first := &headed{data, []byte("PK\x03\x04")}
	c, err := Open("export", first, gap+int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := collect[pair](c, nil)
	if diff := cmp.Diff([]pair{{"1", "2"}}, rows); err != nil || diff != "" {
		t.Errorf("error %v, rows (-want +got):\n%s", err, diff)
	}
}

// headed overlays the first bytes.
type headed struct {
	io.ReaderAt
	head []byte
}

func (h *headed) ReadAt(p []byte, off int64) (int, error) {
	n, err := h.ReaderAt.ReadAt(p, off)
	if off < int64(len(h.head)) {
		copy(p[:n], h.head[off:])
	}
	return n, err
}

// span is a read.
type span struct{ from, to int64 }

// recorder notes all reads.
type recorder struct {
	io.ReaderAt
	spans []span
}

func (r *recorder) ReadAt(p []byte, off int64) (int, error) {
	r.spans = append(r.spans, span{off, off + int64(len(p))})
	return r.ReaderAt.ReadAt(p, off)
}

// Reads may be requests over a network: the directory comes first, then each entry
// from its beginning to its end, in large pieces and hardly any byte twice.
func TestArchivesAreReadInOrder(t *testing.T) {
	random := make([]byte, 6<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(random)
	for i := range random {
		random[i] = 'a' + random[i]%16
	}
	data := zipped(t, "a.csv", "colA,colB\n"+string(random[:1<<20])+",x\n", "b.csv", "colA,colB\n"+string(random[1<<20:])+",y\n")
	r := &recorder{ReaderAt: bytes.NewReader(data)}
	c, err := Open("export", r, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	opened := len(r.spans)
	var total int64
	for _, s := range r.spans {
		total += s.to - s.from
		if s.from > 4 && s.to < int64(len(data))-70_000 {
			t.Errorf("opening reads %v of %d bytes", s, len(data))
		}
	}
	rows, err := collect[pair](c, &partnercenter.RowOptions{MaxRowBytes: 8 << 20})
	if err != nil || len(rows) != 2 || rows[1].B != "y" {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var at int64
	for _, s := range r.spans[opened:] {
		total += s.to - s.from
		if s.from < at-3*usualExtra {
			t.Errorf("a step back from %d to %d", at, s.from)
		}
		at = max(at, s.to)
	}
	if limit := int64(len(data)) + 200<<10; total > limit {
		t.Errorf("%d bytes were read of %d", total, len(data))
	}
	if n, most := len(r.spans), len(data)/compressedBuffer+30; n > most {
		t.Errorf("%d reads, want at most %d", n, most)
	}
}

// checked fails the test for reads outside of the data.
type checked struct {
	t    *testing.T
	data []byte
}

func (c checked) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > int64(len(c.data)) {
		c.t.Errorf("a read at %d of %d bytes", off, len(c.data))
		return 0, io.EOF
	}
	return bytes.NewReader(c.data).ReadAt(p, off)
}

// FuzzZip: whatever the archive, it is read to its end or to an error, within the
// limits; and what is read without error is what package archive/zip reads.
func FuzzZip(f *testing.F) {
	pairs := []string{"name.csv", "colA,colB\n1,2\n", "folder/", "", ".hidden", "x", "2022-03_24", strings.Repeat("0", 5000)}
	f.Add(zipped(f, pairs...))
	f.Add(plainZip(f, zip.Deflate, []byte{0xfe, 0xca, 0, 0}, pairs...))
	f.Add(plainZip(f, zip.Store, nil, pairs...))
	f.Add(zipped(f, "x.gz", string(gzipped(f, "x.csv", "colA,colB\n1,2\n"))))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sniff(data) != kindZip {
			return
		}
		const most = 1 << 20
		c, err := Open("fuzz", checked{t, data}, int64(len(data)))
		if err != nil {
			return
		}
		c.Limits.MaxBytes = most
		got, err := contents(c)
		total := 0
		for _, file := range got {
			total += len(file.Text)
		}
		if total > most {
			t.Errorf("%d bytes in spite of the limit", total)
		}
		if err != nil {
			return
		}
		z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			t.Fatalf("archive/zip does not read it: %v", err)
		}
		i := 0
		for _, f := range z.File {
			if litter(f.Name) {
				continue
			}
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			plain := strings.TrimPrefix(string(text), utf8Mark)
			if sniff(text) != kindGzip && (i >= len(got) || got[i].Text != plain || f.Name != "" && got[i].Name != f.Name) {
				t.Errorf("%s is read in another way", f.Name)
			}
			i++
		}
		if i != len(got) {
			t.Errorf("%d files, archive/zip has %d", len(got), i)
		}
	})
}
