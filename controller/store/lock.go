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

// Claim is the right to be the one controller of a data directory.
type Claim struct {
	file *os.File
	// held says that it was made use of.
	held bool
}

// NewClaim takes the lock of a data directory, which must be there, until Release is called or the process ends, however
// it ends. Nothing else is touched. While another controller has it, the error is a *LockedError that names that.
func NewClaim(l Layout, now time.Time) (*Claim, error) {
	f, err := openLock(l)
	if err != nil {
		return nil, fmt.Errorf("lock the data directory %s: %w", l.Root, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		err = sign(f, now)
	}
	if err == nil {
		return &Claim{file: f}, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, holder(l)
	}
	return nil, fmt.Errorf("lock the data directory %s: %w", l.Root, err)
}

// openLock opens the file that is locked. An agent may have closed it to its owner.
func openLock(l Layout) (*os.File, error) {
	open := func() (*os.File, error) { return os.OpenFile(l.ControllerLock(), os.O_RDWR|os.O_CREATE, 0o644) }
	f, err := open()
	if errors.Is(err, fs.ErrPermission) {
		_, _ = l.RepairModes(nil)
		return open()
	}
	return f, err
}

// Release gives the right back. One that was of no use, as on a full disk, leaves the file as a death would.
func (c *Claim) Release() {
	if c.held {
		_ = c.file.Truncate(0)
	}
	_ = c.file.Close()
}

// Lock makes this process the one controller of the data directory until release is called or the process ends,
// however it ends. While another one is, the error is a *LockedError that names it.
func (s *Store) Lock() (release func(), err error) {
	claim, err := NewClaim(s.layout, s.clock.Now())
	if err != nil {
		return nil, err
	}
	if err := s.Hold(claim); err != nil {
		claim.Release()
		return nil, err
	}
	return func() { s.Leave(); claim.Release() }, nil
}

// Hold tells the store that this process is the one controller, for it has the claim.
func (s *Store) Hold(c *Claim) error {
	c.held = true
	// What a former controller wrote between our opening and its end counts, and its leftovers do not.
	if err := errors.Join(s.reloadRecords(), s.sweep()); err != nil {
		return fmt.Errorf("take over the data directory %s: %w", s.layout.Root, err)
	}
	s.locked.Store(true)
	return nil
}

// Leave tells the store that this process is the one controller no longer.
func (s *Store) Leave() { s.locked.Store(false) }

// sign writes into the lock who holds it.
func sign(f *os.File, now time.Time) error {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	data, err := json.Marshal(LockedError{PID: os.Getpid(), Host: host, Since: now.UTC()})
	if err != nil {
		return err
	}
	data = append(data, '\n')
	if _, err := f.WriteAt(data, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(data)))
}

// Holder tells which controller works on a data directory, and whether it still does; who is empty where none ever did or
// the last one ended well. It only looks: trying the lock could keep a
// controller from starting that very moment. One on another host is believed.
func Holder(l Layout) (who LockedError, held bool) {
	who.DataDir = l.Root
	data, err := os.ReadFile(l.ControllerLock())
	if err != nil || json.Unmarshal(data, &who) != nil || who.PID == 0 {
		return LockedError{DataDir: l.Root}, false
	}
	host, _ := os.Hostname()
	return who, who.Host != host || isLocked(l.ControllerLock())
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

func holder(l Layout) error {
	held := &LockedError{DataDir: l.Root}
	if data, err := os.ReadFile(l.ControllerLock()); err == nil {
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
	// Within this process they queue; only against other processes there is nothing but to look again and again.
	select {
	case s.writing <- struct{}{}:
	case <-time.After(writersPatience):
		return nil, fmt.Errorf("lock the manifests: %w", ErrBusy)
	}
	f, err := s.lockedFile()
	if err != nil {
		<-s.writing
		return nil, err
	}
	return func() { _ = f.Close(); <-s.writing }, nil
}

// writersAtWork tells whether anybody has the writers' lock.
func (s *Store) writersAtWork() bool {
	f, err := os.Open(s.layout.writersLock())
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	return errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB), unix.EWOULDBLOCK)
}

// lockedFile opens and locks the file of the lock.
func (s *Store) lockedFile() (*os.File, error) {
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
	return f, nil
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
