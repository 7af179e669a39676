//go:build linux && (386 || amd64 || arm64)

package transfer

import (
	"os"
	"syscall"
)

// startWriteback lets the disk begin with what has been written so far, so that
// little is left to wait for when the file must be safe. It promises nothing.
func startWriteback(f partFile) {
	file, ok := f.(*os.File)
	if !ok {
		return
	}
	conn, err := file.SyscallConn()
	if err != nil {
		return
	}
	const start = 0x2 // SYNC_FILE_RANGE_WRITE
	_ = conn.Control(func(fd uintptr) { _ = syscall.SyncFileRange(int(fd), 0, 0, start) })
}
