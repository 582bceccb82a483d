package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// LockedError says that another controller works on the data directory.
type LockedError struct {
	// PID, Host and Since are those of the controller that holds the lock. PID is 0 when it has not said yet.
	PID   int       `json:"pid"`
	Host  string    `json:"host"`
	Since time.Time `json:"since"`
	// DataDir is the directory in question.
	DataDir string `json:"-"`
}

// Error names the holder.
func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("another controller has just begun to work on %s: stop it, or name another --data-dir", e.DataDir)
	}
	return fmt.Sprintf("another controller works on %s: pid %d on host %s since %s: stop it, or name another --data-dir",
		e.DataDir, e.PID, e.Host, e.Since.Format(time.RFC3339))
}

// Lock makes this process the one controller of the data directory until release is called or the process ends,
// however it ends. While another one is, the error is a *LockedError that names it.
func (s *Store) Lock() (release func(), err error) {
	path := s.layout.controllerLock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory %s: %w", s.layout.Root, err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		defer func() { _ = f.Close() }()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, s.holder(path)
		}
		return nil, fmt.Errorf("lock the data directory %s: %w", s.layout.Root, err)
	}
	// What a former controller wrote between our opening and its end counts, and its leftovers do not.
	if err := errors.Join(s.sign(f), s.reloadRecords(), s.sweep()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the data directory %s: %w", s.layout.Root, err)
	}
	s.locked.Store(true)
	return func() {
		s.locked.Store(false)
		_ = f.Truncate(0)
		_ = f.Close()
	}, nil
}

// sign writes into the lock who holds it.
func (s *Store) sign(f *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	data, err := json.Marshal(LockedError{PID: os.Getpid(), Host: host, Since: s.clock.Now().UTC()})
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(append(data, '\n'), 0)
	return err
}

// Holder tells which controller works on a data directory; nil if none does. It only looks: trying the lock could keep a
// controller from starting that very moment. One on another host is believed.
func Holder(l Layout) *LockedError {
	held := &LockedError{DataDir: l.Root}
	data, err := os.ReadFile(l.controllerLock())
	if err != nil || json.Unmarshal(data, held) != nil || held.PID == 0 {
		return nil
	}
	if host, _ := os.Hostname(); held.Host == host && !isLocked(l.controllerLock()) {
		return nil
	}
	return held
}

// isLocked tells whether the kernel lists a lock on the file. Where it lists nothing the file is taken for locked.
func isLocked(path string) bool {
	var at unix.Stat_t
	locks, err := os.ReadFile("/proc/locks")
	if err != nil || unix.Stat(path, &at) != nil {
		return true
	}
	for line := range strings.Lines(string(locks)) {
		fields := strings.Fields(line)
		if len(fields) > 5 && fields[1] == "FLOCK" && strings.HasSuffix(fields[5], ":"+strconv.FormatUint(at.Ino, 10)) {
			return true
		}
	}
	return false
}

func (s *Store) holder(path string) error {
	held := &LockedError{DataDir: s.layout.Root}
	if data, err := os.ReadFile(path); err == nil {
		// A holder that has not signed yet leaves the fields empty, and the message says so.
		_ = json.Unmarshal(data, held)
	}
	return held
}

// How long a change of a manifest waits for another one, and how often it looks.
const (
	writersPatience = 2 * time.Second
	writersPoll     = 2 * time.Millisecond
)

// lockWriters waits for the one lock that whoever changes a manifest takes, in this process or another. ErrBusy:
// somebody keeps it. A wait without end would let a stopped command hold up the controller.
func (s *Store) lockWriters() (release func(), err error) {
	path := s.layout.writersLock()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if errors.Is(err, fs.ErrPermission) {
		// Another user's file: its lock can be had for reading. If there is none, the first error is the one that tells.
		if shared, denied := os.Open(path); denied == nil {
			f, err = shared, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the manifests: %w", err)
	}
	if err := s.flockPatiently(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the manifests by %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}

func (s *Store) flockPatiently(f *os.File) error {
	for limit := time.Now().Add(writersPatience); ; {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case !errors.Is(err, unix.EWOULDBLOCK):
			return err
		case time.Now().After(limit):
			return ErrBusy
		}
		// Another process has it, which no clock of ours can move.
		<-time.After(writersPoll)
	}
}
